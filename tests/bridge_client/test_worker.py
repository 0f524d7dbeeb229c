import threading
import time
from dataclasses import replace

import pytest

from bridge_client import (
    Bounds,
    BridgeClient,
    ClientError,
    DragProgress,
    EditState,
    EditWorker,
    Failed,
    InversionProfile,
    InversionProgress,
    MatchLevel,
    MatchMeasured,
    PreviewReady,
    ResultReady,
    StateChanged,
)
from bridge_client.transport import HttpTransport
from tests.bridge_client.loopback_bridge import LoopbackBridge, succeed_at_once
from tests.bridge_client.polling import (
    PAUSE,
    WAIT_S,
    drain_until,
    is_final,
    is_kind,
    only,
    states,
)


def drag_waits(job):
    """Inversion succeeds, the drag makes one step and then waits for the test."""
    if job.request["kind"] == "invert":
        succeed_at_once(job)
        return
    job.push("state", state="running")
    job.push("drag-progress", step_index=0, step_budget=9, handles_canvas=[], distance_px=5.0)


def test_an_edit_goes_all_the_way_to_the_layer(bridge, worker, request_4px):
    worker.start(request_4px)
    events = drain_until(worker, is_final)
    ready = only(events, ResultReady)
    assert ready.reason == "reached"
    assert ready.result.bounds_canvas == Bounds(11, 21, 2, 2)
    assert ready.result.pixel_order == "bgra8"
    assert only(events, PreviewReady).jpeg == b"jpeg"
    assert only(events, InversionProgress).loss == 0.5
    assert only(events, DragProgress).distance_px == 0.0


def test_the_profile_goes_with_the_inversion_and_another_one_finds_the_picture_anew(
    bridge, worker, request_4px
):
    worker.check(request_4px)
    drain_until(worker, is_final)
    worker.start(replace(request_4px, profile=InversionProfile.BALANCED))
    drain_until(worker, is_final)
    profiles = [bridge.job_of_kind("invert", number).request["profile"] for number in (0, 1)]
    assert profiles == ["fast", "balanced"]


def test_the_match_comes_before_the_drag_whether_the_picture_is_found_now_or_was(
    bridge, worker, request_4px
):
    worker.check(request_4px)
    found = drain_until(worker, is_final)
    worker.start(request_4px)
    was_found = drain_until(worker, is_final)
    assert only(found, MatchMeasured).match.level is MatchLevel.POOR
    assert only(was_found, MatchMeasured) == only(found, MatchMeasured)
    dragging = StateChanged(EditState.DRAGGING)
    assert was_found.index(only(was_found, MatchMeasured)) < was_found.index(dragging)


def test_the_states_come_in_order(worker, request_4px):
    worker.start(request_4px)
    assert states(drain_until(worker, is_final)) == [
        EditState.CONNECTING,
        EditState.SENDING,
        EditState.INVERTING,
        EditState.DRAGGING,
        EditState.FETCHING,
        EditState.DONE,
    ]


def test_the_bridge_gets_the_window_the_mask_and_the_pairs(bridge, worker, request_4px):
    worker.start(request_4px)
    drain_until(worker, is_final)
    session = next(iter(bridge.sessions.values())).request
    assert session["bounds_canvas"] == {"x": 10, "y": 20, "width": 4, "height": 4}
    assert bridge.blobs[session["editable_mask"]["sha256"]] == request_4px.mask
    pair = bridge.job_of_kind("drag").request["pairs"][0]
    assert pair == {"handle": {"x": 11, "y": 21}, "target": {"x": 13, "y": 21}}


def test_the_session_stays_open_until_the_worker_is_closed(bridge, worker, request_4px):
    worker.start(request_4px)
    drain_until(worker, is_final)
    assert bridge.deleted_sessions == []
    worker.close(WAIT_S)
    assert bridge.deleted_sessions == list(bridge.sessions)


def test_one_worker_makes_one_edit_after_another(bridge, worker, request_4px):
    for _ in range(2):
        worker.start(request_4px)
        assert only(drain_until(worker, is_final), ResultReady)
    first, _ = bridge.sessions
    assert bridge.deleted_sessions == [first]


