"""The edit that stays open: further drags, the history, and a bridge that is lost meanwhile."""

import dataclasses

import pytest

from bridge_client import (
    BridgeClient,
    ClientError,
    DragProgress,
    EditState,
    EditWorker,
    Failed,
    HandlesChecked,
    HistoryChanged,
    LaunchFailed,
    Point,
    PointPair,
    ResultReady,
    StateChanged,
)
from bridge_client.transport import HttpTransport
from tests.bridge_client.loopback_bridge import LoopbackBridge, succeed_at_once
from tests.bridge_client.polling import WAIT_S, drain_until, is_final, is_kind, only, states

PAIRS = (PointPair(Point(11, 21), Point(13, 21)),)


@pytest.fixture
def edited(bridge, worker, request_4px):
    """An edit with one drag, which is over."""
    worker.start(request_4px)
    drain_until(worker, is_final)
    return worker


def kinds(bridge):
    return [job.request["kind"] for job in bridge.jobs.values()]


def test_an_edit_tells_where_its_history_stands(worker, request_4px):
    worker.start(request_4px)
    history = only(drain_until(worker, is_final), HistoryChanged).history
    assert (history.undo_depth, history.redo_depth) == (1, 0)


def test_a_further_drag_goes_on_in_the_same_session(bridge, edited):
    edited.drag_on(PAIRS, step_budget=7)
    events = drain_until(edited, is_final)
    assert only(events, ResultReady).reason == "reached"
    assert only(events, HistoryChanged).history.undo_depth == 2
    assert kinds(bridge) == ["invert", "drag", "drag"]
    assert bridge.job_of_kind("drag", 1).request["step_budget"] == 7


def test_undo_and_redo_give_the_layer_that_is_shown(edited):
    for ask, depths in ((edited.undo, (0, 1)), (edited.redo, (1, 0))):
        ask()
        events = drain_until(edited, is_final)
        assert only(events, ResultReady).reason == "shown"
        assert states(events)[-2:] == [EditState.FETCHING, EditState.DONE]
        history = only(events, HistoryChanged).history
        assert (history.undo_depth, history.redo_depth) == depths


def test_show_asks_for_position_and_amount(bridge, edited):
    edited.show(position=3, amount=1.25)
    drain_until(edited, is_final)
    request = bridge.job_of_kind("show").request
    assert (request["position"], request["amount"]) == (3, 1.25)


def test_of_many_shows_the_first_and_the_latest_are_made(bridge, edited):
    bridge.script = runs_for_ever
    edited.show(position=0)
    first = bridge.job_of_kind("show")
    for position in range(1, 5):
        edited.show(position=position)
    edited.show(amount=0.5)
    bridge.script = succeed_at_once
    first.end("succeeded", has_result=True)
    latest = bridge.job_of_kind("show", 1).request
    assert (latest["position"], latest["amount"]) == (4, 0.5)
    events = drain_until(edited, is_final)
    assert not edited.is_busy
    assert kinds(bridge).count("show") == 2
    assert states(events).count(EditState.DONE) == 1


def runs_for_ever(job):
    job.push("state", state="running")


def test_other_commands_wait_for_no_one(bridge, edited):
    bridge.script = runs_for_ever
    edited.show(position=1)
    for ask in (edited.undo, edited.redo, lambda: edited.drag_on(PAIRS)):
        with pytest.raises(ClientError, match="already running"):
            ask()


def test_there_is_nothing_to_undo_without_an_edit(worker):
    worker.undo()
    assert "no open edit" in only(drain_until(worker, is_final), Failed).message


def test_another_layer_begins_a_new_session(bridge, edited, request_4px):
    edited.undo()
    drain_until(edited, is_final)
    edited.start(dataclasses.replace(request_4px, pixels=b"\x01" * 64))
    drain_until(edited, is_final)
    assert len(bridge.sessions) == 2 and len(bridge.deleted_sessions) == 1


def test_the_same_layer_untouched_is_not_sent_and_inverted_again(bridge, edited, request_4px):
    edited.undo()
    drain_until(edited, is_final)
    edited.start(request_4px)
    drain_until(edited, is_final)
    assert kinds(bridge) == ["invert", "drag", "undo", "drag"]
    assert len(bridge.sessions) == 1


def test_a_check_tells_its_hints_and_the_start_goes_on_from_there(bridge, worker, request_4px):
    worker.check(request_4px)
    events = drain_until(worker, is_final)
    (hint,) = only(events, HandlesChecked).hints
    assert (hint.is_trackable, hint.best_confidence) == (False, 0.8)
    assert states(events)[-2:] == [EditState.CHECKING, EditState.DONE]
    worker.start(request_4px)
    drain_until(worker, is_final)
    assert kinds(bridge) == ["invert", "check", "drag"]


# A bridge that goes.


def written_down(job):
    """Everything succeeds, and the bridge writes the session down after each job."""
    job.push("state", state="running")
    if job.request["kind"] != "invert":
        job.push("preview", etag='"1"')
    job.session.after(job.request["kind"])
    job.write_down()
    has_result = job.request["kind"] != "invert"
    job.push("end", state="succeeded", end_reason="reached", has_result=has_result)


class TwoBridges:
    """One bridge after the other: the second is found once the first is lost."""

    def __init__(self):
        self.first, self.second = LoopbackBridge(), LoopbackBridge(token="u" * 43)
        self.first.script = written_down
        self.current = self.first
        self.worker = EditWorker(self.connect)

    def connect(self):
        return BridgeClient(HttpTransport(self.current.port), self.current.token)

    def lose_first(self):
        self.current = self.second
        self.first.close()

    def close(self):
        self.worker.close(WAIT_S)
        for bridge in (self.first, self.second):
            bridge.close()


