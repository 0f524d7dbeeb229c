"""The real server on a real socket: guard, life, streams, cancel."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns
from bridge_server.serving import BridgeServer
from tests.fakes.bridge import (
    EventReader,
    RunningBridge,
    drag_body,
    invert_body,
)
from tests.fakes.engine import FakeEngine, StepGate

StartBridge = Callable[..., RunningBridge]


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