def test_a_second_start_is_refused_while_an_edit_runs(bridge, worker, request_4px):
    bridge.script = drag_waits
    worker.start(request_4px)
    with pytest.raises(ClientError, match="already running"):
        worker.start(request_4px)


def test_cancel_keeps_the_best_so_far(bridge, worker, request_4px):
    bridge.script = drag_waits
    worker.start(request_4px)
    drain_until(worker, is_kind(DragProgress))
    worker.cancel()
    job = bridge.job_of_kind("drag")
    job.wait_for(lambda: job.cancel_count == 1)
    job.end("cancelled", end_reason="cancelled", has_result=True)
    events = drain_until(worker, is_final)
    assert only(events, ResultReady).reason == "cancelled"
    assert states(events) == [EditState.CANCELLING, EditState.FETCHING, EditState.CANCELLED]


def test_cancel_pressed_again_and_again_is_one_cancel(bridge, worker, request_4px):
    bridge.script = drag_waits
    worker.start(request_4px)
    drain_until(worker, is_kind(DragProgress))
    worker.cancel()
    job = bridge.job_of_kind("drag")
    job.wait_for(lambda: job.cancel_count == 1)
    for _ in range(20):
        worker.cancel()
        PAUSE.wait(0.005)
    job.end("cancelled", has_result=True)
    assert only(drain_until(worker, is_final), ResultReady).reason == "cancelled"
    assert job.cancel_count == 1


def test_cancel_takes_the_stream_up_where_it_was(bridge, worker, request_4px):
    bridge.script = drag_waits
    worker.start(request_4px)
    drain_until(worker, is_kind(DragProgress))
    worker.cancel()
    job = bridge.job_of_kind("drag")
    job.wait_for(lambda: job.cancel_count == 1)
    job.end("cancelled")
    assert states(drain_until(worker, is_final))[-1] is EditState.CANCELLED
    assert bridge.last_event_ids[-1] == "2"


def test_cancel_during_the_inversion_makes_no_layer(bridge, worker, request_4px):
    bridge.script = lambda job: job.push("state", state="running")
    worker.start(request_4px)
    drain_until(worker, lambda event: event == StateChanged(EditState.INVERTING))
    worker.cancel()
    job = bridge.job_of_kind("invert")
    job.wait_for(lambda: job.cancel_count == 1)
    job.end("cancelled", end_reason="cancelled")
    events = drain_until(worker, is_final)
    assert not [event for event in events if isinstance(event, ResultReady | Failed)]
    assert [job.request["kind"] for job in bridge.jobs.values()] == ["invert"]


def test_cancel_while_connecting_sends_nothing(bridge, client, request_4px):
    entered, released = threading.Event(), threading.Event()

    def connect():
        entered.set()
        released.wait(WAIT_S)
        return client

    worker = EditWorker(connect)
    worker.start(request_4px)
    assert entered.wait(WAIT_S)
    worker.cancel()
    released.set()
    assert states(drain_until(worker, is_final))[-1] is EditState.CANCELLED
    assert bridge.requests == []
    worker.close(WAIT_S)


def test_a_cancel_that_came_too_late_does_not_touch_the_next_edit(worker, request_4px):
    worker.start(request_4px)
    drain_until(worker, is_final)
    worker.cancel()
    worker.start(request_4px)
    assert only(drain_until(worker, is_final), ResultReady)


def test_a_lost_connection_is_taken_up_again(bridge, worker, request_4px):
    bridge.stream_cuts = [1, 2]
    worker.start(request_4px)
    events = drain_until(worker, is_final)
    assert only(events, ResultReady)
    assert len([event for event in events if isinstance(event, PreviewReady)]) == 1
    assert bridge.last_event_ids[:2] == [None, "1"]


