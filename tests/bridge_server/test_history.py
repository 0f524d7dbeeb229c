"""Going through a session's history, and opening it again from its snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge_client.geometry import Bounds
from bridge_client.messages import JobKind, StartJob
from bridge_client.wire_headers import digest_value
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from bridge_server.engine_port import EngineFailure, SessionSpec
from bridge_server.job_run import SNAPSHOT_INTERVAL_S
from tests.fakes.bridge import (
    PIXELS,
    WINDOW,
    FakeClock,
    digest_of,
    drag_body,
    invert_body,
    new_id,
    open_session,
    put_blob,
    session_body,
    start_job,
    wait_end,
)
from tests.fakes.engine import PATIENCE_S, FakeEngine, StepGate

SPEC = SessionSpec(
    model="default",
    bounds_canvas=Bounds(**WINDOW),
    pixels=PIXELS,
    pixel_format="rgba8",
    editable_mask=None,
)


def run(client: FlaskClient, bridge: Bridge, session_id: str, **body: Any) -> dict[str, Any]:
    """A job, run to its end."""
    job_id = start_job(client, session_id, {"id": new_id(), **body})
    wait_end(bridge, job_id)
    return dict(client.get(f"/v1/jobs/{job_id}").json)


def history_of(client: FlaskClient, session_id: str) -> dict[str, Any]:
    return dict(client.get(f"/v1/sessions/{session_id}").json["history"])


@pytest.fixture
def dragged(client: FlaskClient, bridge: Bridge) -> str:
    """A session with one drag."""
    session_id = open_session(client)
    run(client, bridge, session_id, **drag_body())
    return session_id


def test_a_drag_is_an_entry_of_the_history(client: FlaskClient, dragged: str) -> None:
    assert history_of(client, dragged) == {
        "undo_depth": 1,
        "redo_depth": 0,
        "position": 5,
        "last_position": 5,
        "amount": 1.0,
    }


def test_undo_and_redo_end_with_preview_and_result(
    client: FlaskClient, bridge: Bridge, dragged: str
) -> None:
    for kind, depths in (("undo", (0, 1)), ("redo", (1, 0))):
        job = run(client, bridge, dragged, kind=kind)
        assert (job["state"], job["has_result"], job["end_reason"]) == ("succeeded", True, None)
        history = history_of(client, dragged)
        assert (history["undo_depth"], history["redo_depth"]) == depths
        for what in ("preview", "result"):
            assert client.get(f"/v1/jobs/{job['id']}/{what}").status_code == 200


def test_show_moves_the_present(client: FlaskClient, bridge: Bridge, dragged: str) -> None:
    run(client, bridge, dragged, kind="show", position=2, amount=1.5)
    history = history_of(client, dragged)
    assert (history["position"], history["amount"]) == (2, 1.5)
    run(client, bridge, dragged, kind="show")
    assert history_of(client, dragged) == history


def test_every_move_is_a_revision(client: FlaskClient, bridge: Bridge, dragged: str) -> None:
    run(client, bridge, dragged, kind="undo")
    reply = client.post(f"/v1/sessions/{dragged}/jobs", json=drag_body(base_revision=1))
    assert (reply.status_code, reply.json["code"]) == (409, "revision-conflict")
    assert client.get(f"/v1/sessions/{dragged}").json["revision"] == 2


@pytest.mark.parametrize("kind", ["undo", "redo"])
def test_the_history_has_two_ends(client: FlaskClient, bridge: Bridge, kind: str) -> None:
    job = run(client, bridge, open_session(client), kind=kind)
    assert (job["state"], job["problem"]["code"]) == ("failed", "history-end")


def test_a_position_past_the_end_is_refused(
    client: FlaskClient, bridge: Bridge, dragged: str
) -> None:
    job = run(client, bridge, dragged, kind="show", position=6)
    assert (job["state"], job["problem"]["code"]) == ("failed", "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "undo", "pairs": drag_body()["pairs"]},
        {"kind": "redo", "amount": 1.0},
        {"kind": "show", "amount": 1.6},
        {"kind": "show", "amount": -0.1},
        {"kind": "show", "position": -1},
        {"kind": "show", "position": 1.5},
        {"kind": "show", "step_budget": 5},
        {"kind": "drag", "pairs": drag_body()["pairs"], "position": 1},
    ],
)
def test_a_malformed_move_is_refused(
    client: FlaskClient, bridge: Bridge, body: dict[str, Any]
) -> None:
    path = f"/v1/sessions/{open_session(client)}/jobs"
    reply = client.post(path, json={"id": new_id(), **body})
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")
    assert bridge.jobs.all() == ()


def test_a_job_behind_one_that_changes_the_session_meets_the_conflict_when_it_starts(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    session_id = open_session(client)
    first = start_job(client, session_id, drag_body(base_revision=0))
    second = start_job(client, session_id, drag_body(base_revision=0))
    engine.gate.open()
    for job_id in (first, second):
        wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{first}").json["state"] == "succeeded"
    assert client.get(f"/v1/jobs/{second}").json["problem"]["code"] == "revision-conflict"
    assert client.get(f"/v1/sessions/{session_id}").json["revision"] == 1


# Snapshots.


def snapshot_of(client: FlaskClient, session_id: str) -> bytes:
    reply = client.get(f"/v1/sessions/{session_id}/snapshot")
    assert reply.status_code == 200, reply.text
    assert reply.mimetype == "application/vnd.draglayer.snapshot"
    assert reply.headers["Repr-Digest"] == digest_value(reply.data)
    return reply.data


def reopened(client: FlaskClient, snapshot: bytes) -> str:
    put_blob(client, snapshot)
    reply = client.post("/v1/sessions", json=session_body() | {"snapshot": digest_of(snapshot)})
    assert reply.status_code == 201, reply.text
    return str(reply.json["id"])


def test_a_session_is_opened_again_from_its_snapshot(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, dragged: str
) -> None:
    history = history_of(client, dragged)
    again = reopened(client, snapshot_of(client, dragged))
    run(client, bridge, again, kind="show")
    assert history_of(client, again) == history
    run(client, bridge, again, **drag_body())
    assert history_of(client, again)["undo_depth"] == 2
    assert engine.sessions[1].inversions == 0


def test_an_opened_again_session_is_not_inverted_again_and_is_written_down_at_once(
    client: FlaskClient, dragged: str
) -> None:
    snapshot = snapshot_of(client, dragged)
    again = reopened(client, snapshot)
    assert client.get(f"/v1/sessions/{again}").json["is_inverted"]
    assert snapshot_of(client, again) == snapshot


def test_a_snapshot_is_sent_again_only_when_it_is_another(
    client: FlaskClient, bridge: Bridge, dragged: str
) -> None:
    path = f"/v1/sessions/{dragged}/snapshot"
    tag = {"If-None-Match": client.get(path).headers["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    run(client, bridge, dragged, kind="undo")
    assert client.get(path, headers=tag).status_code == 200


def test_there_is_no_snapshot_before_the_picture_was_found(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    session_id = open_session(client)
    engine.gate = StepGate()
    job_id = start_job(client, session_id, invert_body())
    engine.gate.allow(1)
    engine.gate.wait_waiting()
    client.post(f"/v1/jobs/{job_id}/cancel", json={})
    engine.gate.open()
    wait_end(bridge, job_id)
    reply = client.get(f"/v1/sessions/{session_id}/snapshot")
    assert (reply.status_code, reply.json["code"]) == (409, "snapshot-missing")


def test_a_drag_that_fails_is_written_down_as_far_as_it_came(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.script.fail_drag = (3, EngineFailure("out-of-vram", "Too little memory."))
    session_id = open_session(client)
    run(client, bridge, session_id, **drag_body())
    again = reopened(client, snapshot_of(client, session_id))
    run(client, bridge, again, kind="show")
    assert history_of(client, again)["position"] == 2


def test_a_long_drag_is_written_down_every_few_seconds(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.gate = StepGate()
    session_id = open_session(client)
    start_job(client, session_id, drag_body())
    engine.gate.allow(5)  # three of the inversion, the picture before the drag, one update
    engine.gate.wait_waiting()
    assert client.get(f"/v1/sessions/{session_id}/snapshot").status_code == 409
    clock.turn(SNAPSHOT_INTERVAL_S)
    engine.gate.allow(1)
    engine.gate.wait_waiting()
    assert b'"position": 2' in snapshot_of(client, session_id)
    engine.gate.allow(1)
    engine.gate.wait_waiting()
    assert b'"position": 2' in snapshot_of(client, session_id)


def test_a_snapshot_that_is_too_large_is_not_kept(
    config: BridgeConfig, engine: FakeEngine, clock: FakeClock
) -> None:
    bridge = Bridge(replace(config, max_body_bytes=len(PIXELS)), engine, clock=clock)
    engine.script.snapshot_padding = b" " * len(PIXELS)
    session = bridge.sessions.create(SPEC)
    bridge.start()
    record = bridge.start_job(session, StartJob(id=new_id(), kind=JobKind.INVERT))
    assert record.log.wait_closed(PATIENCE_S)
    assert (session.snapshot, session.is_written_down) == (None, False)
    bridge.stop()


def test_a_damaged_snapshot_is_refused_by_the_first_job(
    client: FlaskClient, bridge: Bridge
) -> None:
    put_blob(client, PIXELS)
    job = run(client, bridge, reopened(client, b"no snapshot"), kind="show")
    assert (job["state"], job["problem"]["code"]) == ("failed", "snapshot-rejected")


def test_a_snapshot_must_have_been_sent(client: FlaskClient) -> None:
    put_blob(client, PIXELS)
    reply = client.post("/v1/sessions", json=session_body() | {"snapshot": "a" * 64})
    assert (reply.status_code, reply.json["code"]) == (409, "blob-missing")


def test_a_session_that_cannot_be_written_down_keeps_its_edit(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.script.fail_snapshot = RuntimeError("no memory")
    job = run(client, bridge, open_session(client), **drag_body())
    assert (job["state"], job["has_result"]) == ("succeeded", True)


def test_an_idle_session_gives_its_memory_back_and_goes_on_where_it_was(
    client: FlaskClient,
    bridge: Bridge,
    engine: FakeEngine,
    clock: FakeClock,
    config: BridgeConfig,
    dragged: str,
) -> None:
    clock.turn(config.engine_lease_s + 1)
    bridge.expire()
    run(client, bridge, dragged, kind="undo")
    assert [session.is_closed for session in engine.sessions] == [True, False]
    assert history_of(client, dragged)["redo_depth"] == 1


def test_an_idle_session_is_freed_once_though_another_editor_is_busy(
    client: FlaskClient,
    bridge: Bridge,
    engine: FakeEngine,
    clock: FakeClock,
    config: BridgeConfig,
    dragged: str,
) -> None:
    clock.turn(config.engine_lease_s + 1)
    engine.gate = StepGate()
    start_job(client, open_session(client), drag_body())
    engine.gate.wait_waiting()
    bridge.expire()
    idle = bridge.sessions.all()[0]
    assert bridge.worker.has_turns(idle)
    bridge.expire()
    assert len(bridge.worker._turns._waiting) == 1


def test_an_idle_session_that_could_not_be_written_down_keeps_its_memory(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, clock: FakeClock, config: BridgeConfig
) -> None:
    engine.script.fail_snapshot = RuntimeError("no memory")
    session_id = open_session(client)
    run(client, bridge, session_id, **drag_body())
    clock.turn(config.engine_lease_s + 1)
    bridge.expire()
    run(client, bridge, session_id, kind="undo")
    assert [session.is_closed for session in engine.sessions] == [False]
