"""Fixtures for the tests in the real GIMP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gimp.host import REPOSITORY, GimpHost, NoHost, find_host, make_profile
from tests.gimp.screen import wait_for


@pytest.fixture(scope="session")
def gimp_host() -> GimpHost:
    """The real GIMP; without one the test is skipped, or fails where CI demands it."""
    try:
        return find_host()
    except NoHost as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.fixture
def gimp_profile(gimp_host: GimpHost, tmp_path: Path) -> Path:
    """A fresh profile with the plug-in installed."""
    return make_profile(tmp_path / "profile", gimp_host)


@pytest.fixture
def real_bridge(tmp_path: Path) -> Iterator[Path]:
    """The runtime folder of a bridge with the real engine, as `draglayer serve` starts it."""
    folder = tmp_path / "bridge"
    log = tmp_path / "bridge.log"
    with open(log, "w") as out:
        bridge = subprocess.Popen(
            [sys.executable, "-m", "bridge_server"],
            cwd=REPOSITORY,
            env={**os.environ, "DRAGLAYER_RUNTIME_DIR": str(folder)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for("the bridge", (folder / "bridge.json").exists)
        yield folder
    finally:
        bridge.terminate()
        # What it said is shown with a failing test.
        sys.stderr.write(log.read_text())
        bridge.wait(30)
