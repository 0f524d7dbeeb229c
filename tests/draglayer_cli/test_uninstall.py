"""`draglayer uninstall`: it takes away what was installed, and nothing else."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from draglayer_cli.plugin_copy import MANIFEST_NAME, InstallError, copy_plugin, remove_plugin
from draglayer_cli.uninstall import command

HOSTS = ["krita", "gimp"]


def everything_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("host", HOSTS)
def test_installing_and_uninstalling_leaves_the_folder_as_it_was(tmp_path, host):
    (tmp_path / "other_plugin").mkdir()
    (tmp_path / "other_plugin" / "other.py").write_text("other")
    before = everything_below(tmp_path)
    copy_plugin(host, tmp_path, interpreter="/p")
    assert remove_plugin(host, tmp_path) == []
    assert everything_below(tmp_path) == before


def test_what_python_compiled_goes_too(tmp_path):
    target = copy_plugin("gimp", tmp_path, interpreter=None)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], check=True)
    assert remove_plugin("gimp", tmp_path) == []
    assert everything_below(tmp_path) == []


def test_files_of_others_stay_and_are_named(tmp_path):
    target = copy_plugin("gimp", tmp_path, interpreter=None)
    (target / "notes.txt").write_text("mine")
    assert remove_plugin("gimp", tmp_path) == [target / "notes.txt"]
    assert everything_below(tmp_path) == ["draglayer", "draglayer/notes.txt"]


@pytest.mark.parametrize("name", ["../victim", "sub/../../victim", "ABSOLUTE", "link/victim"])
def test_a_list_that_points_elsewhere_removes_nothing(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    target = copy_plugin("gimp", tmp_path, interpreter=None)
    (target / "link").symlink_to(tmp_path)
    manifest = json.loads((target / MANIFEST_NAME).read_text())
    manifest["sha256"][name.replace("ABSOLUTE", str(victim))] = "0" * 64
    (target / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(InstallError, match="remove it by hand"):
        remove_plugin("gimp", tmp_path)
    assert victim.read_text() == "mine" and (target / "draglayer.py").exists()


def test_a_plugin_that_is_not_ours_is_refused(tmp_path):
    (tmp_path / "draglayer").mkdir()
    (tmp_path / "draglayer" / "mine.py").write_text("mine")
    with pytest.raises(InstallError, match="not put there by"):
        remove_plugin("gimp", tmp_path)


def test_the_command_says_what_it_did(tmp_path):
    copy_plugin("krita", tmp_path, interpreter=None)
    first, second = (
        CliRunner().invoke(command, ["krita", "--dir", str(tmp_path)]) for _ in range(2)
    )
    assert first.exit_code == 0 and "taken out of" in first.output
    assert second.exit_code == 0 and "not installed" in second.output
