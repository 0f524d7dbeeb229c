"""HTTP to the loopback address; the only file that opens a socket.

Each request has a connection of its own: on loopback it costs a fraction of a millisecond, no stale
connection must be told from a lost bridge, and a cancel never waits behind a stream. `http.client`
reads no proxy variable, so no proxy or VPN gets in between.
"""

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .errors import ProtocolMismatch, ServerUnreachable

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 60.0
# The bridge sends a heartbeat every two seconds; several missing ones mean that it is gone.
SILENCE_TIMEOUT_S = 15.0
MAX_REPLY_BYTES = (1 << 30) + (1 << 20)

_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class ByteStream(Protocol):
    """A reply that goes on, read in pieces."""

    status: int

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes; ends when the other side or `abort` ends it."""

    def abort(self) -> None:
        """Ends a read that waits, from any thread; the stream gives nothing more."""

    def close(self) -> None:
        """Frees the connection, on the thread that reads."""


class Transport(Protocol):
    """What the client needs of HTTP."""

    @property
    def port(self) -> int:
        """The port that is talked to."""

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_s: float = REPLY_TIMEOUT_S,
    ) -> Reply:
        """Sends one request and reads the whole reply."""

    def open_stream(self, path: str, *, headers: Mapping[str, str]) -> ByteStream:
        """Sends one GET whose reply goes on."""


class HttpTransport:
    """`http.client` to one port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._port = port

    @property
    def port(self) -> int:
        """The port that is talked to."""
        return self._port

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_s: float = REPLY_TIMEOUT_S,
    ) -> Reply:
        """Sends one request and reads the whole reply.

        Raises:
            ServerUnreachable: Nothing answers there, or it stopped in the middle.
            ProtocolMismatch: What answers doesn't speak HTTP, or too much of it.
        """
        connection = _connect(self._port)
        try:
            response = _request(connection, method, path, headers, body, timeout_s)
            content = _read_all(response)
        except (OSError, http.client.IncompleteRead) as error:
            raise _gone() from error
        except http.client.HTTPException as error:
            raise _not_ours() from error
        finally:
            connection.close()
        return Reply(response.status, _lower(response), content)

    def open_stream(self, path: str, *, headers: Mapping[str, str]) -> ByteStream:
        """Sends one GET whose reply goes on.

        Raises:
            ServerUnreachable: Nothing answers there.
            ProtocolMismatch: What answers doesn't speak HTTP.
        """
        connection = _connect(self._port)
        # Taken now: a reply that announces its end by closing takes it away from the connection.
        wire = connection.sock
        try:
            response = _request(connection, "GET", path, headers, b"", SILENCE_TIMEOUT_S)
        except OSError as error:
            connection.close()
            raise _gone() from error
        except http.client.HTTPException as error:
            connection.close()
            raise _not_ours() from error
        return _HttpStream(connection, response, wire)


class _HttpStream:
    def __init__(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        wire: socket.socket,
    ) -> None:
        self.status = response.status
        self._connection = connection
        self._response = response
        self._wire = wire
        self._lock = threading.Lock()
        self._is_over = False

    def pieces(self) -> Iterator[bytes]:
        while True:
            try:
                piece = self._response.read1(_PIECE_BYTES)
            except (OSError, http.client.HTTPException, ValueError) as error:
                # An aborted read ends in different ways on different systems: all mean the same.
                if self._is_over:
                    return
                raise _gone() from error
            if not piece or self._is_over:
                return
            yield piece

    def abort(self) -> None:
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            try:
                self._wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The other side was quicker; the reader sees the end anyway.
                return

    def close(self) -> None:
        with self._lock:
            self._is_over = True
            self._response.close()
            self._connection.close()


def _connect(port: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=CONNECT_TIMEOUT_S)
    try:
        connection.connect()
    except OSError as error:
        connection.close()
        raise ServerUnreachable(
            "The bridge does not answer.", "Start it again with `draglayer serve`."
        ) from error
    return connection


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout_s: float,
) -> http.client.HTTPResponse:
    connection.sock.settimeout(timeout_s)
    sent = {"Connection": "close", "User-Agent": "draglayer-client", **headers}
    connection.request(method, path, body=body or None, headers=sent)
    return connection.getresponse()


def _read_all(response: http.client.HTTPResponse) -> bytes:
    if response.length is None:
        content = response.read(MAX_REPLY_BYTES + 1)
        if len(content) > MAX_REPLY_BYTES:
            raise http.client.HTTPException("the reply is longer than any of ours")
        return content
    if response.length > MAX_REPLY_BYTES:
        raise http.client.HTTPException("the reply is longer than any of ours")
    # Without a number: only so does http.client tell a body that was cut off from a whole one.
    return response.read()


def _lower(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _gone() -> ServerUnreachable:
    return ServerUnreachable(
        "The bridge has gone in the middle of the work.", "Press Start to begin again."
    )


def _not_ours() -> ProtocolMismatch:
    return ProtocolMismatch(
        "What answers in the bridge's place does not speak its language.",
        "Start the bridge again with `draglayer serve`.",
    )
