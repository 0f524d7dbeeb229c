"""Clients that are killed, that do not read, and that come two at a time."""

from __future__ import annotations

import socket

from bridge_client.discovery import record_port
from bridge_client.errors import RequestRejected
from bridge_client.messages import EndReason, JobState
from tests.fakes.editor import open_session, start_drag
from tests.fakes.processes import BridgeProcess, wait_until
from tests.faults.conftest import Machine

ENDLESS = {"drag_steps": 10_000, "pace_s": 0.01}
SHORT_LEASE = {"client_lease_s": 0.5, "housekeeping_s": 0.05}


def open_unread_stream(bridge: BridgeProcess, path: str) -> socket.socket:
    """Asks for something and never reads it."""
    record = bridge.client_record()
    stream = socket.create_connection(("127.0.0.1", record_port(record)))
    stream.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {record.token}\r\n\r\n".encode()
    )
    return stream


def test_an_editor_killed_in_the_midst_of_a_drag_ends_the_job_and_keeps_the_edit(
    machine: Machine,
) -> None:
    bridge = machine.start_bridge(**ENDLESS, limits={**SHORT_LEASE, "heartbeat_s": 0.1})
    editor = machine.start_editor("drag")
    job_id = editor.wait_for("job")
    editor.wait_for("DragProgressEvent")
    editor.kill()
    # The log and not the job, because asking for the job would renew its lease.
    wait_until(lambda: f"{job_id} is cancelled: its client was not heard of" in machine.log())
    client = bridge.client()
    wait_until(lambda: client.job(job_id).state.is_final)
    job = client.job(job_id)
    assert (job.state, job.end_reason) == (JobState.CANCELLED, EndReason.CANCELLED)
    assert job.has_result and client.result(job_id).pixels
    assert client.session(job.session_id).revision > 0


def test_the_bridge_does_other_work_after_an_editor_was_killed(machine: Machine) -> None:
    bridge = machine.start_bridge(**ENDLESS, limits={**SHORT_LEASE, "heartbeat_s": 0.1})
    editor = machine.start_editor("drag")
    editor.wait_for("DragProgressEvent")
    client = bridge.client()
    waiting = start_drag(client, open_session(client))
    editor.kill()
    with client.events(waiting) as stream:
        assert "DragProgressEvent" in (type(event).__name__ for _, event in stream)
    client.cancel_job(waiting)


def test_two_editors_at_once_each_get_their_own_edit(machine: Machine) -> None:
    machine.start_bridge(drag_steps=50, pace_s=0.01)
    editors = [machine.start_editor("drag") for _ in range(2)]
    jobs = [editor.wait_for("job") for editor in editors]
    for editor in editors:
        editor.wait_for("EndEvent")
    client = machine.launcher().connect()
    replies = [client.job(job_id) for job_id in jobs]
    assert len({reply.session_id for reply in replies}) == 2
    assert [reply.state for reply in replies] == [JobState.SUCCEEDED] * 2


def test_readers_that_do_not_read_hold_up_neither_the_drag_nor_others(machine: Machine) -> None:
    bridge = machine.start_bridge(drag_steps=2000, limits={"event_interval_s": 0.0})
    client = bridge.client()
    job_id = start_drag(client, open_session(client))
    streams = [open_unread_stream(bridge, f"/v1/jobs/{job_id}/events") for _ in range(4)]
    with client.events(job_id) as stream:
        *_, (_, last) = stream
    assert last.state is JobState.SUCCEEDED
    assert client.result(job_id).pixels
    for each in streams:
        each.close()


def test_a_killed_editors_stream_makes_room_for_another(machine: Machine) -> None:
    bridge = machine.start_bridge(**ENDLESS, limits={"max_streams": 1, "heartbeat_s": 0.1})
    editor = machine.start_editor("drag")
    job_id = editor.wait_for("job")
    editor.wait_for("DragProgressEvent")
    editor.kill()
    client = bridge.client()

    def is_let_in() -> bool:
        try:
            with client.events(job_id):
                return True
        except RequestRejected as error:
            assert error.code == "stream-limit"
            return False

    wait_until(is_let_in)
    client.cancel_job(job_id)
