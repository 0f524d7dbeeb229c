import random

import pytest

from bridge_client import Bounds, Extent, InputProblem, Point, Seen, propose_window

CANVAS = Extent(1200, 900)
LAYER = Bounds(100, 100, 320, 320)


POINTS = (Point(200, 200), Point(220, 210))


def propose(selection=None, points=POINTS, layer=LAYER, seen=Seen.SELECTION):
    return propose_window(
        selection=selection, layer_content=layer, points=list(points), canvas=CANVAS, seen=seen
    )


def test_a_square_selection_that_holds_the_points_is_the_window():
    assert propose(Bounds(150, 160, 200, 200)) == Bounds(150, 160, 200, 200)


def test_without_a_selection_the_layer_is_the_window():
    assert propose() == LAYER


def test_the_window_is_the_smallest_square_around_the_middle():
    assert propose(Bounds(150, 160, 200, 100)) == Bounds(150, 110, 200, 200)


def test_a_target_outside_the_selection_widens_the_window():
    window = propose(Bounds(150, 150, 100, 100), [Point(200, 200), Point(300.5, 200)])
    assert window == Bounds(150, 125, 151, 151)


def test_a_model_that_sees_the_layer_gets_all_that_is_on_it():
    assert propose(Bounds(190, 190, 40, 30), seen=Seen.LAYER) == LAYER


def test_the_selection_does_not_widen_what_is_seen_of_the_layer_but_a_target_does():
    everything, target = Bounds(0, 0, 1200, 900), Point(439.5, 200)
    assert propose(everything, seen=Seen.LAYER) == LAYER
    window = propose(everything, [Point(200, 200), target], seen=Seen.LAYER)
    assert window == Bounds(100, 90, 340, 340)


@pytest.mark.parametrize("points", [POINTS, (Point(20, 20), Point(900, 30))])
def test_without_a_selection_it_is_all_the_same_what_is_seen(points):
    assert propose(None, points, seen=Seen.LAYER) == propose(None, points, seen=Seen.SELECTION)


def test_the_window_may_reach_over_the_edge():
    window = propose(Bounds(0, 0, 40, 300), [Point(5, 5)], layer=Bounds(0, 0, 1200, 900))
    assert window == Bounds(-130, 0, 300, 300)


def test_pixels_outside_the_canvas_do_not_count():
    layer = Bounds(-500, -500, 600, 600)
    assert propose(None, [Point(10, 10)], layer) == Bounds(0, 0, 100, 100)


def test_the_window_is_always_a_square_that_holds_everything_and_is_no_larger_than_needed():
    rng = random.Random(7)
    for _ in range(300):
        x, y = rng.randrange(1100), rng.randrange(800)
        selection = Bounds(x, y, rng.randint(1, 1200 - x), rng.randint(1, 900 - y))
        point = Point(rng.uniform(0, 1199), rng.uniform(0, 899))
        window = propose(selection, [point], layer=Bounds(0, 0, 1200, 900))
        held = selection.union(Bounds(int(point.x), int(point.y), 1, 1))
        assert window.width == window.height == max(held.width, held.height)
        assert window.contains_bounds(held)


def test_a_point_on_the_far_edge_is_on_the_canvas():
    window = propose(None, [Point(1200, 900)], Bounds(0, 0, 1200, 900))
    assert window.right >= 1200 and window.bottom >= 900


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"points": []}, "no points"),
        ({"points": [Point(1201, 5)]}, "outside the canvas of 1200 x 900"),
        ({"points": [Point(5, -0.5)]}, "outside the canvas"),
        ({"layer": Bounds(100, 100, 0, 0)}, "no pixels on the canvas"),
        ({"layer": Bounds(2000, 100, 5, 5)}, "no pixels on the canvas"),
        ({"selection": Bounds(700, 700, 10, 10)}, "empty where the selection is"),
        ({"selection": Bounds(5000, 0, 10, 10)}, "no pixel of the canvas"),
        ({"selection": Bounds(100, 100, 0, 10)}, "no pixel of the canvas"),
    ],
)
@pytest.mark.parametrize("seen", Seen)
def test_input_that_makes_no_edit_gets_a_sentence(given, sentence, seen):
    with pytest.raises(InputProblem, match=sentence):
        propose(**given, seen=seen)


@pytest.mark.parametrize(
    ("selection", "seen", "hint"),
    [
        (None, Seen.SELECTION, "Select a smaller part."),
        (None, Seen.LAYER, "let the model see the selection"),
        (Bounds(0, 0, 5, 5), Seen.LAYER, "let the model see the selection"),
    ],
)
def test_a_part_that_is_too_large_gets_a_sentence(selection, seen, hint):
    with pytest.raises(InputProblem, match="20000 pixels") as caught:
        propose_window(
            selection=selection,
            layer_content=Bounds(0, 0, 20000, 10),
            points=[Point(1, 1)],
            canvas=Extent(20000, 10),
            seen=seen,
        )
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("selection", "aspect", "window"),
    [
        (Bounds(100, 100, 80, 40), 2.0, Bounds(100, 100, 80, 40)),
        (Bounds(100, 100, 40, 40), 2.0, Bounds(80, 100, 80, 40)),
        (Bounds(100, 100, 80, 20), 2.0, Bounds(100, 90, 80, 40)),
        (Bounds(100, 100, 30, 30), 0.75, Bounds(100, 95, 30, 40)),
    ],
)
def test_the_window_has_the_models_shape(selection, aspect, window):
    point = Point(selection.x + 5, selection.y + 5)
    assert (
        propose_window(
            selection=selection,
            layer_content=Bounds(0, 0, 400, 300),
            points=[point],
            canvas=Extent(400, 300),
            aspect=aspect,
        )
        == window
    )
