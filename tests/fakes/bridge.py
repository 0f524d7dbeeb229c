"""A bridge for tests: a clock to turn, a server in a thread, and the requests to speak to it."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import socket
import threading
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from bridge_server.discovery import read_discovery
from bridge_server.engine_port import EnginePool
from bridge_server.serving import BridgeServer
from tests.fakes.engine import FakeEngine

ARTIST_TOKEN = "x" * 43
IN_PROCESS_PORT = 4242
PATIENCE_S = 10.0
WIDTH, HEIGHT = 8, 6
WINDOW = {"x": 100, "y": 50, "width": WIDTH, "height": HEIGHT}
PAIR = {"handle": {"x": 101.5, "y": 52.0}, "target": {"x": 104.5, "y": 52.0}}
PIXELS = bytes(range(WIDTH * HEIGHT * 4))
MASK = bytes([255] * (WIDTH * HEIGHT // 2) + [0] * (WIDTH * HEIGHT // 2))
BLOB_HEADERS = {"Content-Type": "application/octet-stream"}


class FakeClock:
    """A monotonic clock that goes only when it is turned."""

    def __init__(self) -> None:
        self._now_s = 1000.0

    def __call__(self) -> float:
        return self._now_s

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds


def new_id() -> str:
    """An id as clients make it."""
    return secrets.token_hex(16)


def digest_of(content: bytes) -> str:
    """The name of a blob."""
    return hashlib.sha256(content).hexdigest()


def image_ref(content: bytes, pixel_format: str) -> dict[str, Any]:
    """A reference to window-sized pixels."""
    return {
        "sha256": digest_of(content),
        "width": WIDTH,
        "height": HEIGHT,
        "format": pixel_format,
    }


def session_body(
    *, pixel_format: str = "rgba8", with_mask: bool = False, **more: Any
) -> dict[str, Any]:
    """The body of POST /v1/sessions for the test window."""
    mask = image_ref(MASK, "l8") if with_mask else None
    return {
        "image": image_ref(PIXELS, pixel_format),
        "bounds_canvas": WINDOW,
        "editable_mask": mask,
        "model": "default",
        **more,
    }


def drag_body(**changes: Any) -> dict[str, Any]:
    """The body of POST …/jobs for a drag with one pair."""
    return {"id": new_id(), "kind": "drag", "pairs": [PAIR], **changes}


def invert_body() -> dict[str, Any]:
    """The body of POST …/jobs for an inversion."""
    return {"id": new_id(), "kind": "invert"}


def put_blob(client: FlaskClient, content: bytes) -> TestResponse:
    """Upload in process."""
    return client.put(f"/v1/blobs/{digest_of(content)}", data=content, headers=BLOB_HEADERS)


def open_session(client: FlaskClient, **options: Any) -> str:
    """Upload the test window and open a session over it; gives the id."""
    put_blob(client, PIXELS)
    put_blob(client, MASK)
    reply = client.post("/v1/sessions", json=session_body(**options))
    assert reply.status_code == 201, reply.text
    return str(reply.json["id"])


def start_job(client: FlaskClient, session_id: str, body: dict[str, Any]) -> str:
    """Start a job; gives its id."""
    reply = client.post(f"/v1/sessions/{session_id}/jobs", json=body)
    assert reply.status_code == 202, reply.text
    return str(reply.json["id"])


def wait_end(bridge: Bridge, job_id: str) -> None:
    """Until the job has ended."""
    assert bridge.jobs.get(job_id).log.wait_closed(PATIENCE_S), "The job never ended."


class RunningBridge:
    """A real server in a thread, and blocking HTTP to it."""

    def __init__(self, folder: Path, engine: EnginePool, **limits: Any) -> None:
        """Args: the runtime folder, the engine, and what to change in the config."""
        self.folder = folder
        self.engine = engine
        self.server = BridgeServer(BridgeConfig(runtime_folder=folder, **limits), engine)
        self._thread = threading.Thread(target=self.server.run, args=(self._listening,))
        self._is_listening = threading.Event()
        self._thread.start()
        assert self._is_listening.wait(PATIENCE_S), "The bridge never listened."
        record = read_discovery(folder)
        assert record is not None
        self.record = record
        self.token = record.token
        self.port = int(record.url.rpartition(":")[2])

    def _listening(self, url: str) -> None:
        self._is_listening.set()

    def stop(self) -> None:
        """Stop as a signal would; may be called twice."""
        if isinstance(self.engine, FakeEngine):
            self.engine.gate.open()
        self.server.ask_stop()
        self.join()

    def join(self) -> None:
        """Until the server's thread has ended."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "The bridge never stopped."

    def call(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own; gives status, headers and body."""
        sent = {"Authorization": f"Bearer {token or self.token}"}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body=body, headers=sent)
            reply = connection.getresponse()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; gives all that comes until the bridge closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as sock:
            sock.sendall(request)
            received = b""
            while piece := sock.recv(65536):
                received += piece
            return received

    def open_session(self, **options: Any) -> str:
        """Upload the test window and open a session over it; gives the id."""
        for content in (PIXELS, MASK):
            self.call("PUT", f"/v1/blobs/{digest_of(content)}", content, headers=BLOB_HEADERS)
        status, _, body = self.call("POST", "/v1/sessions", session_body(**options))
        assert status == 201, body
        return str(json.loads(body)["id"])

    def start_job(self, session_id: str, body: dict[str, Any]) -> str:
        """Start a job; gives its id."""
        status, _, reply = self.call("POST", f"/v1/sessions/{session_id}/jobs", body)
        assert status == 202, reply
        return str(json.loads(reply)["id"])

    def wait_end(self, job_id: str) -> dict[str, Any]:
        """Until the job has ended; gives what is true of it."""
        wait_end(self.server.bridge, job_id)
        return dict(json.loads(self.call("GET", f"/v1/jobs/{job_id}")[2]))


class EventReader:
    """A raw reader of one event stream, which can leave without a word."""

    def __init__(self, bridge: RunningBridge, job_id: str, *, after: int | None = None) -> None:
        """Args: where to read, which job, and the number of the last event that is known."""
        self._socket = socket.create_connection(("127.0.0.1", bridge.port), timeout=PATIENCE_S)
        cursor = "" if after is None else f"Last-Event-ID: {after}\r\n"
        self._socket.sendall(
            f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {bridge.token}\r\n{cursor}\r\n".encode()
        )
        self._reply = http.client.HTTPResponse(self._socket)
        self._reply.begin()
        self.status = self._reply.status

    def __enter__(self) -> EventReader:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def next_event(self) -> tuple[int | None, str, dict[str, Any]] | None:
        """Number, name and body of the next event; None at the stream's end."""
        fields: dict[str, str] = {}
        while line := self._reply.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if not fields:
            return None
        number = int(fields["id"]) if "id" in fields else None
        return number, fields["event"], json.loads(fields["data"])

    def wait_for(self, name: str) -> tuple[int | None, dict[str, Any]]:
        """Number and body of the next event of this name."""
        while (event := self.next_event()) is not None:
            if event[1] == name:
                return event[0], event[2]
        raise AssertionError(f"The stream ended without {name}.")

    def rest(self) -> list[tuple[int | None, str, dict[str, Any]]]:
        """All events until the end, without heartbeats."""
        events = iter(self.next_event, None)
        return [event for event in events if event[1] != "heartbeat"]

    def close(self) -> None:
        """Leave."""
        self._reply.close()
        self._socket.close()
