"""From the first start to the last exit, with several processes at once."""

from __future__ import annotations

import os
import signal

import pytest

from bridge_client.errors import LaunchFailed
from bridge_client.exit_codes import ExitCode
from bridge_client.presence import Presence, count_editors
from bridge_server.discovery import find_running
from tests.fakes.processes import BridgeProcess, wait_until
from tests.faults.conftest import Machine

SHORT = {"linger_s": 1.0, "housekeeping_s": 0.05}


def test_of_several_starts_at_once_one_bridge_remains(machine: Machine) -> None:
    bridges = [machine.start_bridge(is_awaited=False) for _ in range(4)]
    wait_until(lambda: sum(each.process.poll() is None for each in bridges) == 1)
    (winner,) = [each for each in bridges if each.process.poll() is None]
    assert winner.client_record().pid == winner.pid
    assert winner.client().server_info()
    assert [each.process.returncode for each in bridges if each is not winner] == [0, 0, 0]


def test_editors_that_start_at_once_share_one_bridge(machine: Machine) -> None:
    editors = [machine.start_editor() for _ in range(3)]
    assert len({editor.wait_for("connected") for editor in editors}) == 1
    assert count_editors(machine.runtime) == 3


def test_the_bridge_ends_with_the_last_editor_however_it_ends(machine: Machine) -> None:
    machine.record_interpreter(limits=SHORT)
    first, second = machine.start_editor(), machine.start_editor()
    assert first.wait_for("connected") == second.wait_for("connected")
    first.kill()  # the one that may have started it
    wait_until(lambda: count_editors(machine.runtime) == 1)
    assert find_running(machine.runtime) is not None
    second.kill()
    machine.wait_gone()
    assert "The last editor has gone" in machine.log()
    assert not (machine.runtime / "bridge.json").exists()


def test_an_editor_that_only_found_the_bridge_keeps_it_too(machine: Machine) -> None:
    starter = Presence(machine.runtime)
    starter.hold()
    bridge = machine.start_bridge(limits=SHORT)
    finder = machine.start_editor()
    finder.wait_for("connected")
    starter.release()
    assert count_editors(machine.runtime) == 1
    assert find_running(machine.runtime) is not None
    finder.kill()
    assert bridge.wait() == ExitCode.STOPPED


def test_a_bridge_that_nobody_uses_ends_and_the_next_edit_starts_another(machine: Machine) -> None:
    machine.record_interpreter(limits={"idle_exit_s": 3.0, "housekeeping_s": 0.05})
    editor = machine.start_editor()
    first = editor.wait_for("connected")
    machine.wait_gone()
    assert "Nobody used the bridge" in machine.log()
    assert editor.process.poll() is None
    machine.record_interpreter()
    assert machine.launcher().connect().server_info().instance_id != first


def test_a_killed_bridge_leaves_nothing_that_stops_the_next(machine: Machine) -> None:
    bridge = machine.start_bridge()
    before = bridge.client_record()
    bridge.process.kill()
    bridge.process.wait()
    launcher = machine.launcher()
    assert launcher.connect().server_info().instance_id != before.instance_id
    assert launcher.process is not None
    launcher.connect().shut_down()
    assert launcher.process.wait() == ExitCode.STOPPED


@pytest.mark.slow
def test_a_bridge_that_hangs_is_told_and_not_doubled(machine: Machine) -> None:
    bridge = machine.start_bridge()
    os.kill(bridge.pid, signal.SIGSTOP)
    try:
        with pytest.raises(LaunchFailed, match="does not answer"):
            machine.launcher().connect()
    finally:
        os.kill(bridge.pid, signal.SIGCONT)
    assert bridge.client().server_info()


@pytest.mark.slow
def test_it_stops_in_the_midst_of_loading_torch(machine: Machine) -> None:
    bridge = BridgeProcess(machine.folder, ["-m", "bridge_server"])
    try:
        assert not bridge.client().readiness().is_ready
        bridge.process.send_signal(signal.SIGTERM)
        assert bridge.wait() == ExitCode.STOPPED
        assert bridge.record() is None
        assert "The bridge has stopped." in machine.log()
    finally:
        output = bridge.end()
    assert "Fatal" not in output and "Traceback" not in output
