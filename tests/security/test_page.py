"""docs/security.md: every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert [name for name in sorted(named) if f"def {name}(" not in source] == []


def test_every_file_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`((?:\w+/)*test_\w+\.py|tests/\w+/)`", PAGE))
    tests = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*")]
    missing = [each for each in named if not any(each.rstrip("/") in path for path in tests)]
    assert named and missing == []