def test_a_lost_reply_starts_no_second_job(bridge, worker, request_4px):
    bridge.lost_replies = 1
    worker.start(request_4px)
    assert only(drain_until(worker, is_final), ResultReady)
    asked = [each for each in bridge.requests if each.startswith("POST") and "jobs" in each]
    assert len(asked) == 3 and len(bridge.jobs) == 2


def test_a_bridge_that_vanishes_gets_a_sentence(request_4px):
    bridge = LoopbackBridge()
    bridge.script = drag_waits
    bridge.stream_cuts = [9, 2]
    client = BridgeClient(HttpTransport(bridge.port), bridge.token)
    worker = EditWorker(lambda: client)
    worker.start(request_4px)
    events = drain_until(worker, is_kind(DragProgress))
    bridge.close()
    events = drain_until(worker, is_final)
    assert "does not answer" in only(events, Failed).message
    assert states(events)[-1] is EditState.FAILED
    worker.close(WAIT_S)


def test_a_bridge_that_stops_says_so(bridge, worker, request_4px):
    bridge.script = lambda job: job.push("server-stopping")
    worker.start(request_4px)
    assert "stopped" in only(drain_until(worker, is_final), Failed).message


def test_a_job_that_fails_gives_the_bridges_sentence(bridge, worker, request_4px):
    problem = {"code": "out-of-vram", "title": "x", "status": 503, "detail": "Full.", "hint": "H."}
    bridge.script = lambda job: job.end("failed", problem=problem)
    worker.start(request_4px)
    assert only(drain_until(worker, is_final), Failed) == Failed("Full.", "H.")


def test_an_error_while_connecting_reaches_the_host(request_4px):
    def connect():
        raise ClientError("No bridge.", "Start it.")

    worker = EditWorker(connect)
    worker.start(request_4px)
    assert only(drain_until(worker, is_final), Failed) == Failed("No bridge.", "Start it.")
    worker.close(WAIT_S)


def test_our_own_mistake_reaches_the_host_and_the_log(request_4px, caplog):
    def connect():
        raise KeyError("secret detail")

    worker = EditWorker(connect)
    worker.start(request_4px)
    failed = only(drain_until(worker, is_final), Failed)
    assert "unexpected" in failed.message and "secret" not in failed.message
    assert "KeyError" in caplog.text
    worker.close(WAIT_S)


def test_close_stops_a_running_job_and_does_not_wait_for_it(bridge, worker, request_4px):
    bridge.script = drag_waits
    worker.start(request_4px)
    drain_until(worker, is_kind(DragProgress))
    worker.close(WAIT_S)
    assert bridge.job_of_kind("drag").cancel_count == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "draglayer"]


def test_close_never_hangs_on_a_bridge_that_does(request_4px):
    released = threading.Event()

    def connect():
        released.wait(WAIT_S)
        raise ClientError("Too late.")

    worker = EditWorker(connect)
    worker.start(request_4px)
    started_s = time.monotonic()
    worker.close(0.05)
    assert time.monotonic() - started_s < 2.0
    released.set()
    worker.close(WAIT_S)


def test_a_closed_worker_starts_nothing(request_4px):
    worker = EditWorker(lambda: pytest.fail("must not connect"))
    worker.close()
    with pytest.raises(ClientError, match="closing"):
        worker.start(request_4px)


def test_a_host_that_does_not_poll_keeps_only_the_latest_news(bridge, worker, request_4px):
    def many_steps(job):
        for step in range(200):
            if job.request["kind"] == "drag":
                job.push(
                    "drag-progress",
                    step_index=step,
                    step_budget=200,
                    handles_canvas=[],
                    distance_px=1.0,
                )
        succeed_at_once(job)

    bridge.script = many_steps
    worker.start(request_4px)
    while worker.is_busy:
        PAUSE.wait(0.005)
    drained = drain_until(worker, is_final)
    assert only(drained, DragProgress).step_budget == 2


def test_no_token_is_logged_or_told(bridge, worker, request_4px, caplog):
    caplog.set_level("DEBUG")
    worker.start(request_4px)
    events = drain_until(worker, is_final)
    assert bridge.token not in caplog.text + repr(events) + repr(vars(worker))
