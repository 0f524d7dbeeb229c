"""Health, handshake, shutdown and faults of our own, in process."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge_client.messages import PROTOCOL_VERSION
from bridge_server.access import Access
from bridge_server.app import create_app
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from bridge_server.engine_port import EngineFailure
from tests.fakes.bridge import (
    ARTIST_TOKEN,
    FakeClock,
    drag_body,
    open_session,
    start_job,
    wait_end,
)
from tests.fakes.engine import FakeEngine, FakeScript, StepGate


def test_the_handshake_tells_limits_and_capabilities(client: FlaskClient) -> None:
    info = client.get("/v1/server").json
    assert info["api"] == PROTOCOL_VERSION
    assert info["formats"] == ["rgba8", "bgra8", "l8"]
    assert info["limits"]["max_queued_jobs"] == 8
    assert "resumable-events" in info["capabilities"]


def test_ready_when_the_engine_is_there(client: FlaskClient, bridge: Bridge) -> None:
    wait_end(bridge, start_job(client, open_session(client), drag_body()))
    reply = client.get("/health/ready")
    assert (reply.status_code, reply.json["is_ready"]) == (200, True)
    assert client.get("/v1/server").json["devices"] == ["fake"]


def test_answers_and_takes_jobs_while_the_engine_loads(
    config: BridgeConfig, clock: FakeClock
) -> None:
    may_load = threading.Event()
    engine = FakeEngine(script=FakeScript(before_warm_up=lambda: _wait(may_load)))
    bridge = Bridge(config, engine, clock=clock)
    client = _started_client(bridge)
    reply = client.get("/health/ready")
    assert (reply.status_code, int(reply.headers["Retry-After"]) > 0) == (503, True)
    assert "loading" in client.get("/health/ready").json["reason"]
    job_id = start_job(client, open_session(client), drag_body())
    assert client.get(f"/v1/jobs/{job_id}").json["state"] == "queued"
    may_load.set()
    wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{job_id}").json["state"] == "succeeded"
    bridge.stop()


@pytest.mark.parametrize(
    "failure", [EngineFailure("engine-unavailable", "No torch."), RuntimeError("driver")]
)
def test_an_engine_that_cannot_load_is_told_and_tried_again(
    config: BridgeConfig, clock: FakeClock, failure: Exception
) -> None:
    engine = FakeEngine(script=FakeScript(fail_warm_up=failure))
    bridge = Bridge(config, engine, clock=clock)
    client = _started_client(bridge)
    session_id = open_session(client)
    job_id = start_job(client, session_id, drag_body())
    wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{job_id}").json["problem"]["code"] == "engine-unavailable"
    assert client.get("/health/ready").status_code == 503
    engine.script.fail_warm_up = None
    job_id = start_job(client, session_id, drag_body())
    wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{job_id}").json["state"] == "succeeded"
    bridge.stop()


def test_shutdown_asks_whoever_ends_the_process(client: FlaskClient, bridge: Bridge) -> None:
    asked: list[bool] = []
    bridge.on_shutdown = lambda: asked.append(True)
    assert client.post("/v1/server/shutdown", json={}).status_code == 202
    assert asked == [True]


def test_a_bridge_in_use_is_stopped_by_force_only(
    client: FlaskClient, bridge: Bridge, clock: FakeClock, config: BridgeConfig
) -> None:
    asked: list[bool] = []
    bridge.on_shutdown = lambda: asked.append(True)
    open_session(client)
    reply = client.post("/v1/server/shutdown", json={})
    assert (reply.status_code, reply.json["code"], asked) == (409, "sessions-in-use", [])
    assert client.post("/v1/server/shutdown", json={"force": True}).status_code == 202
    clock.turn(config.client_lease_s)
    assert client.post("/v1/server/shutdown", json={}).status_code == 202
    assert asked == [True, True]


def test_a_job_that_the_stop_ends_says_so(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    session_id = open_session(client)
    start_job(client, session_id, drag_body())
    engine.gate.wait_waiting()
    waiting = start_job(client, session_id, drag_body())
    bridge.stop()
    job = client.get(f"/v1/jobs/{waiting}").json
    assert (job["state"], job["problem"]["code"]) == ("cancelled", "cancelled-by-server")


def test_a_lost_device_is_told_to_whoever_ends_the_process(
    config: BridgeConfig, clock: FakeClock
) -> None:
    asked: list[bool] = []
    engine = FakeEngine()
    engine.script.fail_drag = (1, EngineFailure("device-lost", "It stopped working."))
    bridge = Bridge(config, engine, clock=clock, on_device_lost=lambda: asked.append(True))
    client = _started_client(bridge)
    job_id = start_job(client, open_session(client), drag_body())
    wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{job_id}").json["problem"]["code"] == "device-lost"
    bridge.stop()
    assert asked == [True]


def test_a_stopping_bridge_takes_no_new_work(client: FlaskClient, bridge: Bridge) -> None:
    session_id = open_session(client)
    bridge.sessions.create(bridge.sessions.get(session_id).spec)
    bridge.refuse_new_work()
    job = client.post(f"/v1/sessions/{session_id}/jobs", json=drag_body())
    assert (job.status_code, job.json["code"]) == (503, "server-stopping")
    assert job.json["retryable"]


def test_a_fault_of_ours_gives_a_number_and_no_trace(
    app: Flask, client: FlaskClient, bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret internals")

    bridge.on_shutdown = fail
    reply = client.post("/v1/server/shutdown", json={})
    assert (reply.status_code, reply.json["code"]) == (500, "internal")
    assert reply.content_type == "application/problem+json"
    assert len(reply.json["request_id"]) == 16
    for word in ("secret", "ZeroDivision", ".py", "Traceback"):
        assert word not in reply.text
    assert reply.json["request_id"] in caplog.text
    assert "secret internals" in caplog.text


def test_debug_stays_off(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert not _client(bridge).application.debug


def _started_client(bridge: Bridge) -> FlaskClient:
    """Starts a bridge as `serving` does, after its application is made: Python 3.11.7 cannot parse
    in two threads at once, werkzeug parses what makes a URL, and a logged traceback parses too
    (python/cpython#106905)."""
    client = _client(bridge)
    bridge.start()
    return client


def _client(bridge: Bridge) -> FlaskClient:
    access = Access(token=ARTIST_TOKEN, port=1, max_json_bytes=1 << 20, max_body_bytes=1 << 20)
    client = create_app(bridge, access).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ARTIST_TOKEN}"
    return client


def _wait(event: threading.Event) -> None:
    assert event.wait(10)
