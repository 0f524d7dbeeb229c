"""uint8 arrays and float tensors."""

import numpy as np
import pytest
import torch

from engine.images import blur, from_generator, resize, to_generator, uint8_pixels, unit_tensor


def pixels(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 1, 4), (6, 6, 1)])
def test_bytes_come_back_as_they_went(shape):
    assert np.array_equal(uint8_pixels(unit_tensor(pixels(*shape))), pixels(*shape))


def test_a_mask_becomes_one_plane():
    assert unit_tensor(pixels(5, 7)).shape == (1, 1, 5, 7)
    assert np.array_equal(uint8_pixels(unit_tensor(pixels(5, 7)))[:, :, 0], pixels(5, 7))


def test_rows_stay_rows():
    striped = np.zeros((2, 3, 3), np.uint8)
    striped[0, :, 1] = 255
    planes = unit_tensor(striped)  # (1, 3, 2, 3)
    assert planes[0, 1].tolist() == [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]


def test_bytes_are_rounded_and_clamped():
    planes = torch.tensor([-0.2, 0.4999 / 255, 0.5001 / 255, 1.3]).reshape(1, 1, 1, 4)
    assert uint8_pixels(planes).flatten().tolist() == [0, 0, 1, 255]


def test_the_generators_range_is_plus_minus_one():
    assert to_generator(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-1.0, 0.0, 1.0]
    assert from_generator(torch.tensor([-1.5, -1.0, 0.0, 1.0])).tolist() == [0.0, 0.0, 0.5, 1.0]


def test_every_byte_survives_the_generators_range():
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    back = uint8_pixels(from_generator(to_generator(unit_tensor(every))))
    assert np.array_equal(back[:, :, 0], every)


def test_a_size_that_fits_changes_nothing():
    planes = torch.rand(1, 3, 6, 6)
    assert resize(planes, (6, 6)) is planes


@pytest.mark.parametrize("size", [(3, 3), (17, 5), (64, 64)])
def test_resizing_keeps_a_flat_colour_and_the_range(size):
    flat = torch.full((1, 2, 9, 9), 0.3)
    torch.testing.assert_close(resize(flat, size), torch.full((1, 2, *size), 0.3))
    noise = torch.rand(1, 2, 9, 9)
    assert noise.min() <= resize(noise, size).min()
    assert resize(noise, size).max() <= noise.max()


def test_shrinking_averages():
    fine = torch.zeros(1, 1, 32, 32)
    fine[:, :, :, ::2] = 1.0
    torch.testing.assert_close(
        resize(fine, (8, 8))[:, :, 2:6, 2:6], torch.full((1, 1, 4, 4), 0.5), atol=0.05, rtol=0.0
    )


def test_places_keep_their_share_of_the_picture():
    ramp = (torch.arange(8.0) + 0.5).div(8.0).expand(1, 1, 8, 8)
    bigger = resize(ramp, (32, 32))[0, 0, 16]
    expected = (torch.arange(32.0) + 0.5) / 32.0
    torch.testing.assert_close(bigger[6:-6], expected[6:-6], atol=1e-3, rtol=0.0)


def test_a_blur_spreads_a_point_and_keeps_its_sum():
    point = torch.zeros(1, 1, 21, 21)
    point[0, 0, 10, 10] = 1.0
    soft = blur(point, 2.0)
    assert float(soft.sum()) == pytest.approx(1.0, abs=1e-5)
    assert soft.argmax() == point.argmax()
    assert soft[0, 0, 10, 5] == 0.0 < soft[0, 0, 10, 6]


def test_a_blur_keeps_flat_borders_and_knows_small_radii():
    flat = torch.full((1, 1, 4, 4), 0.7)
    torch.testing.assert_close(blur(flat, 9.0), flat)
    noise = torch.rand(1, 1, 4, 4)
    assert torch.equal(blur(noise, 0.4), noise)
