import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "gimp_root.py"


@pytest.fixture(scope="module")
def gimp_root():
    spec = importlib.util.spec_from_file_location("gimp_root", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_cache_is_the_named_one_then_xdgs_then_the_homes(gimp_root, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("DRAGLAYER_GIMP_CACHE", raising=False)
    assert gimp_root.cache_folder() == tmp_path / ".cache" / "draglayer"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert gimp_root.cache_folder() == Path("/x/draglayer")
    monkeypatch.setenv("DRAGLAYER_GIMP_CACHE", "/named")
    assert gimp_root.cache_folder() == Path("/named")


def test_inside_only_the_given_variables_are_seen(gimp_root):
    line = gimp_root.enter_command(["/data"], ["NAME=value"], ["program", "--flag"])
    assert line[-3:] == ["NAME=value", "program", "--flag"]
    assert line[line.index("env") + 1] == "-i"
    assert line.index("/data") < line.index("--") < line.index("env")


def test_a_path_is_printed_without_building(tmp_path):
    done = subprocess.run(
        [sys.executable, str(TOOL), "path"],
        env={"DRAGLAYER_GIMP_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{tmp_path}/cache/gimp-trixie\n"
    assert not (tmp_path / "cache").exists()


def test_what_cannot_be_built_is_one_sentence_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, str(TOOL), "build"],
        env={"DRAGLAYER_GIMP_CACHE": str(tmp_path / "cache"), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "GIMP's root" in done.stderr
    assert not list(tmp_path.glob("cache/building-*"))
