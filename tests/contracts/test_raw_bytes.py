"""Bytes that are no HTTP, or HTTP with a fault in its frame, on a real socket."""

from __future__ import annotations

import json
import random
import re
import socket
from collections.abc import Callable

import pytest

from tests.contracts.state import state_of
from tests.fakes.bridge import PATIENCE_S, RunningBridge, drag_body
from tests.fakes.engine import FakeEngine

ROUNDS, MESSAGES = 5, 60
HEADER_LINES = (
    *(b"no colon", b"Na me: x", b": x", b"X: a\x00b", b"X: a\rb", b"X: " + b"y" * 300_000),
    *(b"Content-Length: -1", b"Content-Length: 1e3", b"Content-Length: 0x10", b"Content-Length: "),
    *(b"Content-Length: 99999999999999999999", b"Transfer-Encoding: gzip", b"Host: evil.example"),
    *(b"Transfer-Encoding: chunked, gzip", b"\xff\xfe: x", b"Origin: null"),
)
CHUNKS = (
    b"zz\r\n{}\r\n0\r\n\r\n",
    b"-2\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}x0\r\n\r\n",
    b"2;" + b"x" * 300_000,
)


class Garbler:
    """Draws requests with a broken frame; whole, each would change the bridge."""

    def __init__(self, seed: int, bridge: RunningBridge, session_id: str) -> None:
        """Args: the seed, the bridge under attack and what to attack on it."""
        self._random = random.Random(seed)
        body = json.dumps(drag_body()).encode()
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {bridge.token}\r\nConnection: close\r\n"
        self._targets = {
            b"POST /v1/sessions/%b/jobs HTTP/1.1" % session_id.encode(): body,
            b"POST /v1/server/shutdown HTTP/1.1": b"{}",
            b"DELETE /v1/sessions/%b HTTP/1.1" % session_id.encode(): b"",
        }
        self._head = head.encode() + b"Content-Type: application/json\r\n"

    def message(self) -> tuple[bytes, bool]:
        """One garbled request, and whether its reader has no reason to wait for more."""
        kinds = (self._noise, self._wrong_line, self._wrong_header, self._cut, self._wrong_chunks)
        kind = self._random.choice(kinds)
        return kind(), kind not in (self._cut, self._wrong_chunks)

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.randint(1, 400)) + b"\r\n\r\n"

    def _request(self, line: bytes, extra: bytes, body: bytes) -> bytes:
        return line + b"\r\n" + self._head + extra + b"\r\n\r\n" + body

    def _wrong_line(self) -> bytes:
        line, body = self._random.choice([*self._targets.items()])
        method, path, version = line.split()
        lines = (
            *(method + path, b"\x00" + line, method + b"  " + version, path + b" " + method),
            method + b" " + path + b" HTTP/x.y",
            *(method + b" " + path * 10_000 + b" " + version, b"\xff" + line),
        )
        length = b"Content-Length: %d" % len(body)
        return self._request(self._random.choice(lines), length, body)

    def _wrong_header(self) -> bytes:
        line, body = self._random.choice([*self._targets.items()])
        length = b"Content-Length: %d" % len(body)
        lines = self._random.sample([length, self._random.choice(HEADER_LINES)], 2)
        return self._request(line, b"\r\n".join(lines), body)

    def _cut(self) -> bytes:
        line, body = next(iter(self._targets.items()))
        whole = self._request(line, b"Content-Length: %d" % len(body), body)
        return whole[: self._random.randrange(len(whole))]

    def _wrong_chunks(self) -> bytes:
        line = self._random.choice([*self._targets])
        return self._request(line, b"Transfer-Encoding: chunked", self._random.choice(CHUNKS))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_garbled_bytes_are_refused_and_change_nothing(
    start_bridge: Callable[..., RunningBridge], seed: int
) -> None:
    bridge = start_bridge(FakeEngine())
    garbler = Garbler(seed, bridge, bridge.open_session())
    before = state_of(bridge.server.bridge)
    for _ in range(MESSAGES):
        message, is_whole = garbler.message()
        reply = answer(bridge.port, message, is_whole=is_whole)
        assert is_refusal(reply), (message[:400], reply[:400])
    assert state_of(bridge.server.bridge) == before
    assert bridge.call("GET", "/v1/server")[0] == 200


def is_refusal(reply: bytes) -> bool:
    """Whether nothing came, or every answer is a 4xx, or waitress's word for codings it lacks."""
    statuses = re.findall(rb"^HTTP/1\.[01] (\d{3}) ", reply, re.MULTILINE)
    return all(400 <= int(each) < 500 or int(each) == 501 for each in statuses)


def answer(port: int, message: bytes, *, is_whole: bool) -> bytes:
    """All that comes back; who waits for more than there is hears that no more will come."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(message)
            if not is_whole:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:
            pass  # who stops listening to us in mid-message has refused it
    return received
