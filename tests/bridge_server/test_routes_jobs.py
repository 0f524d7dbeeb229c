"""Jobs over HTTP, in process."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from bridge_client.geometry import Bounds
from bridge_client.messages import EndReason
from bridge_client.wire_headers import digest_value, parse_image_headers
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from bridge_server.engine_port import EngineFailure
from tests.fakes.bridge import (
    MASK,
    PAIR,
    PIXELS,
    FakeClock,
    drag_body,
    invert_body,
    new_id,
    open_session,
    start_job,
    wait_end,
)
from tests.fakes.engine import FakeEngine, StepGate, fake_result


def run_job(client: FlaskClient, bridge: Bridge, body: dict[str, Any], **session: Any) -> str:
    job_id = start_job(client, open_session(client, **session), body)
    wait_end(bridge, job_id)
    return job_id


def job_of(client: FlaskClient, job_id: str) -> dict[str, Any]:
    return dict(client.get(f"/v1/jobs/{job_id}").json)


def test_a_drag_runs_to_its_end(client: FlaskClient, bridge: Bridge) -> None:
    job = job_of(client, run_job(client, bridge, drag_body()))
    assert (job["state"], job["end_reason"], job["has_result"]) == ("succeeded", "reached", True)
    assert job["problem"] is None


@pytest.mark.parametrize("reason", [EndReason.STALLED, EndReason.BUDGET])
def test_a_drag_says_why_it_ended(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, reason: EndReason
) -> None:
    engine.script.end_reason = reason
    assert job_of(client, run_job(client, bridge, drag_body()))["end_reason"] == reason.value


def test_an_inversion_has_no_result_but_a_preview(client: FlaskClient, bridge: Bridge) -> None:
    job_id = run_job(client, bridge, invert_body())
    assert job_of(client, job_id)["state"] == "succeeded"
    reply = client.get(f"/v1/jobs/{job_id}/result")
    assert (reply.status_code, reply.json["code"]) == (409, "result-missing")
    assert client.get(f"/v1/jobs/{job_id}/preview").status_code == 200


def test_a_second_drag_does_not_invert_again(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    session_id = open_session(client)
    for body in (drag_body(), drag_body()):
        wait_end(bridge, start_job(client, session_id, body))
    assert [session.inversions for session in engine.sessions] == [1]
    reply = client.get(f"/v1/sessions/{session_id}")
    assert (reply.json["revision"], reply.json["is_inverted"]) == (2, True)


@pytest.mark.parametrize("kind", ["invert", "drag", "check"])
def test_the_profile_reaches_the_engine(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, kind: str
) -> None:
    body = drag_body(kind=kind, profile="balanced")
    if kind == "invert":
        del body["pairs"]
    run_job(client, bridge, body)
    run_job(client, bridge, drag_body())
    profiles = [task.profile for session in engine.sessions for task in session.tasks]
    assert profiles == ["balanced", "fast"]


def test_the_match_is_told_by_the_inversion_and_by_the_session(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    session_id = open_session(client)
    assert client.get(f"/v1/sessions/{session_id}").json["match"] is None
    body = invert_body()
    wait_end(bridge, start_job(client, session_id, body))
    page = client.get(f"/v1/jobs/{body['id']}/events?after=0&wait_s=0").json["events"]
    (told,) = [each["data"] for each in page if each["event"] == "inversion-progress"]
    match = {"share": 0.85, "level": "fair", "sentence": engine.script.match.sentence}
    assert told["match"] == match
    assert client.get(f"/v1/sessions/{session_id}").json["match"] == match


def test_only_the_worker_touches_the_engine(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    run_job(client, bridge, drag_body())
    assert engine.thread_names == {"draglayer-worker"}


@pytest.mark.parametrize("pixel_format", ["rgba8", "bgra8"])
def test_the_result_comes_in_the_order_of_the_request_with_its_place(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, pixel_format: str
) -> None:
    job_id = run_job(client, bridge, drag_body(), pixel_format=pixel_format, with_mask=True)
    reply = client.get(f"/v1/jobs/{job_id}/result")
    expected = fake_result(engine.sessions[0].spec)
    place = parse_image_headers(reply.headers["Content-Type"], reply.headers["Draglayer-Offset"])
    assert place == (Bounds(101, 51, 7, 5), pixel_format)
    assert reply.data == expected.pixels
    assert reply.headers["Repr-Digest"] == digest_value(reply.data)
    assert reply.headers["Draglayer-End-Reason"] == "reached"
    assert reply.headers["Draglayer-Alpha"] == "straight"


@pytest.mark.parametrize("form", ["patch", "replacement"])
def test_the_result_says_how_to_lay_it_in(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, form: str
) -> None:
    job_id = run_job(client, bridge, drag_body(), with_mask=True, result_form=form)
    reply = client.get(f"/v1/jobs/{job_id}/result")
    assert reply.headers["Draglayer-Form"] == form
    assert reply.data == fake_result(engine.sessions[0].spec).pixels


def test_a_client_that_asks_for_no_form_gets_a_patch(client: FlaskClient, bridge: Bridge) -> None:
    job_id = run_job(client, bridge, drag_body())
    assert client.get(f"/v1/jobs/{job_id}/result").headers["Draglayer-Form"] == "patch"


def test_the_engine_gets_the_bytes_that_were_sent(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    run_job(client, bridge, drag_body(), with_mask=True)
    spec = engine.sessions[0].spec
    assert (spec.pixels, spec.editable_mask) == (PIXELS, MASK)


def test_a_preview_is_a_jpeg_and_not_sent_twice(client: FlaskClient, bridge: Bridge) -> None:
    job_id = run_job(client, bridge, drag_body())
    reply = client.get(f"/v1/jobs/{job_id}/preview")
    with Image.open(io.BytesIO(reply.data)) as image:
        assert image.format == "JPEG"
    etag = reply.headers["ETag"]
    again = client.get(f"/v1/jobs/{job_id}/preview", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get(f"/v1/jobs/{job_id}/preview", headers={"If-None-Match": '"x-1"'})
    assert other.status_code == 200


def test_there_is_no_preview_before_the_first_step(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    engine.gate.wait_waiting()
    reply = client.get(f"/v1/jobs/{job_id}/preview")
    assert (reply.status_code, reply.json["code"]) == (404, "preview-missing")


def test_previews_nobody_looks_at_are_not_rendered(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.script.drag_steps = 50
    run_job(client, bridge, drag_body())
    assert engine.sessions[0].previews == 2  # the first one and the last one


def test_a_looked_at_preview_is_renewed(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    tags = set()
    for _ in range(3):
        engine.gate.allow(1)
        engine.gate.wait_waiting()
        tags.add(client.get(f"/v1/jobs/{job_id}/preview").headers["ETag"])
        clock.turn(1)
    assert len(tags) == 3


def test_cancel_before_the_start(client: FlaskClient, bridge: Bridge, engine: FakeEngine) -> None:
    engine.gate = StepGate()
    session_id = open_session(client)
    running = start_job(client, session_id, drag_body())
    engine.gate.wait_waiting()
    waiting = start_job(client, session_id, drag_body())
    assert job_of(client, waiting)["queue_position"] == 0
    reply = client.post(f"/v1/jobs/{waiting}/cancel", json={})
    assert (reply.status_code, reply.json["state"]) == (200, "cancelled")
    engine.gate.open()
    wait_end(bridge, running)
    assert job_of(client, running)["state"] == "succeeded"


def test_cancel_within_one_step_keeps_the_best_result(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    engine.gate.allow(5)  # three of the inversion, the picture before the drag, one update
    engine.gate.wait_waiting()
    reply = client.post(f"/v1/jobs/{job_id}/cancel", json={})
    assert (reply.status_code, reply.json["state"]) == (202, "cancelling")
    assert client.post(f"/v1/jobs/{job_id}/cancel", json={}).status_code == 202
    engine.gate.open()
    wait_end(bridge, job_id)
    job = job_of(client, job_id)
    assert (job["state"], job["end_reason"], job["has_result"]) == ("cancelled", "cancelled", True)
    assert engine.gate.made == 6
    result = client.get(f"/v1/jobs/{job_id}/result")
    assert (result.status_code, result.headers["Draglayer-End-Reason"]) == (200, "cancelled")


def test_cancel_during_the_inversion_leaves_no_result(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    engine.gate.wait_waiting()
    client.post(f"/v1/jobs/{job_id}/cancel", json={})
    engine.gate.open()
    wait_end(bridge, job_id)
    job = job_of(client, job_id)
    assert (job["state"], job["has_result"]) == ("cancelled", False)


def test_cancel_before_the_first_update_leaves_no_result(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    engine.gate.allow(3)
    engine.gate.wait_waiting()
    client.post(f"/v1/jobs/{job_id}/cancel", json={})
    engine.gate.open()
    wait_end(bridge, job_id)
    assert not job_of(client, job_id)["has_result"]


def test_a_late_cancel_changes_nothing_and_not_the_next_job(
    client: FlaskClient, bridge: Bridge
) -> None:
    session_id = open_session(client)
    first = start_job(client, session_id, drag_body())
    wait_end(bridge, first)
    reply = client.post(f"/v1/jobs/{first}/cancel", json={})
    assert (reply.status_code, reply.json["state"]) == (200, "succeeded")
    second = start_job(client, session_id, drag_body())
    wait_end(bridge, second)
    assert job_of(client, second)["state"] == "succeeded"


def test_a_lost_reply_can_be_asked_for_again(client: FlaskClient, bridge: Bridge) -> None:
    session_id = open_session(client)
    body = drag_body()
    assert start_job(client, session_id, body) == start_job(client, session_id, body)
    wait_end(bridge, body["id"])
    assert len(bridge.jobs.all()) == 1


def test_one_id_for_two_requests_is_a_conflict(client: FlaskClient) -> None:
    session_id = open_session(client)
    body = drag_body()
    start_job(client, session_id, body)
    reply = client.post(f"/v1/sessions/{session_id}/jobs", json={**body, "step_budget": 7})
    assert (reply.status_code, reply.json["code"]) == (409, "job-conflict")
    reply = client.post(f"/v1/sessions/{open_session(client)}/jobs", json=body)
    assert (reply.status_code, reply.json["code"]) == (409, "job-conflict")


def test_a_stale_base_revision_is_a_conflict(client: FlaskClient, bridge: Bridge) -> None:
    session_id = open_session(client)
    wait_end(bridge, start_job(client, session_id, drag_body(base_revision=0)))
    reply = client.post(f"/v1/sessions/{session_id}/jobs", json=drag_body(base_revision=0))
    assert (reply.status_code, reply.json["code"]) == (409, "revision-conflict")


def test_the_queue_is_bounded(client: FlaskClient, engine: FakeEngine) -> None:
    engine.gate = StepGate()
    session_id = open_session(client)
    start_job(client, session_id, drag_body())
    engine.gate.wait_waiting()
    for _ in range(8):
        start_job(client, session_id, drag_body())
    reply = client.post(f"/v1/sessions/{session_id}/jobs", json=drag_body())
    assert (reply.status_code, reply.json["code"]) == (503, "queue-full")
    assert int(reply.headers["Retry-After"]) > 0


def test_an_unknown_job_is_missing_not_empty(client: FlaskClient) -> None:
    for path in ("", "/events", "/preview", "/result"):
        reply = client.get(f"/v1/jobs/{new_id()}{path}")
        assert (reply.status_code, reply.json["code"]) == (404, "job-missing")


def test_old_jobs_are_dropped_and_their_ids_stay_used(
    client: FlaskClient, bridge: Bridge, config: BridgeConfig
) -> None:
    session_id = open_session(client)
    first = drag_body()
    for body in (first, *(drag_body() for _ in range(config.max_jobs_kept))):
        wait_end(bridge, start_job(client, session_id, body))
    bridge.expire()
    reply = client.get(f"/v1/jobs/{first['id']}")
    assert (reply.status_code, reply.json["code"]) == (410, "job-expired")
    reply = client.post(f"/v1/sessions/{session_id}/jobs", json=first)
    assert (reply.status_code, reply.json["code"]) == (410, "job-expired")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (EngineFailure("out-of-vram", "Too little memory."), "out-of-vram"),
        (EngineFailure("inversion-diverged", "It left the range."), "inversion-diverged"),
        (RuntimeError("secret internals"), "internal"),
    ],
)
def test_a_failing_step_ends_the_job_with_a_problem(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, failure: Exception, code: str
) -> None:
    engine.script.fail_drag = (2, failure)
    session_id = open_session(client)
    job_id = start_job(client, session_id, drag_body())
    wait_end(bridge, job_id)
    job = job_of(client, job_id)
    assert (job["state"], job["problem"]["code"], job["has_result"]) == ("failed", code, False)
    assert job["problem"]["hint"]
    assert "secret" not in str(job)
    engine.script.fail_drag = None
    again = start_job(client, session_id, drag_body())
    wait_end(bridge, again)
    assert job_of(client, again)["state"] == "succeeded"


def test_a_session_that_cannot_be_opened_fails_its_job(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.script.fail_open = EngineFailure("model-rejected", "The model is damaged.")
    job = job_of(client, run_job(client, bridge, drag_body()))
    assert (job["state"], job["problem"]["code"]) == ("failed", "model-rejected")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"pairs": []}, ""),
        ({"pairs": [PAIR] * 257}, ""),
        (
            {"pairs": [{"handle": {"x": "1", "y": 52.0}, "target": PAIR["target"]}]},
            "/pairs/0/handle/x",
        ),
        ({"pairs": [PAIR, {"handle": PAIR["handle"]}]}, "/pairs/1"),
        ({"pairs": [{**PAIR, "target": {"x": 99.9, "y": 52.0}}]}, "/pairs/0/target"),
        ({"pairs": [{**PAIR, "handle": {"x": 1e300, "y": 52.0}}]}, "/pairs/0/handle"),
        ({"kind": "render"}, "/kind"),
        ({"kind": "invert"}, ""),
        ({"id": "short"}, ""),
        ({"id": "../" + "a" * 29}, ""),
        ({"step_budget": 0}, ""),
        ({"step_budget": 1.5}, "/step_budget"),
        ({"profile": "slow"}, ""),
    ],
)
def test_a_malformed_job_is_refused_with_a_pointer(
    client: FlaskClient, bridge: Bridge, changes: dict[str, Any], pointer: str
) -> None:
    reply = client.post(f"/v1/sessions/{open_session(client)}/jobs", json=drag_body(**changes))
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")
    assert reply.json["errors"][0]["pointer"] == pointer
    assert bridge.jobs.all() == ()


def test_an_unknown_profile_gets_a_sentence_with_the_known_ones(client: FlaskClient) -> None:
    path = f"/v1/sessions/{open_session(client)}/jobs"
    reply = client.post(path, json=drag_body(profile="slow"))
    assert "profile must be one of instant, fast, balanced, best" in reply.json["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", '"1"', "null", "true"])
def test_a_coordinate_is_a_finite_number(client: FlaskClient, number: str) -> None:
    point = f'{{"x": {number}, "y": 52}}'
    pairs = f'[{{"handle": {point}, "target": {point}}}]'
    body = f'{{"id": "{new_id()}", "kind": "drag", "pairs": {pairs}}}'
    path = f"/v1/sessions/{open_session(client)}/jobs"
    reply = client.post(path, data=body, content_type="application/json")
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")


def test_the_event_log_tells_the_whole_story(client: FlaskClient, bridge: Bridge) -> None:
    job_id = run_job(client, bridge, drag_body())
    text = client.get(f"/v1/jobs/{job_id}/events").text
    names = [line[7:] for line in text.splitlines() if line.startswith("event: ")]
    progress = ["inversion-progress", "drag-progress"]
    assert names == ["state", "state", *progress, "snapshot", "preview", "end"]


@pytest.mark.parametrize("cursor", ["-1", "x", "1.5", "٣", "9" * 40])
def test_a_cursor_is_a_number(client: FlaskClient, bridge: Bridge, cursor: str) -> None:
    job_id = run_job(client, bridge, drag_body())
    headers = {"Last-Event-ID": cursor}
    reply = client.get(f"/v1/jobs/{job_id}/events", headers=headers)
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")


def test_a_head_request_for_events_holds_no_place(
    client: FlaskClient, bridge: Bridge, config: BridgeConfig
) -> None:
    job_id = run_job(client, bridge, drag_body())
    for _ in range(config.max_streams + 1):
        reply = client.head(f"/v1/jobs/{job_id}/events", buffered=True)
        assert reply.status_code == 200
