import pytest

from bridge_client import (
    Bounds,
    EditRequest,
    EditState,
    InputProblem,
    Point,
    PointPair,
    ResultForm,
)

GOOD = {
    "window_canvas": Bounds(0, 0, 2, 2),
    "pixels": bytes(16),
    "pixel_order": "rgba8",
    "pairs": (PointPair(Point(0, 0), Point(1, 1)),),
}


@pytest.mark.parametrize(
    "change",
    [
        {"window_canvas": Bounds(0, 0, 0, 2)},
        {"pixels": bytes(15)},
        {"mask": bytes(5)},
        {"pairs": ()},
        {"pairs": GOOD["pairs"] * 257},
    ],
    ids=str,
)
def test_a_request_that_exists_is_legal(change):
    EditRequest(**GOOD)
    with pytest.raises(ValueError):
        EditRequest(**{**GOOD, **change})


MASK = b"\0\xff\xff\xff"  # of a 2 x 2 window: nothing may move in its first pixel


def test_an_arrow_may_not_begin_outside_the_selection():
    outside = GOOD["window_canvas"].x + 0.5, GOOD["window_canvas"].y + 0.5
    pair = PointPair(Point(*outside), GOOD["pairs"][0].target)
    with pytest.raises(InputProblem, match="lies outside the selection") as caught:
        EditRequest(**{**GOOD, "mask": MASK, "pairs": (pair,)})
    assert "select more" in caught.value.hint
    EditRequest(**{**GOOD, "mask": MASK, "pairs": (PointPair(pair.handle, pair.handle),)})


def test_an_arrow_that_begins_on_the_far_edge_begins_inside():
    window = GOOD["window_canvas"]
    corner = Point(window.right, window.bottom)
    EditRequest(**{**GOOD, "mask": MASK, "pairs": (PointPair(corner, Point(0.5, 0.5)),)})


@pytest.mark.parametrize(
    ("column", "row", "is_inside"),
    [(2, 1, True), (1, 2, True), (2, 2, True), (2.01, 1, False), (1, 2.01, False), (0, 1, False)],
)
def test_an_arrow_may_begin_on_the_edge_of_the_selection(column, row, is_inside):
    window = Bounds(10, 20, 3, 3)
    middle = bytes((0, 0, 0, 0, 255, 0, 0, 0, 0))
    pair = PointPair(Point(window.x + column, window.y + row), Point(11.5, 20.5))
    given = {**GOOD, "window_canvas": window, "pixels": bytes(36), "mask": middle, "pairs": (pair,)}
    if is_inside:
        EditRequest(**given)
    else:
        with pytest.raises(InputProblem, match="lies outside the selection"):
            EditRequest(**given)


def test_a_request_of_another_form_has_another_source():
    patch = EditRequest(**GOOD)
    assert patch.has_source_of(EditRequest(**GOOD))
    assert not patch.has_source_of(EditRequest(**GOOD, result_form=ResultForm.REPLACEMENT))


def test_a_request_knows_what_it_sent_of_a_part():
    request = EditRequest(**{**GOOD, "pixels": bytes(range(16))})
    assert request.pixels_in(Bounds(1, 0, 1, 2)) == bytes((4, 5, 6, 7, 12, 13, 14, 15))


def test_pixels_do_not_show():
    shown = repr(EditRequest(**GOOD, mask=b"\xff" * 4))
    assert "x00" not in shown and "xff" not in shown


def test_four_states_are_at_rest():
    at_rest = {state for state in EditState if not state.is_busy}
    assert at_rest == {EditState.IDLE, EditState.DONE, EditState.CANCELLED, EditState.FAILED}
