"""What each button asks of the worker, and that one which came too late asks nothing."""

import pytest

from bridge_client import (
    Bounds,
    EditControls,
    EditModel,
    EditState,
    Extent,
    HistoryChanged,
    HistoryState,
    Point,
    PointPair,
    StateChanged,
)

PAIR = PointPair(Point(20, 20), Point(30, 20))
NEXT = PointPair(Point(40, 20), Point(30, 20))


class NotingWorker:
    """Notes the name and the arguments of every call."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def note(*arguments, **named):
            self.calls.append((name, *arguments, *named.values()))

        return note


@pytest.fixture
def worker():
    return NotingWorker()


@pytest.fixture
def model():
    ready = EditModel()
    ready.set_source(canvas=Extent(100, 80), layer_content=Bounds(0, 0, 100, 80), selection=None)
    ready.set_pairs([PAIR])
    return ready


@pytest.fixture
def controls(model, worker):
    return EditControls(model, worker)


def press_all(controls):
    controls.cancel()
    controls.toggle_pause()
    controls.drag_on(None)
    controls.undo()
    controls.redo()
    controls.show_amount(0.5)
    controls.show_position(2)
    controls.check_on()


def bring_to(model, state, **history):
    model.mark_started()
    model.apply(HistoryChanged(HistoryState(**history)))
    model.apply(StateChanged(state))


def test_before_an_edit_no_button_does_anything(controls, worker):
    press_all(controls)
    assert worker.calls == []


def test_of_a_drag_that_runs_there_is_a_pause_and_a_cancel(controls, model, worker):
    bring_to(model, EditState.DRAGGING, undo_depth=1, redo_depth=1)
    controls.toggle_pause()
    press_all(controls)
    assert worker.calls == [("pause",), ("cancel",)]
    assert model.state is EditState.CANCELLING


def test_a_paused_one_goes_on(controls, model, worker):
    bring_to(model, EditState.PAUSED)
    controls.toggle_pause()
    assert worker.calls == [("resume",)]


@pytest.mark.parametrize("way", ["undo", "redo"])
def test_the_way_through_the_history_is_shown_at_once_and_asked_once(controls, model, worker, way):
    bring_to(model, EditState.DONE, undo_depth=1, redo_depth=1)
    getattr(controls, way)()
    assert model.state is EditState.SHOWING
    press_all(controls)
    assert worker.calls[0] == (way,)
    assert [call[0] for call in worker.calls] == [way, "cancel"]


def test_a_slider_asks_as_often_as_it_is_moved(controls, model, worker):
    bring_to(model, EditState.DONE, undo_depth=1)
    for amount in (0.9, 0.6, 1.2):
        controls.show_amount(amount)
    assert worker.calls == [("show", 0.9), ("show", 0.6), ("show", 1.2)]


def test_a_further_drag_takes_the_pairs_that_are_drawn_now(controls, model, worker):
    bring_to(model, EditState.DONE, undo_depth=1)
    controls.drag_on(40)
    model.set_pairs([NEXT])
    controls.drag_on(40)
    assert worker.calls == [("drag_on", (NEXT,), 40)]
    assert model.is_busy


def test_the_way_is_gone_through_as_often_as_its_slider_is_moved(controls, model, worker):
    bring_to(model, EditState.DONE, undo_depth=1, last_position=9)
    for position in (5, 0, 9):
        controls.show_position(position)
    assert worker.calls == [("show", 5), ("show", 0), ("show", 9)]


def test_the_points_to_drag_on_are_looked_at_once(controls, model, worker):
    bring_to(model, EditState.DONE, undo_depth=1)
    controls.check_on()
    model.set_pairs([NEXT])
    controls.check_on()
    controls.check_on()
    assert worker.calls == [("check_on", (NEXT,))]
    assert model.is_busy


def test_a_drag_that_runs_goes_on_with_what_is_drawn_and_is_told_once(controls, model, worker):
    controls.set_pairs([NEXT])
    assert worker.calls == [] and model.pairs == (PAIR,)
    bring_to(model, EditState.DRAGGING)
    for _ in range(3):
        controls.set_pairs([PAIR, NEXT])
    assert worker.calls == [("set_pairs", (PAIR, NEXT))]


@pytest.mark.parametrize("pairs", [[], [PointPair(Point(1, 1), Point(1, 1))]])
def test_a_drag_that_runs_is_not_told_of_pairs_that_move_nothing(controls, model, worker, pairs):
    bring_to(model, EditState.DRAGGING)
    controls.set_pairs(pairs)
    assert worker.calls == []
