"""The plug-ins as they are staged with their client: by the checkout's tool, and in the wheel."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOSTS = ["krita", "gimp"]
CLIENTS = {
    "krita": "draglayer_krita/_vendor/bridge_client",
    "gimp": "draglayer/draglayer_gimp/_vendor/bridge_client",
}


@pytest.fixture(scope="module")
def staging():
    specification = importlib.util.spec_from_file_location(
        "stage_plugins", ROOT / "tools/stage_plugins.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def import_alone(vendor: Path) -> str:
    """Imports the client as a host does, without this checkout or any installed package."""
    code = f"import sys; sys.path.insert(0, {str(vendor)!r}); import bridge_client as c; print(c)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=vendor,
    )
    return done.stdout


@pytest.mark.parametrize("host", HOSTS)
def test_a_staged_plugin_holds_its_own_files_and_the_client_byte_for_byte(staging, tmp_path, host):
    staging.copy_plugin(ROOT, host, tmp_path / host)
    staged = files_below(tmp_path / host)
    client = files_below(ROOT / "bridge_client")
    assert {name: staged[f"{CLIENTS[host]}/{name}"] for name in client} == client
    own = {name: body for name, body in staged.items() if "/_vendor/" not in name}
    source = files_below(ROOT / f"{host}_plugin")
    assert own == {name: body for name, body in source.items() if "/_vendor/" not in name}


@pytest.mark.parametrize("host", HOSTS)
def test_the_staged_client_imports_without_any_package(staging, tmp_path, host):
    staging.copy_plugin(ROOT, host, tmp_path / host)
    assert str(tmp_path) in import_alone((tmp_path / host / CLIENTS[host]).parent)


def test_staging_again_leaves_nothing_old(staging, tmp_path):
    staging.copy_plugin(ROOT, "krita", tmp_path / "krita")
    (tmp_path / "krita/old.py").write_text("")
    staging.copy_plugin(ROOT, "krita", tmp_path / "krita")
    assert not (tmp_path / "krita/old.py").exists()


def test_gimps_entry_is_executable_when_staged(staging, tmp_path):
    staging.copy_plugin(ROOT, "gimp", tmp_path / "gimp")
    assert os.access(tmp_path / "gimp/draglayer/draglayer.py", os.X_OK)


@pytest.mark.parametrize("host", HOSTS)
def test_a_zip_has_entries_for_its_folders_before_their_files(staging, tmp_path, host):
    staging.zip_plugin(ROOT, host, tmp_path / "plugin.zip")
    with zipfile.ZipFile(tmp_path / "plugin.zip") as archive:
        names = archive.namelist()
    seen: set[str] = set()
    for name in names:
        parent = name.rstrip("/").rpartition("/")[0]
        assert not parent or f"{parent}/" in seen
        seen.add(name)
    assert f"{CLIENTS[host]}/__init__.py" in seen


def test_a_link_for_development_is_made_and_made_again(staging, tmp_path):
    for name in ("bridge_client", "krita_plugin/draglayer_krita"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bridge_client/__init__.py").write_text("here = True\n")
    for _ in range(2):
        staging.link_client(tmp_path, "krita")
    vendored = tmp_path / "krita_plugin/draglayer_krita/_vendor/bridge_client"
    assert vendored.is_symlink()
    assert (vendored / "__init__.py").read_text() == "here = True\n"


def run(*command: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed_wheel(tmp_path_factory) -> Path:
    """The folder into which pip put our wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    builder = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    run(sys.executable, "-c", builder, str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    options = ("--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--quiet")
    run(sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(wheel))
    return target


@pytest.mark.parametrize("host", HOSTS)
def test_the_wheel_carries_the_staged_plugins(installed_wheel, staging, tmp_path, host):
    staging.copy_plugin(ROOT, host, tmp_path / host)
    carried = files_below(installed_wheel / "draglayer_cli/plugins" / host)
    assert carried == files_below(tmp_path / host)
    assert import_alone((installed_wheel / "draglayer_cli/plugins" / host / CLIENTS[host]).parent)


@pytest.mark.parametrize("host", HOSTS)
def test_the_installed_wheel_stages_into_a_hosts_folder(installed_wheel, staging, tmp_path, host):
    code = "from draglayer_cli.install import command; command()"
    output = run(
        sys.executable,
        *("-c", code, host, "--dir", str(tmp_path / "host")),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed_wheel), "HOME": str(tmp_path)},
    )
    assert "Next: start" in output
    staging.copy_plugin(ROOT, host, tmp_path / "expected")
    expected = files_below(tmp_path / "expected")
    installed = files_below(tmp_path / "host")
    assert {name: installed.get(name) for name in expected} == expected
