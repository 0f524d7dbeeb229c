"""What a drag and a check tell of points, and what is said of it."""

import pytest

from bridge_client import DragProgress, HandleHint, PairMark, Point, PointPair
from bridge_client.marks import LEAST_SURE, PointBook, check_text, lost_text

LEFT = PointPair(Point(10, 10), Point(15, 10))
RIGHT = PointPair(Point(30, 10), Point(25, 10))
PIN = PointPair(Point(20, 40), Point(20, 40))


def hint(*, is_trackable, best):
    return HandleHint(
        confidence=0.5, is_trackable=is_trackable, best_place_canvas=best, best_confidence=0.8
    )


@pytest.fixture
def book():
    """One that knows where both handles of a drag are."""
    begun = PointBook()
    begun.begin_drag((LEFT, RIGHT))
    begun.track(DragProgress(1, 9, (Point(11, 10), Point(29, 10)), 4.0, (0.9, LEAST_SURE / 2)))
    return begun


def places(book, *pairs, is_dragged=True):
    return [mark.handle for mark in book.marks(pairs, is_dragged=is_dragged)]


def test_a_handle_lies_where_it_was_tracked_and_else_where_it_was_drawn(book):
    assert places(book, LEFT, PIN, RIGHT) == [Point(11, 10), PIN.handle, Point(29, 10)]
    assert places(book, LEFT, is_dragged=False) == [LEFT.handle]


def test_a_handle_that_was_hardly_found_is_not_sure(book):
    marks = book.marks((LEFT, PIN, RIGHT), is_dragged=True)
    assert [mark.is_sure for mark in marks] == [True, True, False]
    assert [mark.is_pin for mark in marks] == [False, True, False]


def test_an_engine_that_does_not_say_how_sure_it_is_is_believed(book):
    book.track(DragProgress(2, 9, (Point(12, 10), Point(28, 10)), 3.0))
    assert all(mark.is_sure for mark in book.marks((LEFT, RIGHT), is_dragged=True))


def test_steps_belong_to_the_pairs_of_their_revision(book):
    book.set_pairs((RIGHT, PIN), 2)
    book.track(DragProgress(3, 9, (Point(27, 10), Point(20, 41)), 2.0, pairs_revision=2))
    assert places(book, PIN, RIGHT) == [Point(20, 41), Point(27, 10)]
    book.track(DragProgress(4, 9, (Point(1, 1),), 2.0, pairs_revision=7))
    assert places(book, PIN, RIGHT) == [Point(20, 41), Point(27, 10)]


def test_another_drag_begins_where_it_is_drawn(book):
    book.check((LEFT,), (hint(is_trackable=False, best=Point(9, 9)),))
    book.begin_drag((LEFT,))
    (mark,) = book.marks((LEFT,), is_dragged=True)
    assert mark.handle == LEFT.handle and mark.is_sure


def test_a_check_marks_what_is_hard_to_follow_and_where_it_would_be_easier(book):
    hints = (
        hint(is_trackable=True, best=Point(9, 9)),
        hint(is_trackable=False, best=Point(31, 12)),
        hint(is_trackable=False, best=PIN.handle),
    )
    book.check((LEFT, RIGHT, PIN), hints)
    marks = book.marks((LEFT, RIGHT, PIN), is_dragged=False)
    assert [mark.is_sure for mark in marks] == [True, False, False]
    assert [mark.easier for mark in marks] == [None, Point(31, 12), None]
    assert check_text(marks) == (
        "The point at (30, 10) is hard to follow; one at (31, 12) would be easier. So is another."
    )
    assert book.is_checked((PIN, LEFT)) and not book.is_checked(()) and not book.is_checked([])
    assert not book.is_checked([PointPair(Point(1, 2), Point(3, 4))])


def mark(is_sure):
    return PairMark(handle=Point(3, 4), target=Point(5, 6), is_pin=False, is_sure=is_sure)


@pytest.mark.parametrize(
    ("marks", "text"),
    [
        ([], ""),
        ([mark(True)], ""),
        ([mark(True), mark(False)], "The point now at (3, 4) may be lost."),
        ([mark(False)] * 2, "The point now at (3, 4) may be lost. So may another."),
        ([mark(False)] * 4, "The point now at (3, 4) may be lost. So may 3 others."),
    ],
)
def test_points_that_may_be_lost_are_told(marks, text):
    assert lost_text(marks) == text


def test_what_can_be_followed_is_told_too():
    assert check_text([mark(True)]) == "Every point can be followed."