@pytest.fixture
def bridges():
    both = TwoBridges()
    yield both
    both.close()


@pytest.fixture
def lost(bridges, request_4px):
    """An edit with one drag, whose bridge is lost while it waits for more."""
    bridges.worker.start(request_4px)
    drain_until(bridges.worker, is_final)
    bridges.lose_first()
    return bridges


def test_what_was_asked_of_a_lost_bridge_is_done_by_the_next(lost, request_4px):
    lost.worker.show(amount=0.5)
    events = drain_until(lost.worker, is_final)
    assert only(events, ResultReady).reason == "shown"
    (session,) = lost.second.sessions.values()
    snapshot = lost.second.blobs[session.request["snapshot"]]
    assert snapshot == b"snapshot 2 of " + b"0" * 32
    assert lost.second.blobs[session.request["image"]["sha256"]] == request_4px.pixels


def test_a_further_drag_that_had_not_begun_is_made_by_the_next_bridge(lost):
    lost.worker.drag_on(PAIRS)
    assert only(drain_until(lost.worker, is_final), ResultReady).reason == "reached"
    assert kinds(lost.second) == ["drag"]


def test_a_drag_that_was_under_way_is_not_made_again_but_shown_as_written_down(
    bridges, request_4px
):
    def drags_for_ever(job):
        if job.request["kind"] == "invert":
            written_down(job)
            return
        job.push("state", state="running")
        job.push("drag-progress", step_index=3, step_budget=9, handles_canvas=[], distance_px=1.0)

    bridges.first.script = drags_for_ever
    bridges.second.script = shows_one_drag
    bridges.first.stream_cuts = [9, 2]
    bridges.worker.start(request_4px)
    drain_until(bridges.worker, is_kind(DragProgress))
    bridges.lose_first()
    events = drain_until(bridges.worker, is_final)
    assert only(events, ResultReady).reason == "restored"
    assert states(events)[-1] is EditState.DONE
    assert kinds(bridges.second) == ["show"]


def test_an_undo_that_the_lost_bridge_had_taken_is_not_made_twice(bridges, request_4px):
    bridges.worker.start(request_4px)
    drain_until(bridges.worker, is_final)
    bridges.first.script = undone_and_silent
    bridges.first.stream_cuts = [2]
    bridges.worker.undo()
    bridges.first.job_of_kind("undo").wait_for(lambda: not bridges.first.stream_cuts)
    bridges.lose_first()
    assert only(drain_until(bridges.worker, is_final), ResultReady).reason == "restored"
    assert kinds(bridges.second) == ["show"]


def undone_and_silent(job):
    job.push("state", state="running")
    job.session.after("undo")
    job.write_down()


def shows_one_drag(job):
    job.session.drags = [True]
    succeed_at_once(job)


def device_lost(job):
    """The inversion is written down; then the device is lost in the drag's first step."""
    if job.request["kind"] == "invert":
        return written_down(job)
    problem = {"code": "device-lost", "title": "x", "status": 500, "detail": "Lost.", "hint": "H."}
    job.push("state", state="running")
    return job.end("failed", problem=problem)


def test_a_lost_device_leaves_the_picture_found_in_the_model(bridges, request_4px):
    bridges.first.script = device_lost
    bridges.worker.start(request_4px)
    bridges.first.job_of_kind("drag")
    bridges.current = bridges.second
    events = drain_until(bridges.worker, is_final)
    assert "lost in the middle" in only(events, Failed).message
    bridges.worker.start(request_4px)
    assert only(drain_until(bridges.worker, is_final), ResultReady)
    assert kinds(bridges.second) == ["show", "drag"]


def test_a_session_that_the_bridge_forgot_is_opened_again(bridge, edited):
    job = bridge.job_of_kind("drag")
    job.write_down()
    bridge.script = written_down
    edited.drag_on(PAIRS)
    drain_until(edited, is_final)
    bridge.lost_sessions = set(bridge.sessions)
    edited.undo()
    assert only(drain_until(edited, is_final), ResultReady).reason == "shown"
    assert len(bridge.sessions) == 2


def test_a_bridge_that_was_stopped_is_not_started_against_the_artists_will(bridges, request_4px):
    bridges.worker.start(request_4px)
    drain_until(bridges.worker, is_final)
    bridges.first.script = lambda job: job.push("server-stopping")
    bridges.worker.drag_on(PAIRS)
    assert "stopped" in only(drain_until(bridges.worker, is_final), Failed).message
    assert len(bridges.first.sessions) == 1


def test_a_bridge_that_cannot_be_started_again_is_told_once(lost, request_4px):
    tries = []

    def connect():
        tries.append(1)
        raise LaunchFailed("The bridge stopped while it was starting.", "Look at it.")

    lost.worker._edit._connect = connect
    lost.worker.undo()
    failed = only(drain_until(lost.worker, is_final), Failed)
    assert failed.message == "The bridge stopped while it was starting." and len(tries) == 1


def test_an_edit_that_was_never_written_down_fails_with_its_bridge(bridges, request_4px):
    bridges.first.script = succeed_at_once
    bridges.worker.start(request_4px)
    drain_until(bridges.worker, is_final)
    bridges.lose_first()
    bridges.worker.undo()
    events = drain_until(bridges.worker, is_final)
    assert "does not answer" in only(events, Failed).message
    assert StateChanged(EditState.FAILED) in events
