"""What the host asks of an edit that runs: pause, resume, other pairs."""

import pytest

from bridge_client import (
    ChangeRefused,
    DragProgress,
    EditState,
    InversionProgress,
    Point,
    PointPair,
    ResultReady,
    StateChanged,
)
from tests.bridge_client.loopback_bridge import succeed_at_once
from tests.bridge_client.polling import drain_until, is_final, is_kind, only

OTHER = PointPair(Point(12, 22), Point(12, 20))
PIN = PointPair(Point(11, 23), Point(11, 23))


def waits_in(*kinds):
    """A script: jobs of the kinds tell of one step and then wait for the test."""

    def script(job):
        if job.request["kind"] not in kinds:
            succeed_at_once(job)
            return
        job.push("state", state="running")
        if job.request["kind"] == "invert":
            job.push("inversion-progress", step_index=0, step_budget=9, loss=1.0)
        else:
            step = {"step_index": 0, "step_budget": 9, "distance_px": 5.0}
            job.push("drag-progress", handles_canvas=[], **step)

    return script


@pytest.fixture
def drag(bridge, worker, request_4px):
    """A drag that runs; the worker reads its stream."""
    bridge.script = waits_in("drag")
    worker.start(request_4px)
    drain_until(worker, is_kind(DragProgress))
    return bridge.job_of_kind("drag")


def wait_asked(job, count):
    job.wait_for(lambda: len(job.asked) == count)
    return job.asked[-1]


def test_pause_and_resume_go_to_the_bridge(worker, drag):
    worker.pause()
    assert wait_asked(drag, 1) == ("pause", {})
    drag.push("state", state="paused")
    drain_until(worker, lambda event: event == StateChanged(EditState.PAUSED))
    worker.resume()
    assert wait_asked(drag, 2) == ("resume", {})
    drag.push("state", state="running")
    drain_until(worker, lambda event: event == StateChanged(EditState.DRAGGING))


def test_pairs_go_to_the_bridge_and_the_edit_goes_on(bridge, worker, drag):
    worker.set_pairs([OTHER, PIN])
    name, body = wait_asked(drag, 1)
    assert (name, len(body["pairs"])) == ("pairs", 2)
    assert body["pairs"][0]["target"] == {"x": 12, "y": 20}
    drag.end("succeeded", end_reason="reached", has_result=True)
    assert only(drain_until(worker, is_final), ResultReady).reason == "reached"
    assert bridge.last_event_ids[-1] == "2"


def test_of_pairs_that_follow_quickly_the_latest_arrives(worker, drag):
    for step in range(100):
        worker.set_pairs([PointPair(Point(11, 21), Point(11, 21 + step / 100))])
    drag.wait_for(lambda: drag.asked[-1:] and drag.asked[-1][1]["pairs"][0]["target"]["y"] > 21.98)
    assert len(drag.asked) <= 100


def test_pairs_set_during_the_inversion_are_those_of_the_drag(bridge, worker, request_4px):
    bridge.script = waits_in("invert")
    worker.start(request_4px)
    drain_until(worker, is_kind(InversionProgress))
    worker.set_pairs([OTHER])
    bridge.job_of_kind("invert").end("succeeded")
    drain_until(worker, is_final)
    (pair,) = bridge.job_of_kind("drag").request["pairs"]
    assert pair["handle"] == {"x": 12, "y": 22}


def test_an_inversion_can_be_paused(bridge, worker, request_4px):
    bridge.script = waits_in("invert")
    worker.start(request_4px)
    drain_until(worker, is_kind(InversionProgress))
    worker.pause()
    assert wait_asked(bridge.job_of_kind("invert"), 1) == ("pause", {})


def test_a_pause_that_meets_the_end_of_the_inversion_holds_the_drag(bridge, worker, request_4px):
    bridge.script = waits_in("invert", "drag")
    worker.start(request_4px)
    drain_until(worker, is_kind(InversionProgress))
    inversion = bridge.job_of_kind("invert")
    inversion.refusal = "This job has ended."
    worker.pause()
    inversion.end("succeeded")
    assert wait_asked(bridge.job_of_kind("drag"), 1) == ("pause", {})
    assert not any(isinstance(event, ChangeRefused) for event in worker.drain())


def test_an_inversion_that_was_paused_and_resumed_leaves_the_drag_alone(
    bridge, worker, request_4px
):
    bridge.script = waits_in("invert", "drag")
    worker.start(request_4px)
    drain_until(worker, is_kind(InversionProgress))
    inversion = bridge.job_of_kind("invert")
    for count, ask in enumerate((worker.pause, worker.resume), start=1):
        ask()
        wait_asked(inversion, count)
    inversion.end("succeeded")
    drain_until(worker, is_kind(DragProgress))
    assert bridge.job_of_kind("drag").asked == []


def test_a_change_that_the_bridge_refuses_is_told_and_the_edit_goes_on(worker, drag):
    drag.refusal = "This job waits."
    worker.pause()
    refused = only(drain_until(worker, is_kind(ChangeRefused)), ChangeRefused)
    assert refused == ChangeRefused("This job waits.", "Hint.")
    drag.end("succeeded", end_reason="reached", has_result=True)
    assert only(drain_until(worker, is_final), ResultReady)


def test_what_is_asked_without_an_edit_does_nothing(bridge, worker, request_4px):
    for ask in (worker.pause, worker.resume, lambda: worker.set_pairs([OTHER])):
        ask()
    worker.start(request_4px)
    drain_until(worker, is_final)
    assert all(job.asked == [] for job in bridge.jobs.values())
    assert bridge.job_of_kind("drag").request["pairs"][0]["handle"] == {"x": 11, "y": 21}


@pytest.mark.parametrize("pairs", [[], [PIN] * 257])
def test_pairs_that_no_drag_takes_are_refused_at_once(worker, pairs):
    with pytest.raises(ValueError):
        worker.set_pairs(pairs)


def test_a_cancel_after_a_pause_ends_the_edit(worker, drag):
    worker.pause()
    wait_asked(drag, 1)
    worker.cancel()
    drag.wait_for(lambda: drag.cancel_count == 1)
    drag.end("cancelled", end_reason="cancelled", has_result=True)
    assert only(drain_until(worker, is_final), ResultReady).reason == "cancelled"
