import subprocess
import sys

import pytest

import bridge_client
from draglayer_cli.main import main


def test_help_names_each_command(draglayer):
    result = draglayer("--help")
    assert result.exit_code == 0
    for name in ("demo", "drag", "install", "serve"):
        assert f"  {name} " in result.stdout


@pytest.mark.parametrize("name", main.list_commands(None))
def test_each_command_explains_itself(draglayer, name):
    result = draglayer(name, "--help")
    assert result.exit_code == 0 and name in result.stdout.splitlines()[0]


def test_the_version_is_the_clients(draglayer):
    assert bridge_client.__version__ in draglayer("--version").stdout


@pytest.mark.parametrize("arguments", [("fly",), ("drag", "--wings"), ("drag",)])
def test_what_it_does_not_know_is_one_sentence(draglayer, arguments):
    result = draglayer(*arguments)
    assert result.exit_code == 2 and "Error: " in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["drag", "--help"], ["demo", "--help"]])
def test_help_does_not_wait_for_torch(arguments):
    program = (
        "import sys; from draglayer_cli.main import main; "
        f"main({arguments!r}, standalone_mode=False); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
