"""10 000 malformed messages: each is refused with a 4xx in our form, and nothing has changed."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge_client.messages import CreateSession, StartJob
from bridge_client.wire_headers import JSON_MEDIA_TYPE
from bridge_server.bridge import Bridge
from bridge_server.endpoints import ENDPOINTS, Endpoint
from bridge_server.problems import PROBLEMS
from tests.contracts.malformed import MASK, PIXELS, Attacker, Ids, Request, example
from tests.contracts.state import state_of
from tests.fakes.bridge import ARTIST_TOKEN, new_id, put_blob, start_job, wait_end
from tests.fakes.engine import FakeEngine, StepGate

ROUNDS, MESSAGES = 20, 500  # a round is shorter than the fake engine's patience


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that waits before each step."""
    return FakeEngine(gate=StepGate())


@pytest.fixture
def ids(client: FlaskClient, bridge: Bridge, engine: FakeEngine) -> Ids:
    """A bridge in the midst of work: one drag has ended, one runs, one waits."""
    for content in (PIXELS, MASK):
        put_blob(client, content)
    reply = client.post("/v1/sessions", data=example(CreateSession), content_type=JSON_MEDIA_TYPE)
    session_id = reply.json["id"]
    drag = {**json.loads(example(StartJob)), "base_revision": None}
    ended, running, _ = (start_job(client, session_id, {**drag, "id": new_id()}) for _ in range(3))
    engine.gate.allow(engine.script.inversion_steps + engine.script.drag_steps + 1)
    wait_end(bridge, ended)
    engine.gate.wait_waiting()
    return Ids(session_id=session_id, running_job_id=running, ended_job_id=ended)


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)
def test_without_its_fault_a_message_is_taken(app: Flask, ids: Ids, row: Endpoint) -> None:
    request = Attacker(0, ids, ARTIST_TOKEN).good(row)
    status, body = send(app, request)
    assert status in row.replies, (request, status, body)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_malformed_message_is_refused_and_changes_nothing(
    app: Flask, bridge: Bridge, ids: Ids, seed: int
) -> None:
    stops: list[Any] = []
    bridge.on_shutdown = lambda *said: stops.append(said)
    before = state_of(bridge)
    for request in Attacker(seed, ids, ARTIST_TOKEN).requests(MESSAGES):
        status, body = send(app, request)
        assert is_refusal(request.method, status, body), (request, status, body)
    assert state_of(bridge) == before
    assert not stops


def is_refusal(method: str, status: int, body: bytes) -> bool:
    """Whether it is a 4xx of the table, in the form of RFC 9457."""
    if method == "HEAD" or not 400 <= status < 500:
        return 400 <= status < 500
    problem = json.loads(body)
    kind = PROBLEMS[problem["code"]]
    return (status, problem["title"]) == (kind.status, kind.title)


def send(app: Flask, request: Request) -> tuple[int, bytes]:
    """Status and body of the reply, from the WSGI call that waitress would make of the request.

    Not by the test client, which repairs some requests on the way and takes twice the time.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": urlencode(request.query),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "4242",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)) if request.body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = value.encode().decode("latin-1")
    statuses: list[int] = []
    chunks = app(environ, lambda status, headers, exc_info=None: statuses.append(int(status[:3])))
    try:
        return statuses[0], b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
