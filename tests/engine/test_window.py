"""A window's pixels in the generator's frame."""

import numpy as np
import pytest
import torch

from engine.window import to_generator_frame

CPU = torch.device("cpu")


def window(side=40, colour=(200, 100, 50, 255)):
    return np.tile(np.array(colour, np.uint8), (side, side, 1))


def test_an_opaque_window_is_shown_as_it_is():
    shown = to_generator_frame(window(), 16, CPU)
    assert shown.image.shape == (1, 3, 16, 16) and shown.opacity.shape == (1, 1, 16, 16)
    expected = torch.tensor([200, 100, 50]) / 127.5 - 1.0
    torch.testing.assert_close(shown.image[0, :, 3, 5], expected)
    assert float(shown.opacity.min()) == 1.0


def test_where_it_is_transparent_the_mean_colour_stands():
    holed = window()
    holed[:, :20] = 0
    shown = to_generator_frame(holed, 20, CPU)
    expected = torch.tensor([200, 100, 50]) / 127.5 - 1.0
    # Bicubic resampling rings a little at the hard edge.
    off = (shown.image - expected[None, :, None, None]).abs()
    assert float(off.max()) < 0.02 and not off[:, :, :, :8].gt(1e-5).any()
    assert not shown.opacity[0, 0, :, :8].any()


@pytest.mark.parametrize("side", [7, 33, 64])
def test_the_colour_under_transparent_pixels_never_shows(side):
    pixels = np.random.default_rng(5).integers(0, 256, (side, side, 4), np.uint8)
    pixels[np.random.default_rng(6).random((side, side)) < 0.5, 3] = 0
    clean = np.where(pixels[:, :, 3:] == 0, 0, pixels)
    bled = to_generator_frame(pixels, 16, CPU)
    assert torch.equal(bled.image, to_generator_frame(clean, 16, CPU).image)


def test_the_colours_stay_in_range():
    pixels = np.random.default_rng(7).integers(0, 256, (23, 23, 4), np.uint8)
    shown = to_generator_frame(pixels, 32, CPU)
    assert -1.0 <= float(shown.image.min()) and float(shown.image.max()) <= 1.0
    assert 0.0 <= float(shown.opacity.min()) and float(shown.opacity.max()) <= 1.0


def test_left_stays_left_and_up_stays_up():
    pixels = window(colour=(0, 0, 0, 255))
    pixels[:10, 30:] = 255
    shown = to_generator_frame(pixels, 20, CPU).image[0, 0]
    assert shown[2, 17] > 0.9 and shown[17, 2] < -0.9


@pytest.mark.parametrize("shape", [(8, 9, 4), (8, 8, 3), (0, 0, 4)])
def test_a_window_that_is_not_square_rgba_is_refused(shape):
    with pytest.raises(ValueError, match="square RGBA pixels"):
        to_generator_frame(np.full(shape, 255, np.uint8), 16, CPU)


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match="the layer is empty where you selected"):
        to_generator_frame(window(colour=(9, 9, 9, 0)), 16, CPU)
