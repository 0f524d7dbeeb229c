"""The guard, the caps and the server below them, on a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask, request, request_started

from bridge_server.endpoints import ENDPOINTS
from tests.fakes.bridge import (
    BLOB_HEADERS,
    EventReader,
    RunningBridge,
    digest_of,
    drag_body,
    new_id,
)
from tests.fakes.engine import FakeEngine, StepGate

StartBridge = Callable[..., RunningBridge]

GOOD_HOSTS = ["127.0.0.1", "127.0.0.1:{port}", "localhost", "localhost:{port}"]
BAD_HOSTS = [
    "",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "0x7f000001",
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.localhost",
    "127.0.0.1@evil",
    "LOCALHOST",
    "[::1]",
    "127.0.0.1:1",
    "127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}",
]


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def raw_status(bridge: RunningBridge, host: str, method: str, path: str) -> int:
    head = f"{method} {path} HTTP/1.1\r\nHost: {host.format(port=bridge.port)}\r\n"
    tail = f"Authorization: Bearer {bridge.token}\r\nConnection: close\r\n\r\n"
    return status_of(bridge.raw((head + tail).encode()))


def concrete(path: str) -> str:
    """The path of the table with ids in it."""
    return path.format(sha256="0" * 64, digest="0" * 64, session_id=new_id(), job_id=new_id())


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_our_own_names_are_let_in(live_bridge: RunningBridge, host: str) -> None:
    assert raw_status(live_bridge, host, "GET", "/v1/server") == 200


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_no_other_name_is_let_in(live_bridge: RunningBridge, host: str) -> None:
    for method in ("GET", "POST", "OPTIONS", "FOO"):
        assert raw_status(live_bridge, host, method, "/v1/server") == 400, method


@pytest.mark.parametrize("path", sorted({row.path for row in ENDPOINTS} | {"/nowhere"}))
def test_a_foreign_name_is_refused_on_every_route(live_bridge: RunningBridge, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"):
        assert raw_status(live_bridge, "evil.example", method, concrete(path)) == 400, method


def test_a_request_without_a_host_is_refused(live_bridge: RunningBridge) -> None:
    request = f"GET /v1/server HTTP/1.0\r\nAuthorization: Bearer {live_bridge.token}\r\n\r\n"
    assert status_of(live_bridge.raw(request.encode())) == 400


def test_a_forwarded_host_changes_nothing(live_bridge: RunningBridge) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "10.0.0.1"}
    assert live_bridge.call("GET", "/v1/server", headers=headers)[0] == 200
    headers["Host"] = "evil.example"
    assert live_bridge.call("GET", "/v1/server", headers=headers)[0] == 400


def test_origin_fetch_metadata_and_token_over_the_wire(live_bridge: RunningBridge) -> None:
    for headers in ({"Origin": "null"}, {"Origin": ""}, {"Sec-Fetch-Site": "same-origin"}):
        assert live_bridge.call("GET", "/v1/server", headers=headers)[0] == 403
    assert live_bridge.call("GET", "/v1/server", token="wrong")[0] == 401
    assert live_bridge.call("GET", "/v1/server")[0] == 200


def test_replies_do_not_name_the_server_software(live_bridge: RunningBridge) -> None:
    _, headers, _ = live_bridge.call("GET", "/v1/server")
    assert "server" not in headers


def test_too_large_a_body_is_refused(start_bridge: StartBridge) -> None:
    bridge = start_bridge(max_body_bytes=1 << 20)
    head = f"PUT /v1/blobs/{'0' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for length in ((1 << 20) + 1, 10_000_000_000):
        request = f"{head}Content-Length: {length}\r\n\r\n"
        assert status_of(bridge.raw(request.encode())) == 413


def test_pixels_travel_whole_and_touch_no_disk(
    live_bridge: RunningBridge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no-such-folder"))
    content = os.urandom(32 << 20)
    path = f"/v1/blobs/{digest_of(content)}"
    assert live_bridge.call("PUT", path, content, headers=BLOB_HEADERS)[0] == 201
    assert live_bridge.call("PUT", path, content, headers=BLOB_HEADERS)[0] == 200


REQUEST = b"GET /v1/server HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /v1/server/shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"
SECOND = REQUEST + CLOSE + b"\r\n"
MALFORMED = [
    POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + SECOND,
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + SECOND,
    POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}" + SECOND,
    POST + b"Content-Length: 2x\r\n\r\n{}" + SECOND,
]
AMBIGUOUS = [
    POST + CLOSE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    REQUEST + CLOSE + b"X-Folded: one\r\n two\r\n\r\n" + SECOND,
    REQUEST.replace(b"\r\n", b"\n") + b"Connection: close\n\n" + SECOND,
    POST + b"Content-Length: 99999999999\r\n\r\n" + SECOND,
    REQUEST + CLOSE + b"\r\n" + SECOND,
]


@pytest.fixture
def reached() -> Iterator[list[str]]:
    """The path of each request that reaches the application."""
    paths: list[str] = []

    def note(sender: Flask) -> None:
        paths.append(request.path)

    with request_started.connected_to(note):
        yield paths


@pytest.mark.parametrize("content", MALFORMED)
def test_a_request_with_two_ends_is_refused(
    live_bridge: RunningBridge, reached: list[str], content: bytes
) -> None:
    assert status_of(live_bridge.raw(content)) == 400
    assert reached == []


@pytest.mark.parametrize("content", AMBIGUOUS)
def test_nothing_is_smuggled_in_behind_a_request(
    live_bridge: RunningBridge, reached: list[str], content: bytes
) -> None:
    live_bridge.raw(content)
    assert len(reached) <= 1


def test_slow_clients_hold_nobody_up_and_are_let_go(start_bridge: StartBridge) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, connection_timeout_s=1, max_streams=8)
    job_id = bridge.start_job(bridge.open_session(), drag_body())
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(EventReader(bridge, job_id))
        address = ("127.0.0.1", bridge.port)
        slow = [stack.enter_context(socket.create_connection(address, 60)) for _ in range(50)]
        for each in slow:
            each.sendall(b"P")
        assert bridge.call("GET", "/v1/server")[0] == 200
        assert [each.recv(1) for each in slow] == [b""] * 50
        engine.gate.open()
