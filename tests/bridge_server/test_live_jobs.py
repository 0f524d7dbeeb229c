"""What may be asked of a job while it runs: pause, resume, other pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge_client.messages import (
    DragProgressEvent,
    JobEvent,
    PairsEvent,
    SnapshotEvent,
    StateEvent,
)
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from tests.fakes.bridge import (
    PAIR,
    FakeClock,
    drag_body,
    invert_body,
    open_session,
    start_job,
    wait_end,
)
from tests.fakes.engine import PATIENCE_S, FakeEngine, StepGate

PIN = {"handle": {"x": 106.0, "y": 53.0}, "target": {"x": 106.0, "y": 53.0}}
UP_TO_FIRST_UPDATE = 5  # three steps of the inversion, the picture before the drag, one update


@pytest.fixture
def gate(engine: FakeEngine) -> StepGate:
    """The engine stands before each step."""
    engine.gate = StepGate()
    return engine.gate


def drag_to_first_update(client: FlaskClient, gate: StepGate) -> str:
    job_id = start_job(client, open_session(client), drag_body())
    gate.allow(UP_TO_FIRST_UPDATE)
    gate.wait_waiting()
    return job_id


def ask(client: FlaskClient, job_id: str, verb: str, body: object = None) -> tuple[int, Any]:
    reply = client.post(f"/v1/jobs/{job_id}/{verb}", json=body or {})
    return reply.status_code, reply.json


def state_of(client: FlaskClient, job_id: str) -> str:
    return str(client.get(f"/v1/jobs/{job_id}").json["state"])


def run_beside(client: FlaskClient, bridge: Bridge) -> str:
    """A job of another session, run to its end; gives how it ended."""
    job_id = start_job(client, open_session(client), drag_body())
    wait_end(bridge, job_id)
    return state_of(client, job_id)


def test_a_paused_job_makes_no_step_until_it_is_resumed(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    job_id = drag_to_first_update(client, gate)
    assert ask(client, job_id, "pause")[1]["state"] == "paused"
    gate.open()
    assert run_beside(client, bridge) == "succeeded"  # the step in the making has ended by then
    assert state_of(client, job_id) == "paused"
    assert bridge.jobs.get(job_id).log.read(0, timeout_s=0)[1] is False
    assert ask(client, job_id, "resume")[1]["state"] == "running"
    wait_end(bridge, job_id)
    assert state_of(client, job_id) == "succeeded"


def test_a_pause_shows_what_there_is_and_writes_it_down(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    job_id = drag_to_first_update(client, gate)
    record = bridge.jobs.get(job_id)
    before = record.preview.etag
    ask(client, job_id, "pause")
    gate.allow(1)
    wait_event(bridge, job_id, lambda event: isinstance(event, SnapshotEvent))
    assert record.preview.etag != before
    snapshot = record.session.snapshot
    assert snapshot is not None and b'"position": 2' in snapshot.content


def test_pausing_and_resuming_twice_is_all_right(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    job_id = drag_to_first_update(client, gate)
    assert [ask(client, job_id, "pause")[0] for _ in range(2)] == [200, 200]
    assert [ask(client, job_id, "resume")[0] for _ in range(2)] == [200, 200]
    gate.open()
    wait_end(bridge, job_id)
    log = bridge.jobs.get(job_id).log.read(0, timeout_s=0)[0]
    states = [each.event.state.value for each in log if isinstance(each.event, StateEvent)]
    assert states == ["queued", "running", "paused", "running"]


def test_a_paused_job_can_be_cancelled_and_keeps_its_result(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    job_id = drag_to_first_update(client, gate)
    ask(client, job_id, "pause")
    gate.open()
    run_beside(client, bridge)
    assert ask(client, job_id, "cancel")[1]["state"] == "cancelling"
    wait_end(bridge, job_id)
    job = client.get(f"/v1/jobs/{job_id}").json
    assert (job["state"], job["has_result"]) == ("cancelled", True)


def test_what_waits_behind_a_paused_job_of_its_session_goes_on_waiting(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    session_id = open_session(client)
    first = start_job(client, session_id, drag_body())
    gate.wait_waiting()
    ask(client, first, "pause")
    gate.open()
    second = start_job(client, session_id, drag_body())
    run_beside(client, bridge)
    assert state_of(client, second) == "queued"
    ask(client, first, "resume")
    wait_end(bridge, second)
    assert client.get(f"/v1/sessions/{session_id}").json["history"]["undo_depth"] == 2


def test_the_paused_job_of_a_vanished_client_is_cancelled_by_the_bridge(
    client: FlaskClient, bridge: Bridge, gate: StepGate, clock: FakeClock, config: BridgeConfig
) -> None:
    job_id = drag_to_first_update(client, gate)
    ask(client, job_id, "pause")
    gate.open()
    clock.turn(config.client_lease_s + 1)
    bridge.expire()
    wait_end(bridge, job_id)
    job = client.get(f"/v1/jobs/{job_id}").json
    assert (job["state"], job["problem"]["code"]) == ("cancelled", "cancelled-by-server")
    assert job["has_result"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_job_that_waits_or_has_ended_is_neither_paused_nor_resumed(
    client: FlaskClient, bridge: Bridge, gate: StepGate, verb: str
) -> None:
    session_id = open_session(client)
    running = start_job(client, session_id, drag_body())
    gate.wait_waiting()
    waiting = start_job(client, session_id, drag_body())
    status, problem = ask(client, waiting, verb)
    assert (status, problem["code"]) == (409, "job-state")
    assert "queued" in problem["detail"]
    gate.open()
    wait_end(bridge, running)
    assert ask(client, running, verb)[0] == 409


def wait_event(bridge: Bridge, job_id: str, test: Callable[[JobEvent], bool]) -> JobEvent:
    """The first event in the job's log that passes the test."""
    log, after = bridge.jobs.get(job_id).log, 0
    while True:
        events, is_closed = log.read(after, timeout_s=PATIENCE_S)
        for each in events:
            after = each.seq
            if test(each.event):
                return each.event
        assert events and not is_closed, "It never happened."


