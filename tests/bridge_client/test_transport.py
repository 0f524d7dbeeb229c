import socket
import threading

import pytest

from bridge_client import ProtocolMismatch, ServerUnreachable
from bridge_client.transport import HttpTransport


@pytest.fixture
def raw_server():
    """Answers one connection with the given bytes, then holds or closes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    released = threading.Event()
    threads = []

    def answer(reply: bytes, *, holds: bool = False) -> int:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)
                if holds:
                    released.wait(10)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return listener.getsockname()[1]

    yield answer
    released.set()
    for thread in threads:
        thread.join()
    listener.close()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def test_a_port_where_nobody_listens_gets_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ServerUnreachable, match="does not answer"):
        HttpTransport(port).send("GET", "/", headers={})


def test_a_stranger_who_speaks_no_http_gets_a_sentence(raw_server):
    transport = HttpTransport(raw_server(b"220 mail.example ready\r\n"))
    with pytest.raises(ProtocolMismatch, match="does not speak"):
        transport.send("GET", "/", headers={})


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", CHUNKED + b"5\r\nab"]
)
def test_a_reply_that_stops_in_the_middle_gets_a_sentence(raw_server, reply):
    transport = HttpTransport(raw_server(reply))
    with pytest.raises(ServerUnreachable, match="in the middle"):
        transport.send("GET", "/", headers={})


def test_proxy_variables_are_not_read(bridge, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert HttpTransport(bridge.port).send("GET", "/v1/server", headers={}).status == 401


@pytest.mark.parametrize(
    "reply", [CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", UNTIL_CLOSED + b"abc"], ids=["chunked", "closed"]
)
def test_a_stream_gives_its_bytes_and_ends(raw_server, reply):
    stream = HttpTransport(raw_server(reply)).open_stream("/", headers={})
    assert b"".join(stream.pieces()) == b"abc"
    stream.close()


def test_a_stream_that_breaks_gets_a_sentence(raw_server):
    stream = HttpTransport(raw_server(CHUNKED + b"3\r\nabc\r\n")).open_stream("/", headers={})
    with pytest.raises(ServerUnreachable, match="in the middle"):
        list(stream.pieces())
    stream.close()


@pytest.mark.parametrize(
    "head", [CHUNKED + b"3\r\nabc\r\n", UNTIL_CLOSED + b"abc"], ids=["chunked", "closed"]
)
def test_abort_ends_a_read_that_waits(raw_server, head):
    stream = HttpTransport(raw_server(head, holds=True)).open_stream("/", headers={})
    pieces = stream.pieces()
    assert next(pieces) == b"abc"
    aborter = threading.Thread(target=stream.abort)
    aborter.start()
    assert list(pieces) == []
    aborter.join()
    stream.abort()
    stream.close()
