import pytest

from bridge_client import Bounds, EditRequest, EditState, Point, PointPair, ResultForm

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


def test_a_request_of_another_form_has_another_source():
    patch = EditRequest(**GOOD)
    assert patch.has_source_of(EditRequest(**GOOD))
    assert not patch.has_source_of(EditRequest(**GOOD, result_form=ResultForm.REPLACEMENT))


def test_a_request_knows_what_it_sent_of_a_part():
    request = EditRequest(**{**GOOD, "pixels": bytes(range(16))})
    assert request.pixels_in(Bounds(1, 0, 1, 2)) == bytes((4, 5, 6, 7, 12, 13, 14, 15))


def test_pixels_do_not_show():
    assert "x00" not in repr(EditRequest(**GOOD, mask=bytes(4)))


def test_four_states_are_at_rest():
    at_rest = {state for state in EditState if not state.is_busy}
    assert at_rest == {EditState.IDLE, EditState.DONE, EditState.CANCELLED, EditState.FAILED}