def progress(bridge: Bridge, job_id: str, pairs_revision: int) -> DragProgressEvent:
    """The first step that is told with these pairs."""
    event = wait_event(bridge, job_id, lambda event: _is_step_of(event, pairs_revision))
    assert isinstance(event, DragProgressEvent)
    return event


def _is_step_of(event: JobEvent, pairs_revision: int) -> bool:
    return isinstance(event, DragProgressEvent) and event.pairs_revision == pairs_revision


def test_pairs_are_set_from_the_next_step_on(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    job_id = drag_to_first_update(client, gate)
    status, job = ask(client, job_id, "pairs", {"pairs": [PAIR, PIN]})
    assert (status, job["pairs_revision"]) == (200, 1)
    gate.allow(2)  # the step in the making, and the next one
    step = progress(bridge, job_id, 1)
    assert len(step.handles_canvas) == len(step.confidences) == 2
    assert (step.handles_canvas[1].x, step.handles_canvas[1].y) == (106.0, 53.0)


def test_pairs_that_come_after_the_last_step_change_nothing(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, gate: StepGate
) -> None:
    job_id = start_job(client, open_session(client), drag_body())
    gate.allow(UP_TO_FIRST_UPDATE + engine.script.drag_steps - 2)
    gate.wait_waiting()
    ask(client, job_id, "pause")
    gate.open()
    wait_event(bridge, job_id, lambda event: isinstance(event, SnapshotEvent))
    assert ask(client, job_id, "pairs", {"pairs": [PIN]})[0] == 200
    ask(client, job_id, "resume")
    wait_end(bridge, job_id)
    assert state_of(client, job_id) == "succeeded"


def test_every_reader_hears_of_new_pairs_once(
    client: FlaskClient, bridge: Bridge, gate: StepGate
) -> None:
    job_id = drag_to_first_update(client, gate)
    for _ in range(3):
        ask(client, job_id, "pairs", {"pairs": [PAIR, PIN]})
    log = bridge.jobs.get(job_id).log.read(0, timeout_s=0)[0]
    told = [each.event for each in log if isinstance(each.event, PairsEvent)]
    assert [(event.pairs_revision, len(event.pairs)) for event in told] == [(3, 2)]


def test_pairs_of_a_waiting_drag_are_those_it_begins_with(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, gate: StepGate
) -> None:
    session_id = open_session(client)
    start_job(client, session_id, drag_body())
    gate.wait_waiting()
    waiting = start_job(client, session_id, drag_body())
    ask(client, waiting, "pairs", {"pairs": [PIN]})
    gate.open()
    wait_end(bridge, waiting)
    assert [pair.is_pin for pair in engine.sessions[0].tasks[1].pairs] == [True]


@pytest.mark.parametrize(
    ("pairs", "pointer"),
    [
        ([], ""),
        ([{**PAIR, "target": {"x": 99.0, "y": 52.0}}], "/pairs/0/target"),
        ([{"handle": PAIR["handle"]}], "/pairs/0"),
        ([PAIR] * 257, ""),
    ],
)
def test_pairs_that_break_a_rule_change_nothing(
    client: FlaskClient, gate: StepGate, pairs: list[object], pointer: str
) -> None:
    job_id = drag_to_first_update(client, gate)
    status, problem = ask(client, job_id, "pairs", {"pairs": pairs})
    assert (status, problem["code"]) == (422, "invalid-request")
    assert problem["errors"][0]["pointer"] == pointer
    assert client.get(f"/v1/jobs/{job_id}").json["pairs_revision"] == 0


def test_only_a_drag_that_goes_on_takes_pairs(client: FlaskClient, bridge: Bridge) -> None:
    session_id = open_session(client)
    for body in (invert_body(), drag_body()):
        job_id = start_job(client, session_id, body)
        wait_end(bridge, job_id)
        status, problem = ask(client, job_id, "pairs", {"pairs": [PAIR]})
        assert (status, problem["code"]) == (409, "job-state")
