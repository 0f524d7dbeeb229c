"""The edit as a layer, and the layer over the picture."""

import numpy as np
import pytest
import torch

from engine.composite import (
    cut_to_change,
    cut_to_content,
    edit_layer,
    edited_window,
    lay_over,
)
from engine.flow import Flow
from engine.outline import Outline

SIDES = [1, 9, 33, 64, 97]


def random_window(side, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (side, side, 4), np.uint8)
    pixels[:, :, 3] *= rng.random((side, side)) < 0.8
    return pixels


def random_mask(side, seed):
    """Hard blocks with a soft edge here and there, and single pixels."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : side, : 2 * side // 3 + 1] = 255
    soft = rng.integers(0, 256, (side, side), np.uint8)
    return np.where(rng.random((side, side)) < 0.2, soft * (soft > 60), mask).astype(np.uint8)


def renders(seed, size=16):
    source = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, 3, size, size, generator=source).mul(2.4).sub(1.2).unbind(0)


def opaque(side, colour=(90, 120, 60)):
    return np.tile(np.array((*colour, 255), np.uint8), (side, side, 1))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("seed", range(4))
def test_outside_the_mask_not_one_byte_changes(side, seed):
    window, mask = random_window(side, seed), random_mask(side, seed)
    layer = edit_layer(window, *renders(seed), mask)
    outside = mask == 0
    assert not layer[outside].any()
    assert np.array_equal(lay_over(window, layer)[outside], window[outside])


def steady(size=16, x=0.0):
    """A flow by the same offset everywhere, share of the side, of which all is sure."""
    offset = torch.tensor([x, 0.0]).view(1, 2, 1, 1).expand(1, 2, size, size)
    return Flow(backward=offset, forward=-offset, confidence=torch.ones(1, 1, size, size))


def random_outline(seed, size=16):
    source = torch.Generator().manual_seed(seed)
    before, after = torch.rand(2, 1, 1, size, size, generator=source).unbind(0)
    return Outline(before=before, after=after)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("x", [None, 0.0, 0.3])
def test_a_replacement_is_the_picture_outside_the_mask(side, seed, x):
    window, mask = random_window(side, seed), random_mask(side, seed)
    flow = None if x is None else steady(x=x)
    for outline in (None, random_outline(seed)):
        edited = edited_window(window, *renders(seed), mask, flow, outline)
        assert np.array_equal(edited[mask == 0], window[mask == 0])


@pytest.mark.parametrize("seed", range(4))
def test_what_nobody_sees_is_not_changed(seed):
    window, mask = random_window(33, seed), random_mask(33, seed)
    edited = edited_window(window, *renders(seed), mask, steady(x=0.3), random_outline(seed))
    unseen = (window[:, :, 3] == 0) & (edited[:, :, 3] == 0)
    assert unseen.any() and np.array_equal(edited[unseen], window[unseen])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("softness", [0.25, 0.5])
def test_a_soft_mask_takes_the_edit_in_proportion(seed, softness):
    window = random_window(64, seed)
    window[:, :, 3] = 255
    whole, soft = (
        edited_window(window, *renders(seed), np.full((64, 64), value, np.uint8), steady(x=0.3))
        for value in (255, round(255 * softness))
    )
    way, gone = (each.astype(float) - window for each in (whole, soft))
    # The feather lies inside the mask: what may change little changes still less.
    assert (np.abs(gone) <= softness * np.abs(way) + 1.5).all()


def test_a_replacement_of_nothing_is_the_picture_to_the_byte():
    window, render = random_window(33, 4), renders(4)[0]
    assert np.array_equal(edited_window(window, render, render, None, steady()), window)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("seed", range(4))
def test_the_layer_is_nowhere_stronger_than_mask_or_picture(side, seed):
    window, mask = random_window(side, seed), random_mask(side, seed)
    alpha = edit_layer(window, *renders(seed), mask)[:, :, 3]
    assert (alpha <= mask).all() and (alpha <= window[:, :, 3]).all()


def test_without_a_mask_the_whole_picture_may_change():
    before, after = torch.full((1, 3, 16, 16), -0.5), torch.full((1, 3, 16, 16), 0.5)
    layer = edit_layer(opaque(40), before, after, None)
    assert (layer == (191, 191, 191, 255)).all()


def test_deep_inside_the_mask_the_edit_shows_wholly():
    before, after = torch.full((1, 3, 16, 16), -0.5), torch.full((1, 3, 16, 16), 0.5)
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 20:80] = 255
    alpha = edit_layer(opaque(100), before, after, mask)[:, :, 3]
    assert (alpha[26:74, 26:74] == 255).all()
    rim = alpha[50, 18:26].astype(int)
    assert rim[1] == 0 and 0 < rim[3] < 255 and (np.diff(rim) >= 0).all()


def test_only_what_changed_is_drawn():
    before = torch.zeros(1, 3, 64, 64)
    after = before.clone()
    after[:, :, 28:36, 28:36] = 0.8
    alpha = edit_layer(opaque(64), before, after, None)[:, :, 3]
    assert (alpha[28:36, 28:36] == 255).all()
    assert not alpha[:20].any() and not alpha[44:].any() and not alpha[:, :20].any()


def test_a_difference_that_no_eye_sees_draws_nothing():
    before = torch.zeros(1, 3, 16, 16)
    assert not edit_layer(opaque(32), before, before + 0.03, None).any()


def test_where_nothing_changed_the_patch_is_one_transparent_pixel():
    patch = cut_to_content(np.zeros((8, 8, 4), np.uint8))
    assert patch.pixels.shape == (1, 1, 4) and not patch.pixels.any()
    assert (patch.x, patch.y) == (0, 0)


def test_a_patch_is_cut_to_what_is_visible():
    layer = np.zeros((10, 12, 4), np.uint8)
    layer[3, 4], layer[6, 9] = (1, 2, 3, 1), (4, 5, 6, 255)
    patch = cut_to_content(layer)
    assert (patch.x, patch.y, patch.pixels.shape) == (4, 3, (4, 6, 4))
    assert np.array_equal(patch.pixels, layer[3:7, 4:10]) and patch.pixels.flags.c_contiguous


def red_disc(centre, side=128):
    """A soft-edged red disc on transparent ground, with green hidden under alpha 0."""
    y, x = np.mgrid[:side, :side] + 0.5
    alpha = np.clip(24.5 - np.hypot(x - centre, y - side / 2), 0.0, 1.0)
    disc = np.zeros((side, side, 4), np.uint8)
    disc[alpha > 0, 0], disc[alpha == 0, 1] = 255, 255
    disc[:, :, 3] = np.round(255 * alpha)
    return disc


def shown_to_the_model(disc, size=64):
    """The disc on grey as a render, (1, 3, S, S)."""
    seen = torch.from_numpy(disc).permute(2, 0, 1)[None].float() / 255
    on_grey = 0.5 + seen[:, 3:] * (seen[:, :3] - 0.5)
    return torch.nn.functional.interpolate(on_grey, size=(size, size), mode="area") * 2 - 1


def figure(disc, size=64):
    alpha = torch.from_numpy(disc[:, :, 3].astype(np.float32))[None, None] / 255
    return torch.nn.functional.interpolate(alpha, size=(size, size), mode="area")


@pytest.fixture(scope="module", params=[1.0, 0.0])
def moved_disc(request):
    """The disc moved by 24 px along its flow, which is sure or not at all, and where it should
    be."""
    before, after = red_disc(48), red_disc(72)
    offset = torch.zeros(1, 2, 64, 64)
    offset[:, 0] = -24 / 128 * (figure(after)[:, 0] > 0)
    sure = torch.full((1, 1, 64, 64), request.param)
    flow = Flow(backward=offset, forward=-offset, confidence=sure)
    outline = Outline(before=figure(before), after=figure(after))
    renders = shown_to_the_model(before), shown_to_the_model(after)
    return edited_window(before, *renders, None, flow, outline), after


def test_an_outline_goes_with_what_moved(moved_disc):
    edited, truth = moved_disc
    off = np.abs(edited[:, :, 3].astype(int) - truth[:, :, 3])
    assert off.mean() < 2.0 and (off > 100).mean() < 0.005


def test_a_soft_edge_keeps_no_colour_of_the_ground(moved_disc):
    edited, _ = moved_disc
    blue = np.tile(np.array((0, 0, 255, 255), np.uint8), (128, 128, 1))
    green = lay_over(blue, edited)[:, :, 1]  # in neither red nor blue, but in grey and hidden
    assert green.max() <= 26 and green.mean() < 0.3


def test_a_replacement_is_cut_to_what_changed():
    window = random_window(12, 5)
    edited = window.copy()
    edited[3, 4], edited[6, 9] = 255 - edited[3, 4], 255 - edited[6, 9]
    patch = cut_to_change(window, edited)
    assert (patch.x, patch.y, patch.pixels.shape) == (4, 3, (4, 6, 4))
    assert np.array_equal(patch.pixels, edited[3:7, 4:10]) and patch.pixels.flags.c_contiguous


def test_laying_over_is_the_rule_of_porter_and_duff():
    rng = np.random.default_rng(2)
    below, layer = rng.integers(0, 256, (2, 64, 64, 4)).astype(np.uint8)
    found = lay_over(below, layer).astype(float)
    over, under = layer / 255.0, below / 255.0
    source, behind = over[:, :, 3:], under[:, :, 3:] * (1 - over[:, :, 3:])
    alpha = source + behind
    colour = (over[:, :, :3] * source + under[:, :, :3] * behind) / np.maximum(alpha, 1e-9)
    seen = (alpha > 0)[:, :, 0]
    assert np.abs(found[seen][:, :3] - 255 * colour[seen]).max() <= 0.5 + 1e-6
    assert np.abs(found[:, :, 3:] - 255 * alpha).max() <= 0.5 + 1e-6


def test_an_opaque_layer_replaces_and_a_transparent_one_leaves():
    below, layer = random_window(12, 1), random_window(12, 2)
    layer[:6, :, 3], layer[6:, :, 3] = 255, 0
    result = lay_over(below, layer)
    assert np.array_equal(result[:6], layer[:6])
    assert np.array_equal(result[6:], below[6:])


def test_over_an_opaque_picture_the_result_is_opaque():
    layer = random_window(20, 3)
    assert (lay_over(opaque(20), layer)[:, :, 3] == 255).all()
