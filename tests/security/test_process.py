"""What the bridge's process shows to the machine: sockets, files, arguments, memory."""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bridge_client.client import BridgeClient
from bridge_client.discovery import record_port
from bridge_client.errors import ProtocolMismatch
from bridge_client.messages import DiscoveryRecord
from bridge_server.config import MIB
from tests.fakes.bridge import (
    BLOB_HEADERS,
    PIXELS,
    digest_of,
    drag_body,
    session_body,
)
from tests.fakes.processes import BridgeProcess, fake_bridge_command, http_call, wait_until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# Notes every name that is looked up and every address that is connected to or bound.
AUDITED = """
import sys
notes = open({notes!r}, "w", buffering=1)
def note(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        print(event, arguments[1] if event != "socket.getaddrinfo" else arguments[0], file=notes)
sys.addaudithook(note)
"""
WITH_FAKE = "from tests.fakes.serve_fake import main; sys.exit(main())"
WITH_ENGINE = "from bridge_server.__main__ import main; sys.exit(main())"

StartProcess = Callable[..., BridgeProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartProcess]:
    """Starts bridges; all are ended."""
    running: list[BridgeProcess] = []

    def start_one(command: list[str] | None = None, **options: object) -> BridgeProcess:
        running.append(BridgeProcess(tmp_path, command or fake_bridge_command(**options)))
        running[-1].client()
        return running[-1]

    yield start_one
    for each in running:
        each.end()


def listening_addresses(pid: int) -> list[str]:
    """Address:port in hexadecimal of each TCP socket on which the process listens."""
    links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [row[1] for row in rows if row[9] in inodes and row[3] == "0A"]


def peak_memory_bytes(pid: int) -> int:
    """The most memory that the process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kib,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(kib) * 1024


@linux_only
def test_it_listens_once_and_on_loopback_only(start: StartProcess) -> None:
    bridge = start()
    port = record_port(bridge.client_record())
    assert listening_addresses(bridge.pid) == [f"0100007F:{port:04X}"]
    for address in ("127.0.0.2", "::1"):
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=5).close()


def test_there_is_no_way_to_listen_elsewhere(tmp_path: Path) -> None:
    command = ["-m", "draglayer_cli.main", "serve", "--listen", "0.0.0.0"]
    refused = BridgeProcess(tmp_path, command)
    assert refused.wait() == 2
    assert "No such option" in refused.end()


def run_a_session(bridge: BridgeProcess) -> str:
    """Everything that the bridge answers to one edit that works and one that does not."""
    said: list[str] = []

    def call(method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
        status, given, content = http_call(bridge, method, path, body, headers)
        said.append(f"{status} {given} {content!r}")
        return dict(json.loads(content)) if given.get("content-type", "").endswith("json") else {}

    call("PUT", f"/v1/blobs/{digest_of(PIXELS)}", PIXELS, **BLOB_HEADERS)
    session = call("POST", "/v1/sessions", session_body())
    job = call("POST", f"/v1/sessions/{session['id']}/jobs", drag_body())
    call("GET", f"/v1/jobs/{job['id']}/events")
    for path in (f"/v1/jobs/{job['id']}", f"/v1/sessions/{session['id']}", "/v1/server", "/x"):
        call("GET", path)
    call("POST", "/v1/server/shutdown", {"force": True})
    return "\n".join(said)


@linux_only
def test_the_token_is_in_the_file_and_nowhere_else(start: StartProcess) -> None:
    bridge = start(failure=[2, "engine-failed"])
    token = bridge.client_record().token
    process = Path(f"/proc/{bridge.pid}")
    shown = [(process / name).read_bytes().decode() for name in ("cmdline", "environ")]
    shown.append(run_a_session(bridge))
    assert bridge.wait() == 0
    shown += [bridge.log(), bridge.end()]
    assert "It was meant to fail here." in bridge.log()
    raw = token.encode()
    secret = base64.urlsafe_b64decode(raw + b"=").hex()
    forms = {token, raw.hex(), base64.b64encode(raw).decode(), secret}
    assert not [form for form in forms for text in shown if form.rstrip("=") in text]


@linux_only
def test_the_log_holds_no_pixel_and_no_digest_of_one(start: StartProcess) -> None:
    bridge = start(failure=[2, "engine-failed"])
    run_a_session(bridge)
    assert bridge.wait() == 0
    for text in (bridge.log(), bridge.end()):
        assert repr(PIXELS[:8])[2:-1] not in text
        assert digest_of(PIXELS) not in text


@pytest.mark.parametrize(
    "program", [WITH_FAKE, pytest.param(WITH_ENGINE, marks=pytest.mark.slow)], ids=["fake", "real"]
)
def test_it_connects_to_nothing_and_looks_up_no_name(
    start: StartProcess, tmp_path: Path, program: str
) -> None:
    notes = tmp_path / "notes"
    bridge = start(["-c", AUDITED.format(notes=str(notes)) + program])
    wait_until(lambda: bridge.client().readiness().is_ready)
    run_a_session(bridge)
    assert bridge.wait() == 0
    # waitress reads its default address, of which it makes no use, where it is handed a socket.
    unused = {"socket.getaddrinfo 0.0.0.0"}
    assert set(notes.read_text().splitlines()) - unused == {"socket.bind ('127.0.0.1', 0)"}


@linux_only
def test_a_body_without_end_is_cut_off_and_costs_little_memory(start: StartProcess) -> None:
    bridge = start(limits={"max_body_bytes": 16 * MIB})
    record = bridge.client_record()
    before = peak_memory_bytes(bridge.pid)
    sent = 0
    with socket.create_connection(("127.0.0.1", record_port(record)), timeout=60) as sock:
        sock.sendall(
            f"PUT /v1/blobs/{'0' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {record.token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        with suppress(ConnectionError):
            while sent < 256 * MIB:
                sock.sendall(b"100000\r\n" + bytes(MIB) + b"\r\n")
                sent += MIB
    assert sent < 128 * MIB  # what the system's own buffers hold goes beyond the cap
    assert peak_memory_bytes(bridge.pid) - before < 64 * MIB
    assert bridge.client().server_info()


def test_whoever_sees_the_file_finds_the_bridge_answering(tmp_path: Path) -> None:
    for _ in range(3):
        bridge = BridgeProcess(tmp_path, fake_bridge_command())
        try:
            wait_until(bridge.record)
            BridgeClient.prove(bridge.client_record()).shut_down()
            assert bridge.wait() == 0
            assert bridge.record() is None
        finally:
            bridge.end()


def test_a_stranger_on_a_dead_bridges_port_never_sees_the_token() -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pretend() -> None:
            connection, _ = listener.accept()
            with connection:
                received.append(connection.recv(65536))
                body = b'{"status": "live", "proof": "' + b"0" * 64 + b'"}'
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                connection.sendall(head + body)

        stranger = threading.Thread(target=pretend)
        stranger.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ProtocolMismatch):
            BridgeClient.prove(stale_record(url))
        stranger.join()
    assert received[0].startswith(b"GET /health/live?nonce=")
    assert b"t" * 43 not in received[0] and b"authorization" not in received[0].lower()


def stale_record(url: str) -> DiscoveryRecord:
    """The file of a bridge that is no more."""
    return DiscoveryRecord(
        api="1.0", url=url, pid=1, instance_id="a" * 32, started="", token="t" * 43
    )
