import json
import os
import sys
from pathlib import Path

import pytest

from bridge_client import Launcher, LaunchFailed
from bridge_client.exit_codes import ExitCode
from bridge_client.launcher import bridge_environment, default_launcher_file
from bridge_client.presence import count_editors
from tests.bridge_client.loopback_bridge import LoopbackBridge

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


class Machine:
    """A runtime folder, and a stand-in for the interpreter that `install` recorded."""

    def __init__(self, folder: Path) -> None:
        self.runtime = folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.called = folder / "called"
        self.interpreter = folder / "python"
        self.launcher_file = folder / "launcher.json"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONHOME": "/host",
            "DRAGLAYER_RUNTIME_DIR": str(self.runtime),
        }

    def record_interpreter(self, script: str) -> None:
        self.interpreter.write_text(f"#!/bin/sh\n{script}\n")
        self.interpreter.chmod(0o755)
        self.launcher_file.write_text(json.dumps({"interpreter": str(self.interpreter)}))

    def offer(self, bridge: LoopbackBridge) -> None:
        path = self.runtime / "bridge.json"
        path.write_text(json.dumps(bridge.record))
        path.chmod(0o600)

    def launcher(self, start_timeout_s: float = 10.0) -> Launcher:
        return Launcher(
            self.launcher_file, environment=self.environment, start_timeout_s=start_timeout_s
        )


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def start_script(machine, bridge):
    """A script that notes how it was called and then writes the bridge's file."""
    prepared = machine.runtime / "prepared"
    prepared.write_text(json.dumps(bridge.record))
    note = f'echo "$@ HOME=${{PYTHONHOME:-none}}" >> {machine.called}'
    return f"{note}\numask 077\ncp {prepared} {machine.runtime}/bridge.json"


def test_a_bridge_that_runs_is_used(machine, bridge):
    machine.offer(bridge)
    launcher = machine.launcher()
    assert launcher.connect().readiness().is_ready
    assert launcher.process is None


def test_without_a_bridge_the_recorded_interpreter_starts_one(machine, bridge):
    machine.record_interpreter(start_script(machine, bridge))
    launcher = machine.launcher()
    assert launcher.connect().readiness().is_ready
    assert launcher.process is not None and launcher.process.wait() == 0
    assert machine.called.read_text() == "-I -m bridge_server HOME=none\n"


def test_a_stale_file_does_not_stop_the_start(machine, bridge):
    stranger = LoopbackBridge(proof_token="x" * 43)
    machine.offer(stranger)
    machine.record_interpreter(start_script(machine, bridge))
    launcher = machine.launcher()
    assert launcher.connect().readiness().is_ready
    assert launcher.process is not None and launcher.process.wait() == 0
    assert set(stranger.secrets_seen) == {""}
    stranger.close()


@pytest.mark.parametrize("text", [None, "{", '{"interpreter": "python3"}', '{"interpreter": ""}'])
def test_where_nothing_is_recorded_the_artist_is_told_to_serve(machine, text):
    if text is not None:
        machine.launcher_file.write_text(text)
    with pytest.raises(LaunchFailed) as caught:
        machine.launcher().connect()
    assert "draglayer serve" in caught.value.hint


def test_an_interpreter_that_is_gone_gets_a_sentence(machine):
    machine.record_interpreter("exit 0")
    machine.interpreter.unlink()
    with pytest.raises(LaunchFailed, match="could not be started"):
        machine.launcher().connect()


def test_a_bridge_that_dies_while_starting_is_not_waited_for(machine):
    machine.record_interpreter("exit 1")
    with pytest.raises(LaunchFailed, match="stopped while it was starting"):
        machine.launcher().connect()


@pytest.mark.parametrize("code", [code for code in ExitCode if code is not ExitCode.STOPPED])
def test_why_it_could_not_start_is_told_by_its_exit_code(machine, code):
    machine.record_interpreter(f"exit {int(code)}")
    with pytest.raises(LaunchFailed) as caught:
        machine.launcher().connect()
    assert "stopped while it was starting" not in caught.value.message
    assert "draglayer doctor" in caught.value.hint


def test_from_the_first_connection_on_the_bridge_can_see_the_editor(machine, bridge):
    machine.offer(bridge)
    launcher = machine.launcher()
    assert count_editors(machine.runtime) == 0
    launcher.connect()
    launcher.connect()
    assert count_editors(machine.runtime) == 1


def test_a_bridge_that_never_answers_is_not_waited_for_long(machine):
    machine.record_interpreter("exit 0")
    launcher = machine.launcher(start_timeout_s=0.2)
    with pytest.raises(LaunchFailed, match="did not answer"):
        launcher.connect()
    assert launcher.process is not None and launcher.process.wait() == 0


def test_the_hosts_own_python_does_not_reach_the_bridge():
    host = {"PYTHONPATH": "/x", "PYTHONHOME": "/y", "PYTHONSTARTUP": "/z", "HOME": "/h"}
    assert bridge_environment(host) == {"HOME": "/h"}


def test_a_bundles_libraries_do_not_reach_the_bridge():
    libraries = {"LD_LIBRARY_PATH": "/lib"}
    assert bridge_environment({**libraries, "APPDIR": "/a"}) == {"APPDIR": "/a"}
    assert bridge_environment(libraries) == libraries


def test_the_record_stands_beside_the_vendored_copy():
    package = Path(sys.modules["bridge_client"].__file__).parent
    assert default_launcher_file() == package.parent.parent / "launcher.json"
