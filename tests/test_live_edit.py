"""The real client against the real server: changes while it drags, the history, a lost bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bridge_client import (
    Bounds,
    BridgeClient,
    DragProgress,
    EditControls,
    EditModel,
    EditRequest,
    EditState,
    EditWorker,
    Extent,
    Failed,
    HandlesChecked,
    HistoryChanged,
    InversionProgress,
    PairsTaken,
    Point,
    PointPair,
    PreviewReady,
    ResultReady,
    StateChanged,
)
from bridge_server.engine_port import EngineFailure
from tests.bridge_client.polling import drain_until, is_final, is_kind, only
from tests.fakes.bridge import RunningBridge
from tests.fakes.engine import PATIENCE_S, FakeEngine, StepGate, fake_result

PAIR = PointPair(Point(2.5, 3.0), Point(5.5, 3.0))
PIN = PointPair(Point(1.0, 1.0), Point(1.0, 1.0))
REQUEST = EditRequest(
    window_canvas=Bounds(0, 0, 8, 8),
    pixels=bytes(range(256)),
    pixel_order="bgra8",
    pairs=(PAIR,),
)
UP_TO_SECOND_UPDATE = 6  # three steps of the inversion, the picture before the drag, two updates

StartBridge = Callable[..., RunningBridge]


class Host:
    """A worker on whichever bridge runs now."""

    def __init__(self, bridge: RunningBridge) -> None:
        self.bridge = bridge
        self.worker = EditWorker(lambda: BridgeClient.prove(self.bridge.record))

    def finish(self) -> list[object]:
        """The events up to the command's end."""
        return list(drain_until(self.worker, is_final))


@pytest.fixture
def host(live_bridge: RunningBridge) -> Iterator[Host]:
    host = Host(live_bridge)
    yield host
    host.worker.close(10.0)


def drag_to_second_update(host: Host, engine: FakeEngine) -> None:
    engine.gate = StepGate()
    host.worker.start(REQUEST)
    engine.gate.allow(UP_TO_SECOND_UPDATE)
    drain_until(host.worker, lambda event: is_kind(DragProgress)(event) and event.step_index == 2)
    engine.gate.wait_waiting()


def test_an_edit_is_paused_changed_and_resumed(host: Host, engine: FakeEngine) -> None:
    drag_to_second_update(host, engine)
    host.worker.pause()
    drain_until(host.worker, lambda event: event == StateChanged(EditState.PAUSED))
    host.worker.set_pairs([PAIR, PIN])
    drain_until(host.worker, lambda event: event == PairsTaken((PAIR, PIN), 1))
    host.worker.resume()
    drain_until(host.worker, lambda event: event == StateChanged(EditState.DRAGGING))
    engine.gate.allow(2)
    told = drain_until(
        host.worker, lambda event: is_kind(DragProgress)(event) and event.pairs_revision == 1
    )
    assert len(told[-1].handles_canvas) == len(told[-1].confidences) == 2
    engine.gate.open()
    assert only(host.finish(), ResultReady).reason == "reached"


def test_the_buttons_lead_through_an_edit_and_on_from_it(host: Host, engine: FakeEngine) -> None:
    model = EditModel()
    controls = EditControls(model, host.worker)
    window = REQUEST.window_canvas
    model.set_source(canvas=Extent(8, 8), layer_content=window, selection=window)
    model.set_pairs(REQUEST.pairs)

    def finish() -> None:
        for event in host.finish():
            model.apply(event)

    host.worker.start(REQUEST)
    model.mark_started()
    finish()
    assert model.status_text == f"{engine.script.match.sentence}\nThe points have arrived."
    controls.show_amount(0.5)
    finish()
    assert model.history.amount == 0.5
    model.mark_inserted()

    model.set_pairs([PointPair(PAIR.target, PAIR.handle)])
    controls.drag_on(None)
    finish()
    assert model.history.undo_depth == 2 and model.can_insert
    for _ in range(2):
        controls.undo()
        finish()
    assert model.history.redo_depth == 2 and not model.can_insert
    controls.redo()
    finish()
    assert model.can_insert and model.can_redo
    assert [session.inversions for session in engine.sessions] == [1]


def test_a_target_that_follows_the_pointer_leaves_no_stream_behind(
    start_bridge: StartBridge,
) -> None:
    engine = FakeEngine(gate=StepGate())
    host = Host(start_bridge(engine, max_streams=3))
    drag_to_second_update(host, engine)
    (job,) = host.bridge.server.bridge.jobs.active()
    after = 0
    for number in range(1, 31):
        host.worker.set_pairs([PointPair(PAIR.handle, Point(5.5, 3.0 + number / 100))])
        while job.job.pairs_revision < number:
            after = job.log.read(after, timeout_s=PATIENCE_S)[0][-1].seq
    engine.gate.open()
    assert only(host.finish(), ResultReady).reason == "reached"
    host.worker.close(PATIENCE_S)


