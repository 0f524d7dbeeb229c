"""Frames, grids and the reading between pixels."""

import math

import numpy as np
import pytest
import torch

from engine.geometry import (
    Point,
    PointPair,
    disc_offsets,
    sample,
    square_offsets,
    to_points,
    to_tensor,
)

CPU = torch.device("cpu")


def bilinear(maps, x, y):
    """Reads (C, H, W) at continuous (x, y) by hand: centres at i + 0.5, nearest beyond the rim."""
    _, height, width = maps.shape
    column, row = x - 0.5, y - 0.5
    left, top = math.floor(column), math.floor(row)
    total = np.zeros(len(maps))
    for i, share_y in ((top, 1 - (row - top)), (top + 1, row - top)):
        for j, share_x in ((left, 1 - (column - left)), (left + 1, column - left)):
            pixel = maps[:, min(max(i, 0), height - 1), min(max(j, 0), width - 1)]
            total += share_y * share_x * pixel
    return total


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_pair_is_made_of_finite_numbers(bad):
    with pytest.raises(ValueError, match="finite numbers"):
        PointPair(handle=Point(0.0, 0.0), target=Point(1.0, bad))
    with pytest.raises(ValueError, match="finite numbers"):
        PointPair(handle=Point(bad, 0.0), target=Point(1.0, 1.0))


def test_a_pin_is_a_pair():
    pin = PointPair(handle=Point(1.0, 2.0), target=Point(1.0, 2.0))
    assert pin.handle == pin.target


def test_frames_differ_by_a_factor_alone():
    points = (Point(0.0, 0.0), Point(32.0, 64.0), Point(0.5, 1.5))
    scaled = to_tensor(points, scale=0.25, device=CPU)
    assert scaled.tolist() == [[0.0, 0.0], [8.0, 16.0], [0.125, 0.375]]
    assert scaled.dtype == torch.float32
    assert to_points(scaled, scale=4.0) == points


def test_at_a_pixels_centre_that_pixel_is_read():
    maps = torch.arange(12.0).reshape(1, 1, 3, 4)
    found = sample(maps, torch.tensor([[0.5, 0.5], [3.5, 0.5], [1.5, 2.5]]))
    assert found.flatten().tolist() == pytest.approx([0.0, 3.0, 9.0], abs=1e-5)


def test_between_pixels_is_bilinear():
    source = torch.Generator().manual_seed(1)
    maps = torch.randn(1, 3, 5, 7, generator=source, dtype=torch.float64)
    points = torch.rand(40, 2, generator=source, dtype=torch.float64) * torch.tensor([7.0, 5.0])
    expected = [bilinear(maps[0].numpy(), x, y) for x, y in points.tolist()]
    np.testing.assert_allclose(sample(maps, points).numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("place", [(-3.0, 2.2), (9.0, 1.0), (3.3, -0.2), (8.0, 8.0), (0.1, 4.9)])
def test_beyond_the_border_the_nearest_pixel_counts(place):
    maps = torch.randn(1, 2, 5, 7, dtype=torch.float64)
    found = sample(maps, torch.tensor([place], dtype=torch.float64))[0]
    np.testing.assert_allclose(found.numpy(), bilinear(maps[0].numpy(), *place), rtol=1e-10)


def test_the_shape_of_the_points_is_kept():
    assert sample(torch.randn(1, 5, 4, 4), torch.rand(2, 3, 2)).shape == (2, 3, 5)


def test_reading_is_differentiable_in_map_and_place():
    maps = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    points = torch.tensor([[1.3, 2.2], [3.1, 0.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sample, (maps, points))


def test_a_disc_is_open_and_round():
    offsets = disc_offsets(3.0, 1.0, CPU)
    assert len(offsets) == 25  # pixels nearer than 3 px, as the paper's code counts at 512 px
    assert float(offsets.norm(dim=1).max()) < 3.0


def test_a_square_reaches_its_radius():
    offsets = square_offsets(3.0, 0.25, CPU)
    assert len(offsets) == 25 * 25
    assert offsets.min() == -3.0 and offsets.max() == 3.0
    assert [0.0, 0.0] in offsets.tolist()


@pytest.mark.parametrize("make", [disc_offsets, square_offsets])
def test_a_radius_below_the_spacing_leaves_the_middle(make):
    assert make(0.2, 0.25, CPU).tolist() == [[0.0, 0.0]]
