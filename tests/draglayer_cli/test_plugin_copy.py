import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bridge_client
from draglayer_cli.plugin_copy import MANIFEST_NAME, InstallError, copy_plugin, plugin_source

HOSTS = ["krita", "gimp"]
PACKAGES = {"krita": "draglayer_krita", "gimp": "draglayer/draglayer_gimp"}


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("host", HOSTS)
def test_the_plugin_comes_whole_with_the_client_and_the_interpreter(tmp_path, host):
    copy_plugin(host, tmp_path, interpreter="/some/python")
    package = tmp_path / PACKAGES[host]
    client = Path(bridge_client.__file__).parent
    assert files_below(package / "_vendor/bridge_client") == files_below(client)
    assert json.loads((package / "launcher.json").read_text()) == {"interpreter": "/some/python"}
    source = files_below(plugin_source(host))
    wanted = {name for name in source if "_vendor/" not in name}
    assert wanted <= set(files_below(tmp_path))


@pytest.mark.parametrize("host", HOSTS)
def test_the_copied_client_stands_on_its_own(tmp_path, host):
    copy_plugin(host, tmp_path, interpreter=None)
    vendor = tmp_path / PACKAGES[host] / "_vendor"
    code = f"import sys; sys.path.insert(0, {str(vendor)!r}); import bridge_client as c\n"
    code += "from bridge_client.launcher import default_launcher_file as f; print(f())"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(tmp_path / PACKAGES[host] / "launcher.json")


def test_gimps_entry_can_be_executed(tmp_path):
    target = copy_plugin("gimp", tmp_path, interpreter=None)
    assert os.access(target / "draglayer.py", os.X_OK)


def test_kritas_manifest_lies_beside_the_folder(tmp_path):
    copy_plugin("krita", tmp_path, interpreter=None)
    assert "X-KDE-Library=draglayer_krita" in (tmp_path / "draglayer_krita.desktop").read_text()


def test_without_an_interpreter_none_is_recorded(tmp_path):
    copy_plugin("krita", tmp_path, interpreter=None)
    assert not (tmp_path / "draglayer_krita/launcher.json").exists()


def test_the_manifest_names_every_file_by_its_content(tmp_path):
    target = copy_plugin("gimp", tmp_path, interpreter="/p")
    listed = json.loads((target / MANIFEST_NAME).read_text())["sha256"]
    files = files_below(target)
    del files[MANIFEST_NAME]
    assert listed == {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}


def test_a_second_installation_replaces_the_first_and_leaves_no_rest(tmp_path):
    target = copy_plugin("gimp", tmp_path, interpreter="/old")
    (target / "gone.py").write_text("old")
    copy_plugin("gimp", tmp_path, interpreter="/new")
    assert not (target / "gone.py").exists()
    assert "/new" in (target / "draglayer_gimp/launcher.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["draglayer"]


def test_what_somebody_else_put_there_is_left_alone(tmp_path):
    (tmp_path / "draglayer").mkdir()
    (tmp_path / "draglayer/mine.py").write_text("mine")
    with pytest.raises(InstallError, match="not put there by"):
        copy_plugin("gimp", tmp_path, interpreter=None)
    assert files_below(tmp_path) == {"draglayer/mine.py": b"mine"}


def test_a_link_is_left_alone(tmp_path):
    target = copy_plugin("gimp", tmp_path / "real", interpreter=None)
    (tmp_path / "draglayer").symlink_to(target)
    with pytest.raises(InstallError, match="not put there by"):
        copy_plugin("gimp", tmp_path, interpreter=None)


def test_a_folder_that_cannot_be_made_gets_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallError, match="can't be put into"):
        copy_plugin("gimp", tmp_path / "file" / "plug-ins", interpreter=None)
