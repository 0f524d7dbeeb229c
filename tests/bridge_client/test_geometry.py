import math

import pytest

from bridge_client.geometry import (
    Bounds,
    Point,
    PointPair,
    bounds_of_points,
    canvas_to_frame,
    frame_to_canvas,
)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e12])
def test_a_point_is_finite_and_of_this_world(value):
    with pytest.raises(ValueError, match="finite"):
        Point(value, 0.0)


def test_a_point_is_made_of_numbers():
    with pytest.raises(TypeError, match="number"):
        Point("1", 0.0)


def test_a_pair_whose_target_is_its_handle_is_a_pin():
    assert PointPair(Point(1, 2), Point(1, 2)).is_pin
    assert not PointPair(Point(1, 2), Point(1, 3)).is_pin


@pytest.mark.parametrize("bad", [{"width": -1}, {"x": 1 << 30}])
def test_bounds_refuse_what_is_no_rectangle(bad):
    with pytest.raises(ValueError):
        Bounds(**{"x": 0, "y": 0, "width": 1, "height": 1, **bad})


def test_bounds_refuse_fractions():
    with pytest.raises(TypeError, match="whole"):
        Bounds(0, 0, 1.5, 1)


def test_bounds_hold_their_first_pixel_and_not_the_one_behind_their_last():
    bounds = Bounds(2, 3, 4, 5)
    assert bounds.contains(Point(2, 3)) and bounds.contains(Point(5.99, 7.99))
    assert not bounds.contains(Point(6, 3)) and not bounds.contains(Point(2, 8))


def test_union_holds_both_and_an_empty_one_adds_nothing():
    assert Bounds(0, 0, 2, 2).union(Bounds(5, 5, 1, 1)) == Bounds(0, 0, 6, 6)
    assert Bounds(9, 9, 0, 4).union(Bounds(5, 5, 1, 1)) == Bounds(5, 5, 1, 1)
    assert Bounds(5, 5, 1, 1).union(Bounds(9, 9, 0, 4)) == Bounds(5, 5, 1, 1)


def test_intersection_is_what_both_share():
    assert Bounds(0, 0, 4, 4).intersect(Bounds(2, 3, 9, 9)) == Bounds(2, 3, 2, 1)
    assert Bounds(0, 0, 4, 4).intersect(Bounds(4, 0, 9, 9)).is_empty


def test_one_rectangle_holds_another():
    assert Bounds(0, 0, 4, 4).contains_bounds(Bounds(1, 1, 3, 3))
    assert not Bounds(0, 0, 4, 4).contains_bounds(Bounds(1, 1, 4, 3))


def test_bounds_of_points_hold_the_pixels_on_which_they_lie():
    assert bounds_of_points([Point(1.5, 2.0), Point(3.0, 0.9)]) == Bounds(1, 0, 3, 3)
    assert bounds_of_points([]).is_empty


def test_a_point_goes_into_a_frame_and_back():
    window = Bounds(-3, 7, 10, 10)
    inside = canvas_to_frame(Point(0.5, 8.25), window)
    assert inside == Point(3.5, 1.25)
    assert frame_to_canvas(inside, window) == Point(0.5, 8.25)
