"""What the main thread asks of an edit that runs."""

import pytest

from bridge_client import Point, PointPair
from bridge_client.follow import EditSignal, SetPaused
from bridge_client.messages import SetPairs

PAIRS = [SetPairs(pairs=(PointPair(Point(1, 1), Point(x, 1)),)) for x in (2, 3)]


class Stream:
    """Counts how often it is woken."""

    def __init__(self):
        self.aborts = 0

    def abort(self):
        self.aborts += 1


def test_of_changes_of_one_kind_the_latest_counts():
    signal = EditSignal()
    for change in (SetPaused(True), PAIRS[0], SetPaused(False), PAIRS[1]):
        signal.ask(change)
    assert signal.take_changes() == [SetPaused(False), PAIRS[1]]
    assert signal.take_changes() == []


def test_what_was_asked_of_the_edit_before_is_forgotten():
    signal = EditSignal()
    signal.ask(PAIRS[0])
    signal.set()
    signal.clear()
    assert signal.take_changes() == [] and not signal.is_set


def test_a_close_is_never_forgotten():
    signal = EditSignal()
    signal.set(is_closing=True)
    signal.clear()
    assert signal.is_set and signal.is_closing


@pytest.mark.parametrize("ask", [lambda s: s.set(), lambda s: s.ask(PAIRS[0])])
def test_the_stream_that_is_read_is_woken(ask):
    signal, stream = EditSignal(), Stream()
    signal.watch(stream, has_cancelled=False)
    assert stream.aborts == 0
    ask(signal)
    assert stream.aborts == 1


@pytest.mark.parametrize("ask", [lambda s: s.set(), lambda s: s.ask(PAIRS[0])])
def test_a_stream_that_comes_later_than_the_asking_is_woken_at_once(ask):
    signal, stream = EditSignal(), Stream()
    ask(signal)
    signal.watch(stream, has_cancelled=False)
    assert stream.aborts == 1


def test_a_stream_that_tells_of_the_cancel_already_is_left_alone():
    signal, stream = EditSignal(), Stream()
    signal.set()
    signal.watch(stream, has_cancelled=True)
    signal.set()
    assert stream.aborts == 0


def test_a_stream_that_is_not_read_any_more_is_left_alone():
    signal, stream = EditSignal(), Stream()
    signal.watch(stream, has_cancelled=False)
    signal.unwatch()
    signal.ask(SetPaused(True))
    assert stream.aborts == 0
