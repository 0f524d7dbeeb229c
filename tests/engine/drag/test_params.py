import dataclasses

import pytest

from engine.drag.params import DragParams


def test_the_radii_are_the_papers_at_512_px():
    params = DragParams()
    px_at_512 = 4.0  # a map of 128 px under an image of 512 px
    assert params.supervision_radius * px_at_512 == 3.0
    assert params.tracking_radius * px_at_512 == 12.0
    assert params.sample_spacing * px_at_512 == 1.0


def test_a_handle_is_searched_well_beyond_where_a_step_may_take_it():
    params = DragParams()
    assert 2.0 * params.step_length <= params.tracking_radius


@pytest.mark.parametrize(
    "name",
    sorted({f.name for f in dataclasses.fields(DragParams)} - {"change_weight", "mask_weight"}),
)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_length_rate_or_count_is_above_zero(name, value):
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        DragParams(**{name: value})


@pytest.mark.parametrize("name", ["change_weight", "mask_weight"])
def test_a_change_may_cost_nothing_but_not_less(name):
    assert getattr(DragParams(**{name: 0.0}), name) == 0.0
    with pytest.raises(ValueError, match="must not be below 0"):
        DragParams(**{name: -0.1})
