import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from draglayer_cli.hosts import Machine
from draglayer_cli.install import command, is_krita_running, own_interpreter


@pytest.fixture
def home(tmp_path):
    return tmp_path


def install(home: Path, *arguments: str, **environment: str) -> Result:
    bare = {
        "HOME": str(home),
        "PATH": "",
        "XDG_DATA_HOME": "",
        "XDG_CONFIG_HOME": "",
        "GIMP3_DIRECTORY": "",
    }
    return CliRunner().invoke(command, list(arguments), env={**bare, **environment})


def test_krita_gets_the_plugin_enabled_and_one_next_action(home):
    (home / ".local/share/krita").mkdir(parents=True)
    result = install(home, "krita", "--enable")
    assert result.exit_code == 0, result.output
    assert (home / ".local/share/krita/pykrita/draglayer_krita.desktop").is_file()
    assert "enable_draglayer_krita=true" in (home / ".config/kritarc").read_text()
    assert result.output.splitlines()[-1].startswith("Next: start Krita and open Settings")


def test_krita_can_be_left_to_the_artist_to_enable(home):
    (home / ".local/share/krita").mkdir(parents=True)
    result = install(home, "krita", "--no-enable")
    assert result.exit_code == 0 and not (home / ".config/kritarc").exists()
    assert "Python Plugin Manager" in result.output


def test_gimp_gets_the_plugin_in_every_version(home):
    for version in ("3.0", "3.2"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    result = install(home, "gimp")
    assert result.exit_code == 0, result.output
    for version in ("3.0", "3.2"):
        entry = home / ".config/GIMP" / version / "plug-ins/draglayer/draglayer.py"
        assert entry.stat().st_mode & 0o111 == 0o111
    assert result.output.splitlines()[-1].startswith("Next: start GIMP again")


def test_the_interpreter_of_this_installation_is_recorded_where_it_can_start_the_bridge(home):
    result = install(home, "gimp", GIMP3_DIRECTORY=str(home / "gimp"))
    record = home / "gimp/plug-ins/draglayer/draglayer_gimp/launcher.json"
    if record.exists():
        assert Path(json.loads(record.read_text())["interpreter"]).is_file()
    else:
        assert "start `draglayer serve` before you drag" in result.output


AS_A_HOST = """
import sys
sys.path.insert(0, sys.argv[1])
from bridge_client import Launcher
launcher = Launcher()
client = launcher.connect()
print(client.server_info().api)
client.shut_down()
print(launcher.process.wait(60))
"""


@pytest.mark.skipif(own_interpreter() is None, reason="draglayer is not installed, only found")
def test_the_installed_plugin_starts_the_bridge_of_this_installation(home):
    assert install(home, "gimp", "--dir", str(home / "plug-ins")).exit_code == 0
    vendor = home / "plug-ins/draglayer/draglayer_gimp/_vendor"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", AS_A_HOST, str(vendor)],
        env={**os.environ, "DRAGLAYER_RUNTIME_DIR": str(home / "run"), "PYTHONHOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["1.0", "0"], done.stderr
    assert not (home / "run/bridge.json").exists()


def test_a_sandboxed_program_gets_no_interpreter_and_a_warning(home):
    (home / ".var/app/org.gimp.GIMP/config/GIMP/3.0").mkdir(parents=True)
    result = install(home, "gimp")
    plugin = home / ".var/app/org.gimp.GIMP/config/GIMP/3.0/plug-ins/draglayer"
    assert plugin.is_dir() and not (plugin / "draglayer_gimp/launcher.json").exists()
    assert "sandbox" in result.output


def test_an_unusual_folder_can_be_named(home):
    result = install(home, "krita", "--dir", str(home / "odd/pykrita"))
    assert result.exit_code == 0
    assert (home / "odd/pykrita/draglayer_krita/__init__.py").is_file()


def test_listing_changes_nothing(home):
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    result = install(home, "gimp", "--list")
    assert result.output == f"Linux package, GIMP 3.0: {home}/.config/GIMP/3.0/plug-ins\n"
    assert not (home / ".config/GIMP/3.0/plug-ins").exists()


@pytest.mark.parametrize(
    ("host", "exit_code", "sentence"),
    [("krita", 3, "Krita was not found"), ("gimp", 3, "GIMP was not found"), ("paint", 2, "paint")],
)
def test_a_program_that_is_not_there_gets_a_sentence(home, host, exit_code, sentence):
    result = install(home, host)
    assert (result.exit_code, sentence in result.output) == (exit_code, True)


def test_gimp_2_is_refused(home):
    (home / ".config/GIMP/2.10").mkdir(parents=True)
    result = install(home, "gimp")
    assert result.exit_code == 3 and "needs GIMP 3.0" in result.output


def test_a_folder_of_gimp_2_is_refused(home):
    result = install(home, "gimp", "--dir", str(home / "GIMP/2.10/plug-ins"))
    assert result.exit_code == 2 and "needs GIMP 3.0" in result.output
    assert not (home / "GIMP").exists()


def test_what_is_in_the_way_gets_a_sentence(home):
    (home / "plug-ins/draglayer").mkdir(parents=True)
    result = install(home, "gimp", "--dir", str(home / "plug-ins"))
    assert result.exit_code == 5 and "not put there by" in result.output


def test_settings_that_cannot_be_changed_get_a_sentence(home):
    (home / ".local/share/krita").mkdir(parents=True)
    (home / ".config").write_text("a file where a folder should be")
    result = install(home, "krita", "--enable")
    assert result.exit_code == 5 and "can't be changed" in result.output


def test_settings_that_cannot_be_read_get_a_sentence(home):
    (home / ".local/share/krita").mkdir(parents=True)
    (home / ".config/kritarc").mkdir(parents=True)
    result = install(home, "krita", "--enable")
    assert result.exit_code == 5 and "can't be read" in result.output


def test_where_the_system_does_not_tell_krita_counts_as_running(home):
    assert is_krita_running(Machine(system="win32", home=home, environment={}))
