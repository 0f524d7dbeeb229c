"""Sessions and blobs over HTTP, in process."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from tests.fakes.bridge import (
    BLOB_HEADERS,
    MASK,
    PIXELS,
    WINDOW,
    FakeClock,
    digest_of,
    drag_body,
    image_ref,
    new_id,
    open_session,
    put_blob,
    session_body,
    start_job,
    wait_end,
)
from tests.fakes.engine import FakeEngine, StepGate


def test_a_blob_is_asked_for_sent_and_known(client: FlaskClient) -> None:
    path = f"/v1/blobs/{digest_of(PIXELS)}"
    assert client.head(path).status_code == 404
    assert put_blob(client, PIXELS).status_code == 201
    assert put_blob(client, PIXELS).status_code == 200
    assert client.head(path).status_code == 200


def test_a_blob_under_a_wrong_name_is_refused(client: FlaskClient) -> None:
    reply = client.put(f"/v1/blobs/{'0' * 64}", data=PIXELS, headers=BLOB_HEADERS)
    assert (reply.status_code, reply.json["code"]) == (422, "hash-mismatch")


@pytest.mark.parametrize("name", ["a" * 63, "A" * 64, "..%2f" + "a" * 60, "a" * 64 + "%0a"])
def test_a_blob_needs_a_digest_for_a_name(client: FlaskClient, name: str) -> None:
    reply = client.put(f"/v1/blobs/{name}", data=PIXELS, headers=BLOB_HEADERS)
    assert (reply.status_code, reply.json["code"]) == (404, "not-found")


def test_a_session_is_opened_read_and_closed(client: FlaskClient) -> None:
    session_id = open_session(client, with_mask=True)
    reply = client.get(f"/v1/sessions/{session_id}")
    assert reply.json["bounds_canvas"] == WINDOW
    assert (reply.json["revision"], reply.json["is_inverted"]) == (0, False)
    assert client.delete(f"/v1/sessions/{session_id}").status_code == 204
    assert client.delete(f"/v1/sessions/{session_id}").status_code == 204
    gone = client.get(f"/v1/sessions/{session_id}")
    assert (gone.status_code, gone.json["code"]) == (410, "session-expired")


def test_an_unknown_session_is_missing_not_empty(client: FlaskClient) -> None:
    reply = client.get(f"/v1/sessions/{new_id()}")
    assert (reply.status_code, reply.json["code"]) == (404, "session-missing")


def test_a_session_needs_its_pixels_first(client: FlaskClient) -> None:
    reply = client.post("/v1/sessions", json=session_body())
    assert (reply.status_code, reply.json["code"]) == (409, "blob-missing")


def test_a_session_needs_a_known_form(client: FlaskClient) -> None:
    put_blob(client, PIXELS)
    reply = client.post("/v1/sessions", json=session_body(result_form="collage"))
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")
    assert reply.json["errors"][0]["pointer"] == "/result_form"


def test_a_session_needs_a_known_model(client: FlaskClient) -> None:
    put_blob(client, PIXELS)
    reply = client.post("/v1/sessions", json={**session_body(), "model": "lions"})
    assert (reply.status_code, reply.json["code"]) == (422, "model-missing")


def test_pixels_of_another_length_are_refused(client: FlaskClient) -> None:
    put_blob(client, MASK)
    body = {**session_body(), "image": image_ref(MASK, "rgba8")}
    reply = client.post("/v1/sessions", json=body)
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")
    assert reply.json["errors"][0]["pointer"] == "/image"


def test_a_window_over_the_cap_is_refused(client: FlaskClient) -> None:
    body = session_body()
    body["image"].update(width=8192, height=8192)
    body["bounds_canvas"] = {**WINDOW, "width": 8192, "height": 8192}
    reply = client.post("/v1/sessions", json=body)
    assert (reply.status_code, reply.json["code"]) == (422, "image-too-large")


def changed(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(session_body(with_mask=True))
    *parents, name = path.split(".")
    place = body
    for parent in parents:
        place = place[parent]
    place[name] = value
    return body


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (changed("bounds_canvas.x", "1"), "/bounds_canvas/x"),
        (changed("bounds_canvas.x", 1.5), "/bounds_canvas/x"),
        (changed("bounds_canvas.width", -1), "/bounds_canvas"),
        (changed("image.width", 0), "/image"),
        (changed("image.format", "png"), "/image/format"),
        (changed("image.sha256", "x" * 64), "/image"),
        (changed("editable_mask.width", 99), ""),
        (changed("model", "../../etc/passwd"), ""),
        ({}, ""),
        ([], ""),
    ],
)
def test_a_malformed_session_is_refused_with_a_pointer(
    client: FlaskClient, body: object, pointer: str
) -> None:
    reply = client.post("/v1/sessions", json=body)
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")
    assert reply.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}'])
def test_what_is_not_json_is_refused(client: FlaskClient, body: bytes) -> None:
    reply = client.post("/v1/sessions", data=body, content_type="application/json")
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")


def test_one_session_too_many_is_told_to_come_back(client: FlaskClient) -> None:
    for _ in range(8):
        open_session(client)
    reply = client.post("/v1/sessions", json=session_body())
    assert (reply.status_code, reply.json["code"]) == (429, "session-limit")
    assert int(reply.headers["Retry-After"]) > 0


def test_an_abandoned_session_gives_way_to_a_new_one(client: FlaskClient, clock: FakeClock) -> None:
    first = open_session(client)
    for _ in range(7):
        open_session(client)
    clock.turn(61)
    open_session(client)
    assert client.get(f"/v1/sessions/{first}").status_code == 410


def test_an_idle_session_ends_and_its_engine_is_freed(
    client: FlaskClient, bridge: Bridge, clock: FakeClock, config: BridgeConfig, engine: FakeEngine
) -> None:
    session_id = open_session(client)
    wait_end(bridge, start_job(client, session_id, drag_body()))
    clock.turn(config.session_lease_s + 1)
    bridge.expire()
    assert client.get(f"/v1/sessions/{session_id}").status_code == 410
    assert bridge.stop()  # joins the worker, which closes the engine first
    assert engine.sessions[0].is_closed


def test_the_job_of_a_vanished_client_is_cancelled(
    client: FlaskClient, bridge: Bridge, clock: FakeClock, config: BridgeConfig, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    engine.gate.wait_waiting()
    clock.turn(config.client_lease_s + 1)
    bridge.expire()
    engine.gate.open()
    wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{job_id}").json["state"] == "cancelled"


def test_closing_a_session_cancels_its_jobs(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    session_id = open_session(client)
    jobs = [start_job(client, session_id, drag_body()) for _ in range(2)]
    engine.gate.wait_waiting()
    client.delete(f"/v1/sessions/{session_id}")
    engine.gate.open()
    for job_id in jobs:
        wait_end(bridge, job_id)
        assert client.get(f"/v1/jobs/{job_id}").json["state"] == "cancelled"
