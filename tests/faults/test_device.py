"""A device that is lost, an engine without memory, and a bridge that is killed at work."""

from __future__ import annotations

import pytest

from bridge_client.client import BridgeClient
from bridge_client.errors import ServerUnreachable
from bridge_client.exit_codes import ExitCode
from bridge_client.messages import EndEvent, JobEvent, JobState
from tests.fakes.editor import open_session, start_drag
from tests.faults.conftest import Machine


def end_of(client: BridgeClient, job_id: str) -> JobEvent:
    """The last event of the job."""
    with client.events(job_id) as stream:
        *_, (_, last) = stream
    return last


def test_a_lost_device_ends_the_bridge_with_its_code_and_the_next_edit_starts_it_anew(
    machine: Machine,
) -> None:
    bridge = machine.start_bridge(failure=[2, "device-lost"])
    client = bridge.client()
    last = end_of(client, start_drag(client, open_session(client)))
    assert isinstance(last, EndEvent) and last.state is JobState.FAILED
    assert last.problem is not None and last.problem.code == "device-lost"
    assert "Press Start again" in last.problem.hint
    assert bridge.wait() == ExitCode.DEVICE_LOST
    anew = machine.launcher().connect()
    assert end_of(anew, start_drag(anew, open_session(anew))).state is JobState.SUCCEEDED


@pytest.mark.parametrize("code", ["out-of-vram", "engine-failed"])
def test_any_other_failure_leaves_the_bridge_at_work(machine: Machine, code: str) -> None:
    bridge = machine.start_bridge(failure=[2, code])
    client = bridge.client()
    session_id = open_session(client)
    for _ in range(2):
        last = end_of(client, start_drag(client, session_id))
        assert isinstance(last, EndEvent) and last.problem is not None
        assert last.problem.code == code
    assert bridge.process.poll() is None


def test_a_bridge_killed_in_the_midst_of_a_drag_is_told_at_once(machine: Machine) -> None:
    bridge = machine.start_bridge(drag_steps=10_000, pace_s=0.01)
    client = bridge.client()
    job_id = start_drag(client, open_session(client))
    with client.events(job_id) as stream, pytest.raises(ServerUnreachable):
        for _, event in stream:
            if type(event).__name__ == "DragProgressEvent":
                bridge.process.kill()
    assert machine.launcher().connect().server_info()
