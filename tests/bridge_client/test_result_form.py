"""Which form a result is to have: a patch wherever a layer above can look like the edit."""

import pytest

from bridge_client import Bounds, Extent, LayerFacts, ResultForm, choose_result_form

WINDOW, CANVAS = Bounds(2, 3, 4, 4), Extent(20, 20)


def picture(translucent=()):
    """4 x 4 px, opaque but for pixels at these indices."""
    pixels = bytearray(b"\x10\x20\x30\xff" * 16)
    for index in translucent:
        pixels[4 * index + 3] = 254
    return bytes(pixels)


def form(pixels, mask=None, layer=None, window=WINDOW):
    return choose_result_form(
        layer or LayerFacts(),
        pixels=pixels,
        editable_mask=mask,
        window_canvas=window,
        canvas=CANVAS,
    )


def test_on_a_plain_opaque_layer_it_is_a_patch():
    assert form(picture()) is ResultForm.PATCH
    assert form(picture(), bytes([0, 7, 255, 0] * 4)) is ResultForm.PATCH


@pytest.mark.parametrize(
    "fact",
    [
        {"has_normal_blending": False},
        {"opacity": 0.99},
        {"has_mask": True},
        {"has_effects": True},
        {"is_clipped": True},
    ],
    ids=str,
)
def test_a_layer_that_is_not_plain_is_replaced(fact):
    assert form(picture(), layer=LayerFacts(**fact)) is ResultForm.REPLACEMENT


@pytest.mark.parametrize("index", [0, 5, 15])
def test_one_translucent_pixel_that_may_move_is_enough(index):
    assert form(picture([index])) is ResultForm.REPLACEMENT
    mask = bytearray(16)
    mask[index] = 1
    assert form(picture([index]), bytes(mask)) is ResultForm.REPLACEMENT


@pytest.mark.parametrize("index", [0, 5, 15])
def test_what_must_stay_may_be_translucent(index):
    mask = bytearray(b"\xff" * 16)
    mask[index] = 0
    assert form(picture([index]), bytes(mask)) is ResultForm.PATCH


def test_what_lies_beyond_the_canvas_does_not_count():
    over_the_corner = Bounds(-1, -2, 4, 4)
    beyond = [index for index in range(16) if index % 4 < 1 or index // 4 < 2]
    assert form(picture(beyond), window=over_the_corner) is ResultForm.PATCH
    assert form(picture([*beyond, 9]), window=over_the_corner) is ResultForm.REPLACEMENT
    assert form(picture(range(16)), window=Bounds(50, 50, 4, 4)) is ResultForm.PATCH