def test_undo_redo_and_show_give_preview_and_layer(host: Host, engine: FakeEngine) -> None:
    host.worker.start(REQUEST)
    host.finish()
    for ask, depths in ((host.worker.undo, (0, 1)), (host.worker.redo, (1, 0))):
        ask()
        events = host.finish()
        assert only(events, PreviewReady).jpeg
        assert (
            only(events, ResultReady).result.pixels == fake_result(engine.sessions[0].spec).pixels
        )
        history = only(events, HistoryChanged).history
        assert (history.undo_depth, history.redo_depth) == depths
    host.worker.show(position=2, amount=0.5)
    history = only(host.finish(), HistoryChanged).history
    assert (history.position, history.amount, history.last_position) == (2, 0.5, 5)


def test_what_cannot_be_undone_is_told_and_the_edit_stays_open(host: Host) -> None:
    host.worker.start(REQUEST)
    host.finish()
    host.worker.redo()
    assert "nothing to redo" in only(host.finish(), Failed).message
    host.worker.undo()
    assert only(host.finish(), ResultReady)


def test_handles_are_checked_before_the_drag(host: Host, engine: FakeEngine) -> None:
    host.worker.check(replace(REQUEST, pairs=(PAIR, PIN)))
    hints = only(host.finish(), HandlesChecked).hints
    assert [hint.is_trackable for hint in hints] == [True, False]
    host.worker.start(REQUEST)
    host.finish()
    assert [session.inversions for session in engine.sessions] == [1]


def test_handles_to_drag_on_are_checked_in_the_open_edit(host: Host, engine: FakeEngine) -> None:
    host.worker.start(REQUEST)
    before = only(host.finish(), HistoryChanged).history
    host.worker.check_on([PIN, PAIR])
    checked = only(host.finish(), HandlesChecked)
    assert checked.pairs == (PIN, PAIR)
    assert [hint.is_trackable for hint in checked.hints] == [False, True]
    host.worker.show()
    assert only(host.finish(), HistoryChanged).history == before
    assert [session.inversions for session in engine.sessions] == [1]


def test_pairs_that_are_set_before_the_drag_are_those_it_begins_with(
    host: Host, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    host.worker.start(REQUEST)
    drain_until(host.worker, lambda event: event == StateChanged(EditState.INVERTING))
    host.worker.set_pairs([PAIR, PIN])
    drain_until(host.worker, lambda event: event == PairsTaken((PAIR, PIN), 0))
    engine.gate.open()
    assert len(only(host.finish(), DragProgress).handles_canvas) == 2


def test_the_next_bridge_goes_on_where_the_last_one_stood(
    host: Host, start_bridge: StartBridge
) -> None:
    host.worker.start(REQUEST)
    host.finish()
    host.worker.show(position=3, amount=1.5)
    before = only(host.finish(), HistoryChanged).history
    host.bridge.stop()
    second = FakeEngine()
    host.bridge = start_bridge(second)
    host.worker.show()
    events = host.finish()
    assert only(events, ResultReady).reason == "shown"
    assert only(events, HistoryChanged).history == before
    assert [session.inversions for session in second.sessions] == [0]


def test_a_further_drag_on_the_next_bridge_needs_no_inversion(
    host: Host, start_bridge: StartBridge
) -> None:
    host.worker.start(REQUEST)
    host.finish()
    host.bridge.stop()
    second = FakeEngine()
    host.bridge = start_bridge(second)
    host.worker.drag_on((PAIR,))
    assert only(host.finish(), HistoryChanged).history.undo_depth == 2
    assert [session.inversions for session in second.sessions] == [0]


def test_a_drag_whose_device_is_lost_ends_with_what_was_written_down(
    host: Host, engine: FakeEngine, start_bridge: StartBridge
) -> None:
    engine.script.fail_drag = (4, EngineFailure("device-lost", "It stopped working."))
    drag_to_second_update(host, engine)
    (job,) = host.bridge.server.bridge.jobs.active()
    host.worker.pause()
    drain_until(host.worker, lambda event: event == StateChanged(EditState.PAUSED))
    engine.gate.open()
    drain_until(host.worker, lambda event: host.worker._edit._snapshot.count(b'"position": 3'))
    lost, host.bridge = host.bridge, start_bridge(FakeEngine())
    host.worker.resume()
    events = host.finish()
    assert only(events, ResultReady).reason == "restored"
    history = only(events, HistoryChanged).history
    assert (history.undo_depth, history.position) == (1, 3)
    assert not [each for each in events if is_kind(InversionProgress)(each)]
    lost.join()
