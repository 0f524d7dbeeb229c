"""The real GIMP 3 for the tests: the machine's own, or the Debian folder of tools/gimp_root.py."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ROOT_TOOL = REPOSITORY / "tools" / "gimp_root.py"
STAGE_TOOL = REPOSITORY / "tools" / "stage_plugins.py"

# Without these, modal windows wait for an answer: a welcome, and what to do with a profile.
GIMPRC = """(config-version "{version}")
(show-welcome-dialog no)
(check-updates no)
(color-profile-policy keep)
(metadata-rotation-policy keep)
(save-document-history no)
(save-session-info no)
(restore-session no)
"""


class NoHost(Exception):
    """No GIMP 3 can be had here; the message says why."""


@dataclass(frozen=True)
class GimpHost:
    """A GIMP that can be started.

    Args:
        version: As GIMP says it ("3.0.4").
        is_in_root: Whether it lives in the Debian folder and not on this machine.
    """

    version: str
    is_in_root: bool

    def command(
        self, line: Sequence[str], *, folders: Sequence[Path], variables: Mapping[str, str]
    ) -> list[str]:
        """The command line that runs `line` where GIMP is, with nothing but these variables."""
        settings = [f"{name}={value}" for name, value in variables.items()]
        if not self.is_in_root:
            return ["env", "-i", f"PATH={os.environ['PATH']}", "LANG=C.UTF-8", *settings, *line]
        binds = [word for folder in folders for word in ("--bind", str(folder))]
        passed = [word for setting in settings for word in ("--env", setting)]
        return [sys.executable, str(ROOT_TOOL), "run", *binds, *passed, "--", *line]


def find_host() -> GimpHost:
    """The machine's GIMP when it is 3 or later, else the one in the root, built if need be.

    Raises:
        NoHost: Neither can be had.
    """
    if shutil.which("gimp-console") is not None:
        version = _version(["gimp-console", "--version"])
        if int(version.split(".")[0]) >= 3:
            return GimpHost(version, is_in_root=False)
    built = subprocess.run(
        [sys.executable, str(ROOT_TOOL), "build"], capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        said = built.stderr.strip().splitlines()
        raise NoHost(f"no GIMP 3 here: {said[-1] if said else 'the root could not be built'}")
    inside = [sys.executable, str(ROOT_TOOL), "run", "--", "gimp-console", "--version"]
    return GimpHost(_version(inside), is_in_root=True)


def _version(line: list[str]) -> str:
    said = subprocess.run(line, capture_output=True, text=True, check=False).stdout
    match = re.search(r"(\d+\.\d+\.\d+)", said)
    if match is None:
        raise NoHost(f"GIMP did not say its version but: {said!r}")
    return match[1]


def make_profile(folder: Path, host: GimpHost) -> Path:
    """A fresh GIMP profile with our plug-in in it, as an installation has it."""
    staged = folder / "staged"
    subprocess.run([sys.executable, str(STAGE_TOOL), "--copy", str(staged)], check=True)
    (staged / "gimp").rename(folder / "plug-ins")
    (folder / "gimprc").write_text(GIMPRC.format(version=host.version))
    return folder
