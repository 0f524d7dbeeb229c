"""Fixtures for the tests in the real GIMP."""

import os
from pathlib import Path

import pytest

from tests.gimp.host import GimpHost, NoHost, find_host, make_profile


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
