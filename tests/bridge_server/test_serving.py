"""The real server on a real socket: guard, life, streams, cancel."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns
from bridge_server.serving import BridgeServer
from tests.fakes.bridge import (
    BLOB_HEADERS,
    EventReader,
    RunningBridge,
    digest_of,
    drag_body,
    invert_body,
)
from tests.fakes.engine import FakeEngine, FakeScript, StepGate

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


def raw_get(bridge: RunningBridge, host: str, method: str = "GET") -> int:
    head = f"{method} /v1/server HTTP/1.1\r\nHost: {host.format(port=bridge.port)}\r\n"
    tail = f"Authorization: Bearer {bridge.token}\r\nConnection: close\r\n\r\n"
    return status_of(bridge.raw((head + tail).encode()))


def test_the_host_matrix(live_bridge: RunningBridge) -> None:
    for host in GOOD_HOSTS:
        assert raw_get(live_bridge, host) == 200, host
    for host in BAD_HOSTS:
        for method in ("GET", "POST", "OPTIONS", "FOO"):
            assert raw_get(live_bridge, host, method) == 400, (host, method)


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


def test_only_loopback_is_listened_on(live_bridge: RunningBridge) -> None:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f":{live_bridge.port:04X}"
    listening = {line[1] for line in lines if line[1].endswith(port) and line[3] == "0A"}
    assert listening == {f"0100007F{port}"}
    with pytest.raises(OSError):
        socket.create_connection(("::1", live_bridge.port), timeout=2).close()


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
    content = os.urandom(8 << 20)
    path = f"/v1/blobs/{digest_of(content)}"
    assert live_bridge.call("PUT", path, content, headers=BLOB_HEADERS)[0] == 201
    assert live_bridge.call("PUT", path, content, headers=BLOB_HEADERS)[0] == 200


def test_the_file_is_there_while_the_bridge_answers(start_bridge: StartBridge) -> None:
    bridge = start_bridge()
    assert (bridge.folder / "bridge.json").exists()
    assert bridge.record.pid == os.getpid()
    bridge.stop()
    assert [path.name for path in bridge.folder.iterdir() if path.suffix == ".json"] == []
    with pytest.raises(ConnectionRefusedError):
        bridge.call("GET", "/v1/server")


def test_a_second_bridge_gives_way_and_leaves_the_file(live_bridge: RunningBridge) -> None:
    second = BridgeServer(BridgeConfig(runtime_folder=live_bridge.folder), FakeEngine())
    with pytest.raises(BridgeAlreadyRuns):
        second.run()
    assert live_bridge.call("GET", "/v1/server")[0] == 200
    assert (live_bridge.folder / "bridge.json").exists()


def test_a_stale_file_is_replaced_and_the_old_token_is_worthless(
    start_bridge: StartBridge, tmp_path: Path
) -> None:
    first = start_bridge()
    stale = (first.folder / "bridge.json").read_bytes()
    first.stop()
    (first.folder / "bridge.json").write_bytes(stale)
    second = RunningBridge(first.folder, FakeEngine())
    try:
        assert second.token != first.token
        assert second.call("GET", "/v1/server", token=first.token)[0] == 401
    finally:
        second.stop()


def test_shutdown_over_http_ends_the_server(live_bridge: RunningBridge) -> None:
    assert live_bridge.call("POST", "/v1/server/shutdown", {})[0] == 202
    live_bridge.join()
    assert not (live_bridge.folder / "bridge.json").exists()


def test_a_drag_is_followed_to_its_end(live_bridge: RunningBridge) -> None:
    job_id = live_bridge.start_job(live_bridge.open_session(), drag_body())
    with EventReader(live_bridge, job_id) as reader:
        events = reader.rest()
    assert events[0][1:] == ("state", {"state": "queued", "queue_position": 0})
    assert events[-1][1] == "end"
    assert events[-1][2]["state"] == "succeeded"
    numbers = [number for number, _, _ in events if number is not None]
    assert numbers == sorted(set(numbers))


def test_progress_carries_where_the_handles_are(
    live_bridge: RunningBridge, engine: FakeEngine
) -> None:
    job_id = live_bridge.start_job(live_bridge.open_session(), drag_body())
    with EventReader(live_bridge, job_id) as reader:
        bodies = [body for _, name, body in reader.rest() if name == "drag-progress"]
    last = bodies[-1]
    assert last["handles_canvas"] == [{"x": 104.5, "y": 52.0}]
    assert last["distance_px"] == 0
    assert (last["step_index"], last["step_budget"]) == (5, 100)


def test_a_reader_resumes_where_it_left(live_bridge: RunningBridge, engine: FakeEngine) -> None:
    engine.gate = StepGate()
    job_id = live_bridge.start_job(live_bridge.open_session(), drag_body())
    with EventReader(live_bridge, job_id) as first:
        engine.gate.allow(1)
        number, _ = first.wait_for("inversion-progress")
    engine.gate.open()
    live_bridge.wait_end(job_id)
    with EventReader(live_bridge, job_id, after=number) as again:
        events = again.rest()
    assert all(each is not None and number is not None and each > number for each, _, _ in events)
    assert events[-1][1] == "end"


def test_a_reader_of_an_ended_job_gets_the_end_again(live_bridge: RunningBridge) -> None:
    job_id = live_bridge.start_job(live_bridge.open_session(), invert_body())
    live_bridge.wait_end(job_id)
    for _ in range(2):
        with EventReader(live_bridge, job_id) as reader:
            assert reader.rest()[-1][1] == "end"


def test_silence_is_filled_with_heartbeats(start_bridge: StartBridge) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, heartbeat_s=0.05)
    job_id = bridge.start_job(bridge.open_session(), drag_body())
    with EventReader(bridge, job_id) as reader:
        assert reader.wait_for("heartbeat") == (None, {})


def test_cancel_comes_through_within_one_step(
    live_bridge: RunningBridge, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    engine.script.drag_steps = 1000
    job_id = live_bridge.start_job(live_bridge.open_session(), drag_body(step_budget=1000))
    engine.gate.allow(10)
    engine.gate.wait_waiting()
    assert live_bridge.call("POST", f"/v1/jobs/{job_id}/cancel", {})[0] == 202
    engine.gate.open()
    job = live_bridge.wait_end(job_id)
    assert (job["state"], job["has_result"]) == ("cancelled", True)
    assert engine.gate.made == 11


def test_streams_are_bounded_and_others_still_served(start_bridge: StartBridge) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, max_streams=2)
    job_id = bridge.start_job(bridge.open_session(), drag_body())
    with EventReader(bridge, job_id), EventReader(bridge, job_id):
        status, headers, body = bridge.call("GET", f"/v1/jobs/{job_id}/events")
        assert (status, json.loads(body)["code"]) == (503, "stream-limit")
        assert int(headers["retry-after"]) > 0
        assert bridge.call("GET", "/v1/server")[0] == 200


def test_a_vanished_reader_frees_its_place(start_bridge: StartBridge) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, max_streams=1, heartbeat_s=0.05)
    job_id = bridge.start_job(bridge.open_session(), drag_body())
    with EventReader(bridge, job_id) as reader:
        reader.wait_for("heartbeat")
    statuses = (_stream_status(bridge, job_id) for _ in range(10_000))
    assert any(status == 200 for status in statuses)


def _stream_status(bridge: RunningBridge, job_id: str) -> int:
    with EventReader(bridge, job_id) as reader:
        return reader.status


def test_stopping_ends_every_stream_with_a_word(start_bridge: StartBridge) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, stop_timeout_s=0.1)
    job_id = bridge.start_job(bridge.open_session(), drag_body())
    engine.gate.wait_waiting()
    with ExitStack() as stack:
        readers = [stack.enter_context(EventReader(bridge, job_id)) for _ in range(4)]
        for reader in readers:
            reader.wait_for("state")
        bridge.server.ask_stop()
        assert [reader.rest()[-1][1] for reader in readers] == ["server-stopping"] * 4
        bridge.join()


def test_a_step_that_never_ends_does_not_hold_the_stop(start_bridge: StartBridge) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, stop_timeout_s=0.1)
    bridge.start_job(bridge.open_session(), drag_body())
    engine.gate.wait_waiting()
    bridge.server.ask_stop()
    bridge.join()
    assert not bridge.server.is_worker_stopped
    engine.gate.open()


def test_two_clients_at_once_get_their_own_results(live_bridge: RunningBridge) -> None:
    ends: list[str] = []

    def edit(pixel_format: str) -> None:
        session_id = live_bridge.open_session(pixel_format=pixel_format)
        job_id = live_bridge.start_job(session_id, drag_body())
        live_bridge.wait_end(job_id)
        _, headers, _ = live_bridge.call("GET", f"/v1/jobs/{job_id}/result")
        ends.append(headers["content-type"].rpartition("=")[2])

    editors = [threading.Thread(target=edit, args=(order,)) for order in ("rgba8", "bgra8")]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(10)
    assert sorted(ends) == ["bgra8", "rgba8"]


def test_no_log_ever_holds_the_token(
    start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bridge = start_bridge(FakeEngine(script=FakeScript(fail_drag=(1, RuntimeError("boom")))))
    bridge.wait_end(bridge.start_job(bridge.open_session(), drag_body()))
    bridge.call("GET", "/v1/server", token="wrong")
    bridge.stop()
    assert "boom" in caplog.text
    assert bridge.token not in caplog.text
