"""`draglayer doctor`: what it finds, and what it says to do."""

import json

import pytest
from click.testing import CliRunner

from bridge_server.discovery import single_instance
from draglayer_cli.bridge_checks import check_bridge
from draglayer_cli.doctor import command
from draglayer_cli.host_checks import check_hosts
from draglayer_cli.hosts import Machine
from draglayer_cli.install import own_interpreter
from draglayer_cli.kritarc import enable_plugin
from draglayer_cli.plugin_copy import MANIFEST_NAME, copy_plugin
from tests.fakes.processes import BridgeProcess, fake_bridge_command


@pytest.fixture
def machine(tmp_path):
    """A user with GIMP 3.0 and Krita."""
    (tmp_path / ".config/GIMP/3.0/plug-ins").mkdir(parents=True)
    (tmp_path / ".local/share/krita/pykrita").mkdir(parents=True)
    return Machine(system="linux", home=tmp_path, environment={})


def gimp_plugins(machine):
    return machine.home / ".config/GIMP/3.0/plug-ins"


def krita_plugins(machine):
    return machine.home / ".local/share/krita/pykrita"


def texts(findings, verdict):
    return [f"{each.text} {each.advice}" for each in findings if each.verdict == verdict]


def test_a_plugin_that_is_nowhere_is_wrong(machine):
    (wrong,) = texts(check_hosts(machine), "wrong")
    assert "none of your programs" in wrong and "draglayer install" in wrong


def test_a_good_installation_has_nothing_wrong(machine):
    interpreter = own_interpreter()
    copy_plugin("gimp", gimp_plugins(machine), interpreter=interpreter)
    copy_plugin("krita", krita_plugins(machine), interpreter=interpreter)
    enable_plugin(machine.home / ".config/kritarc", "draglayer_krita")
    findings = list(check_hosts(machine))
    assert texts(findings, "wrong") == []
    assert len(texts(findings, "ok")) == 5, findings


def test_one_program_is_enough(machine):
    copy_plugin("gimp", gimp_plugins(machine), interpreter=own_interpreter())
    assert texts(check_hosts(machine), "wrong") == []


def test_a_plugin_that_is_not_ticked_is_wrong(machine):
    copy_plugin("krita", krita_plugins(machine), interpreter=own_interpreter())
    (wrong,) = texts(check_hosts(machine), "wrong")
    assert "not ticked" in wrong and "Python Plugin Manager" in wrong


@pytest.mark.parametrize("damage", ["changed", "missing", "manifest"])
def test_a_damaged_plugin_is_wrong(machine, damage):
    target = copy_plugin("gimp", gimp_plugins(machine), interpreter=None)
    if damage == "changed":
        (target / "draglayer.py").write_text("print('not ours')")
    elif damage == "missing":
        (target / "draglayer.py").unlink()
    else:
        (target / MANIFEST_NAME).write_text("{")
    (wrong,) = texts(check_hosts(machine), "wrong")
    assert "draglayer install gimp" in wrong


def test_a_plugin_of_another_version_is_wrong(machine):
    manifest = copy_plugin("gimp", gimp_plugins(machine), interpreter=None) / MANIFEST_NAME
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": "0.0.1"}))
    (wrong,) = texts(check_hosts(machine), "wrong")
    assert "0.0.1" in wrong


def test_an_interpreter_without_draglayer_is_wrong(machine):
    copy_plugin("gimp", gimp_plugins(machine), interpreter="/no/such/python")
    (wrong,) = texts(check_hosts(machine), "wrong")
    assert "Python" in wrong and "draglayer install gimp" in wrong


def test_a_plugin_without_an_interpreter_is_worth_a_note(machine):
    copy_plugin("gimp", gimp_plugins(machine), interpreter=None)
    assert texts(check_hosts(machine), "wrong") == []
    assert any("draglayer serve" in note for note in texts(check_hosts(machine), "note"))


def test_a_good_bridge_has_nothing_wrong(tmp_path):
    bridge = BridgeProcess(tmp_path, fake_bridge_command())
    try:
        bridge.client()
        findings = list(check_bridge(bridge.runtime))
        assert texts(findings, "wrong") == []
        assert any("listens on 127.0.0.1 alone" in text for text in texts(findings, "ok"))
        assert len([text for text in texts(findings, "ok") if "refuses" in text]) == 3
    finally:
        bridge.end()


def test_a_runtime_folder_open_to_others_is_wrong(tmp_path):
    tmp_path.chmod(0o777)
    (wrong,) = texts(check_bridge(tmp_path), "wrong")
    assert "writable by you only" in wrong


def test_a_silent_bridge_is_wrong(tmp_path):
    with single_instance(tmp_path):
        (wrong,) = texts(check_bridge(tmp_path), "wrong")
    assert "does not answer" in wrong


def test_the_command_counts_what_is_wrong_and_says_where_the_log_is(tmp_path):
    tmp_path.chmod(0o777)
    environment = {"HOME": str(tmp_path), "PATH": "", "DRAGLAYER_RUNTIME_DIR": str(tmp_path)}
    result = CliRunner().invoke(command, [], env=environment)
    assert result.exit_code == 1
    assert "2 to put right" in result.output and "bridge.log" in result.output


@pytest.mark.slow
def test_without_a_bridge_one_is_started_as_a_plugin_would_and_stopped_again(tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGLAYER_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("DRAGLAYER_LOG_DIR", str(tmp_path / "log"))
    if own_interpreter() is None:
        pytest.skip("draglayer is not installed in this Python")
    findings = list(check_bridge(tmp_path / "run"))
    assert texts(findings, "wrong") == []
    assert any("engine is ready" in text for text in texts(findings, "ok"))
    assert not (tmp_path / "run/bridge.json").exists()
