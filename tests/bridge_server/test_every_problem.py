"""Every code of the table, said by the bridge itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge_server.access import MAX_WRONG_TOKENS
from bridge_server.bridge import Bridge
from bridge_server.config import MIB
from bridge_server.engine_port import EngineFailure
from bridge_server.problems import PROBLEMS
from tests.fakes.bridge import (
    BLOB_HEADERS,
    MASK,
    PIXELS,
    FakeClock,
    digest_of,
    drag_body,
    image_ref,
    invert_body,
    new_id,
    open_session,
    put_blob,
    session_body,
    start_job,
    wait_end,
)
from tests.fakes.engine import FakeEngine, StepGate

Answer = TestResponse | dict[str, Any]


class Provoker:
    """Makes the bridge say each code; a method is named as its code."""

    def __init__(
        self, client: FlaskClient, bridge: Bridge, engine: FakeEngine, clock: FakeClock
    ) -> None:
        self.client, self.bridge, self.engine, self.clock = client, bridge, engine, clock

    def problem_of(self, body: dict[str, Any], **session: Any) -> dict[str, Any]:
        """What a job of a new session ends with."""
        job_id = start_job(self.client, open_session(self.client, **session), body)
        wait_end(self.bridge, job_id)
        return dict(self.client.get(f"/v1/jobs/{job_id}").json["problem"])

    def failing(self, code: str) -> dict[str, Any]:
        self.engine.script.fail_drag = (1, EngineFailure(code, "It went wrong."))
        return self.problem_of(drag_body())

    def ended_job(self) -> str:
        job_id = start_job(self.client, open_session(self.client), invert_body())
        wait_end(self.bridge, job_id)
        return job_id

    def start(self, body: dict[str, Any], session_id: str = "") -> TestResponse:
        path = f"/v1/sessions/{session_id or open_session(self.client)}/jobs"
        return self.client.post(path, json=body)

    def host_not_allowed(self) -> Answer:
        return self.client.get("/v1/server", headers={"Host": "evil.example"})

    def origin_not_allowed(self) -> Answer:
        return self.client.get("/v1/server", headers={"Origin": "null"})

    def unauthorized(self) -> Answer:
        return self.client.get("/v1/server", headers={"Authorization": "Bearer wrong"})

    def too_many_attempts(self) -> Answer:
        for _ in range(MAX_WRONG_TOKENS):
            self.unauthorized()
        return self.unauthorized()

    def not_found(self) -> Answer:
        return self.client.get("/v1/nothing")

    def method_not_allowed(self) -> Answer:
        return self.client.delete("/v1/server")

    def unsupported_media(self) -> Answer:
        return self.client.post("/v1/sessions", data="{}", content_type="text/plain")

    def body_too_large(self) -> Answer:
        return self.client.post(
            "/v1/sessions", data=bytes(MIB + 1), content_type="application/json"
        )

    def image_too_large(self) -> Answer:
        body = session_body()
        for part in (body["image"], window := dict(body["bounds_canvas"])):
            part.update(width=8192, height=8192)
        return self.client.post("/v1/sessions", json={**body, "bounds_canvas": window})

    def hash_mismatch(self) -> Answer:
        return self.client.put(f"/v1/blobs/{'0' * 64}", data=PIXELS, headers=BLOB_HEADERS)

    def blob_missing(self) -> Answer:
        return self.client.post("/v1/sessions", json=session_body())

    def session_missing(self) -> Answer:
        return self.client.get(f"/v1/sessions/{new_id()}")

    def session_expired(self) -> Answer:
        path = f"/v1/sessions/{open_session(self.client)}"
        self.client.delete(path)
        return self.client.get(path)

    def session_limit(self) -> Answer:
        for _ in range(self.bridge.config.max_sessions):
            open_session(self.client)
        return self.client.post("/v1/sessions", json=session_body())

    def sessions_in_use(self) -> Answer:
        open_session(self.client)
        return self.client.post("/v1/server/shutdown", json={})

    def job_missing(self) -> Answer:
        return self.client.get(f"/v1/jobs/{new_id()}")

    def job_expired(self) -> Answer:
        job_id = self.ended_job()
        self.clock.turn(self.bridge.config.job_kept_s + 1)
        self.bridge.expire()
        return self.client.get(f"/v1/jobs/{job_id}")

    def job_conflict(self) -> Answer:
        session_id, body = open_session(self.client), drag_body()
        start_job(self.client, session_id, body)
        return self.start({**body, "step_budget": 7}, session_id)

    def job_state(self) -> Answer:
        return self.client.post(f"/v1/jobs/{self.ended_job()}/pause", json={})

    def cancelled_by_server(self) -> Answer:
        self.engine.gate = StepGate()
        job_id = start_job(self.client, open_session(self.client), drag_body())
        self.engine.gate.wait_waiting()
        self.clock.turn(self.bridge.config.client_lease_s + 1)
        self.bridge.expire()
        self.engine.gate.open()
        wait_end(self.bridge, job_id)
        return dict(self.client.get(f"/v1/jobs/{job_id}").json["problem"])

    def revision_conflict(self) -> Answer:
        return self.start(drag_body(base_revision=3))

    def queue_full(self) -> Answer:
        self.engine.gate = StepGate()
        session_id = open_session(self.client)
        start_job(self.client, session_id, drag_body())
        self.engine.gate.wait_waiting()
        for _ in range(self.bridge.config.max_queued_jobs):
            start_job(self.client, session_id, drag_body())
        return self.start(drag_body(), session_id)

    def stream_limit(self) -> Answer:
        path = f"/v1/jobs/{self.ended_job()}/events"
        # Unread, so that they stay open.
        readers = [self.client.get(path) for _ in range(self.bridge.config.max_streams)]
        answer = self.client.get(path)
        for reader in readers:
            reader.close()
        return answer

    def preview_missing(self) -> Answer:
        self.engine.gate = StepGate()
        job_id = start_job(self.client, open_session(self.client), drag_body())
        return self.client.get(f"/v1/jobs/{job_id}/preview")

    def result_missing(self) -> Answer:
        return self.client.get(f"/v1/jobs/{self.ended_job()}/result")

    def snapshot_missing(self) -> Answer:
        return self.client.get(f"/v1/sessions/{open_session(self.client)}/snapshot")

    def snapshot_rejected(self) -> Answer:
        put_blob(self.client, PIXELS)
        put_blob(self.client, b"no snapshot")
        body = session_body() | {"snapshot": digest_of(b"no snapshot")}
        session_id = str(self.client.post("/v1/sessions", json=body).json["id"])
        job_id = start_job(self.client, session_id, invert_body())
        wait_end(self.bridge, job_id)
        return dict(self.client.get(f"/v1/jobs/{job_id}").json["problem"])

    def history_end(self) -> Answer:
        return self.problem_of({"id": new_id(), "kind": "undo"})

    def no_region(self) -> Answer:
        nothing = {"x": 0, "y": 0, "width": 0, "height": 0}
        canvas = {"width": 9, "height": 9}
        body = {"canvas": canvas, "layer_content": nothing, "points": [{"x": 1, "y": 1}]}
        return self.client.post("/v1/region", json=body)

    def invalid_request(self) -> Answer:
        put_blob(self.client, MASK)
        body = session_body() | {"image": image_ref(MASK, "rgba8")}
        return self.client.post("/v1/sessions", json=body)

    def model_missing(self) -> Answer:
        put_blob(self.client, PIXELS)
        return self.client.post("/v1/sessions", json=session_body() | {"model": "lions"})

    def server_stopping(self) -> Answer:
        session_id = open_session(self.client)
        self.bridge.refuse_new_work()
        return self.start(drag_body(), session_id)

    def internal(self) -> Answer:
        self.engine.script.fail_drag = (1, RuntimeError("a fault of ours"))
        return self.problem_of(drag_body())


OF_THE_ENGINE = {
    "device-lost",
    "engine-failed",
    "engine-unavailable",
    "inversion-diverged",
    "model-rejected",
    "out-of-vram",
}


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_the_bridge_says_each_code_with_its_row(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine, clock: FakeClock, code: str
) -> None:
    provoker = Provoker(client, bridge, engine, clock)
    provoke: Callable[[], Answer] | None = getattr(provoker, code.replace("-", "_"), None)
    answer = provoke() if provoke else provoker.failing(code)
    assert (provoke is None) == (code in OF_THE_ENGINE)
    if isinstance(answer, TestResponse):
        assert answer.status_code == PROBLEMS[code].status
        assert answer.mimetype == "application/problem+json"
        assert ("Retry-After" in answer.headers) == PROBLEMS[code].is_retryable
        answer = dict(answer.json or {})
    assert (answer["code"], answer["title"]) == (code, PROBLEMS[code].title)
    assert answer["detail"] and answer["hint"]
