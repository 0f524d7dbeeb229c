"""The real Krita: found or demanded, and a home of its own for each run."""

import importlib.metadata
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

# What runs inside Krita's own Python is collected there, not here.
collect_ignore = ["inside"]

# All of pytest, which is pure Python; nothing else of this environment may be seen in Krita.
_PYTEST_DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")


@pytest.fixture(scope="session")
def demand_programs() -> Callable[..., None]:
    """Skips where a program is missing; fails in CI, which promises them."""

    def demand(*names: str) -> None:
        missing = [name for name in names if shutil.which(name) is None]
        if missing and os.environ.get("CI"):
            pytest.fail(f"CI has no {', '.join(missing)}")
        if missing:
            pytest.skip(f"needs {', '.join(missing)}")

    return demand


@pytest.fixture(scope="session")
def krita_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for a fresh home: a second Krita in one home would hand over to the first."""
    home = tmp_path_factory.mktemp("krita-home")
    folders = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "data",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_STATE_HOME": home / "state",
        "XDG_RUNTIME_DIR": home / "run",
        "TMPDIR": home / "tmp",
    }
    for folder in folders.values():
        folder.mkdir(mode=0o700, exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "QT_")) and name != "DBUS_SESSION_BUS_ADDRESS"
    }
    return {
        **kept,
        **{name: str(folder) for name, folder in folders.items()},
        "LC_ALL": "C.UTF-8",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }


@pytest.fixture(scope="session")
def bare_pytest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pytest and nothing else, for Krita's Python."""
    folder = tmp_path_factory.mktemp("pytest")
    for name in _PYTEST_DISTRIBUTIONS:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (folder / top).symlink_to(str(distribution.locate_file(top)))
    return folder
