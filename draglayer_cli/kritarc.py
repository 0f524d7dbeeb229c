"""Krita's settings file, as far as plug-ins go: KConfig's INI form, changed line by line.

Everything that is not ours stays byte for byte as it is: the file holds the artist's settings, and
configparser would lose comments, the order and the case of names.
"""

import os
import re
import secrets
from pathlib import Path

_GROUP = re.compile(r"\[(.*)\]\s*")
_PLUGIN_GROUP = "python"


def read_resource_folder(kritarc: Path) -> Path | None:
    """The folder to which the artist moved Krita's resources; None where they are at home."""
    group = ""
    for line in _lines(kritarc):
        match = _GROUP.fullmatch(line)
        if match:
            group = match[1]
        elif group == "" and line.startswith("ResourceDirectory="):
            value = line.partition("=")[2].strip()
            return Path(value) if value else None
    return None


def enable_plugin(kritarc: Path, name: str) -> bool:
    """Ticks the plug-in in Krita's Python Plugin Manager; False where it was ticked already.

    Only while Krita does not run: it writes the file anew when it ends.
    """
    lines = _lines(kritarc)
    key = f"enable_{name}"
    entry = f"{key}=true\n"
    start, end = _group_range(lines, _PLUGIN_GROUP)
    if start is None:
        ending = [] if not lines or lines[-1].endswith("\n") else ["\n"]
        changed = [*lines, *ending, f"\n[{_PLUGIN_GROUP}]\n" if lines else "[python]\n", entry]
    else:
        kept = [line for line in lines[start:end] if line.partition("=")[0].strip() != key]
        if len(kept) == end - start - 1 and f"{key}=true" in map(str.strip, lines[start:end]):
            return False
        changed = [*lines[:start], entry, *kept, *lines[end:]]
    _write(kritarc, "".join(changed))
    return True


def is_plugin_enabled(kritarc: Path, name: str) -> bool:
    """Whether the plug-in is ticked in Krita's Python Plugin Manager."""
    lines = _lines(kritarc)
    start, end = _group_range(lines, _PLUGIN_GROUP)
    return start is not None and f"enable_{name}=true" in map(str.strip, lines[start:end])


def _group_range(lines: list[str], name: str) -> tuple[int | None, int]:
    start: int | None = None
    for number, line in enumerate(lines):
        match = _GROUP.fullmatch(line)
        if match and start is not None:
            return start, number
        if match and match[1] == name:
            start = number + 1
    return start, len(lines)


def _lines(kritarc: Path) -> list[str]:
    try:
        # Bytes that are no UTF-8 survive the round trip.
        text = kritarc.read_bytes().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return []
    # Not splitlines, which also splits at characters that may stand within a value.
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _write(kritarc: Path, text: str) -> None:
    kritarc.parent.mkdir(parents=True, exist_ok=True)
    # A settings file may be a link into a folder of dotfiles: write what it points at.
    target = kritarc.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
    if target.exists():
        temporary.chmod(target.stat().st_mode & 0o777)
    os.replace(temporary, target)
