"""The suite in `inside/`, run by pytest in Krita's own Python against the real API, without X."""

import re
import subprocess
from pathlib import Path

import pytest

from draglayer_cli.plugin_copy import copy_plugin

INSIDE = Path(__file__).parent / "inside"
REPOSITORY = Path(__file__).parents[2]
# An empty home makes Krita build its resource database first.
TIMEOUT_S = 240

pytestmark = [pytest.mark.krita, pytest.mark.timeout(TIMEOUT_S + 30)]


def test_the_plug_in_works_against_the_real_api(
    demand_programs, krita_environment, bare_pytest, tmp_path
):
    demand_programs("kritarunner")
    copy_plugin("krita", tmp_path / "pykrita", interpreter=None)
    report = tmp_path / "report.txt"
    path = (INSIDE, tmp_path / "pykrita", bare_pytest, REPOSITORY)
    done = subprocess.run(
        ["kritarunner", "-s", "run_pytest", "-f", "__main__", "--", str(report), str(INSIDE)],
        env={
            **krita_environment,
            "DISPLAY": "",
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": ":".join(map(str, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert report.exists(), f"pytest did not end inside Krita:\n{done.stdout}"
    summary = report.read_text(encoding="utf-8").splitlines()[-1]
    # kritarunner ends with 0 even when its script raised: the suite writes and exits by itself.
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[1-9]\d* passed", summary), done.stdout
    assert "skipped" not in summary, done.stdout
