"""Offsets between two pictures, where the answer is known."""

import pytest
import torch
import torch.nn.functional as F

from engine.flow import flow_between, shifted
from engine.images import blur
from tests.fakes.generator import tiny_generator


def texture(size, seed=0, channels=8, grain=24):
    """Smooth random maps (1, C, size, size): whatever the size, the same picture."""
    source = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, channels, grain, grain, generator=source)
    return F.interpolate(coarse, size=(size, size), mode="bicubic")


def everywhere(x, y, size):
    return torch.tensor([x, y]).reshape(1, 2, 1, 1).expand(1, 2, size, size)


def moved_square(size, x, seed=1):
    """A textured square, `x` of the side away from its place, on another texture."""
    square = torch.zeros(1, 1, size, size)
    square[:, :, size * 3 // 8 : size * 5 // 8, size * 3 // 8 : size * 5 // 8] = 1.0
    away = everywhere(-x, 0.0, size)
    square, painted = shifted(square, away), shifted(texture(size, seed + 1), away)
    return texture(size, seed) * (1.0 - square) + painted * square, square


def inner(maps, share=0.3):
    """Leaves out what came in over the border."""
    margin = round(share * maps.shape[-1])
    return maps[:, :, margin:-margin, margin:-margin]


@pytest.mark.parametrize("shift_px", [(1.0, 0.0), (-3.0, 2.0), (0.5, -0.25), (9.3, 6.7)])
def test_shifted_features_give_the_shift(shift_px):
    size = 64
    shift = everywhere(shift_px[0] / size, shift_px[1] / size, size)
    first = texture(size)
    flow = flow_between([first], [shifted(first, -shift, "bicubic")])
    for error in (flow.backward + shift, flow.forward - shift):
        error_px = inner(error).norm(dim=1) * size
        assert error_px.mean() < 0.1 and error_px.max() < 0.5
    assert inner(flow.confidence).mean() > 0.9


def test_a_shift_by_whole_places_of_the_coarse_map_is_exact():
    shift = everywhere(5 / 32, -3 / 32, 32)
    first = texture(32)
    flow = flow_between([first], [shifted(first, -shift)])
    assert inner(flow.backward + shift).abs().max() < 1e-4 and inner(flow.confidence).min() > 0.999


def test_a_finer_level_makes_the_offsets_finer():
    shift = everywhere(0.0111, -0.0063, 128)
    maps = [texture(size) for size in (16, 128)]
    after = [shifted(m, -everywhere(0.0111, -0.0063, m.shape[-1]), "bicubic") for m in maps]

    def error(levels):
        flow = flow_between(maps[:levels], after[:levels])
        return float(inner(flow.backward + shift[:, :, :1, :1]).norm(dim=1).mean())

    assert error(2) < 0.25 / 128 < error(1)


def test_equal_pictures_have_no_flow_and_full_confidence():
    first = texture(48)
    flow = flow_between([first], [first.clone()])
    assert flow.backward.abs().max() < 1e-6 and flow.forward.abs().max() < 1e-6
    assert flow.confidence.min() > 0.9999


def test_flat_pictures_have_no_flow():
    flow = flow_between([torch.zeros(1, 3, 32, 32)], [torch.ones(1, 3, 32, 32)])
    assert flow.backward.abs().max() == 0.0 and torch.isfinite(flow.confidence).all()


def test_only_what_moved_has_an_offset():
    size, way = 64, 0.125
    (first, _), (second, square) = moved_square(size, 0.0), moved_square(size, way)
    flow = flow_between([blur(first, 1)], [blur(second, 1)])
    inside = blur(square, 2) > 0.99
    far = blur(square, 12) == 0.0
    found = flow.backward[:, :1] * size
    assert (found[inside] + way * size).abs().max() < 0.5
    assert flow.backward.norm(dim=1, keepdim=True)[far].max() * size < 0.1
    assert flow.confidence[far].min() > 0.9 and flow.confidence[inside].mean() > 0.9


def test_the_outline_of_what_moved_is_finer_than_the_coarse_map():
    size, way = 128, 0.125
    (first, _), (second, square) = moved_square(size, 0.0), moved_square(size, way)
    first, second = ([F.avg_pool2d(m, 8), blur(m, 1)] for m in (first, second))
    moving = flow_between(first, second).backward[:, :1] < -0.5 * way
    wrong = (moving != (square > 0.5)).sum()
    assert wrong < 0.2 * (square > 0.5).sum()


def test_what_was_hidden_before_has_little_confidence():
    size = 64
    (first, old), (second, new) = moved_square(size, 0.0), moved_square(size, 0.25)
    flow = flow_between([blur(first, 1)], [blur(second, 1)])
    uncovered = (blur(old, 2) > 0.99) & (new == 0.0)
    assert uncovered.sum() > 50
    assert flow.confidence[uncovered].mean() < 0.3


def test_pictures_that_share_nothing_have_no_confidence():
    flow = flow_between([texture(64, seed=3)], [texture(64, seed=4)])
    assert flow.confidence.mean() < 0.05


def test_a_channel_that_says_nothing_does_no_harm():
    first = torch.cat([texture(32), torch.full((1, 3, 32, 32), 7.0)], dim=1)
    shift = everywhere(2 / 32, 0.0, 32)
    flow = flow_between([first], [shifted(first, -shift)])
    assert inner(flow.backward + shift).abs().max() * 32 < 0.1


def test_real_features_of_one_latent_stand_still():
    generator = tiny_generator()
    rows = [generator.sample_w(1, seed=3)] * generator.num_ws
    maps = [generator.features(rows, block) for block in (16, 32)]
    flow = flow_between(maps, maps)
    assert flow.backward.shape == (1, 2, 32, 32) and flow.backward.abs().max() < 1e-6


def test_as_many_maps_after_as_before():
    with pytest.raises(ValueError, match="zip"):
        flow_between([texture(16), texture(32)], [texture(16)])
