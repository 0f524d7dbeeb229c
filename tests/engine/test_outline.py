"""Figure and ground read off features: what is fitted to one picture tells in another."""

import torch

from engine.images import resize
from engine.outline import outline_between

SIZE = 32


def figure(left, size=SIZE):
    """A square of 12 px: (1, 1, S, S)."""
    drawn = torch.zeros(1, 1, size, size)
    drawn[..., 10:22, left : left + 12] = 1.0
    return drawn


def features(drawn, seed=0):
    """Maps in which the figure lies hidden among much else, on scales of their own."""
    source = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 6, *drawn.shape[2:], generator=source)
    mixed = torch.randn(6, 1, 1, generator=torch.Generator().manual_seed(9)) * drawn
    return (noise * 0.15 + mixed) * torch.logspace(-2, 2, 6).view(6, 1, 1) + 7.0


def test_the_figure_is_found_where_it_went():
    before, after = figure(4), figure(16)
    read = outline_between([features(before)], [features(after, 1)], resize(before, (96, 96)), SIZE)
    for found, truth in ((read.before, before), (read.after, after)):
        assert float((found - truth).abs().mean()) < 0.04


def test_maps_of_several_sizes_are_read_together():
    before, after = figure(4), figure(16)
    coarse = [resize(features(each), (16, 16)) for each in (before, after)]
    read = outline_between(
        [coarse[0], features(before)], [coarse[1], features(after, 1)], before, SIZE
    )
    assert read.after.shape == (1, 1, SIZE, SIZE)
    assert float((read.after - after).abs().mean()) < 0.04


def test_a_small_hole_in_a_figure_is_the_figures_own():
    before, after = figure(4), figure(16)
    after[..., 15, 20] = 0.0
    read = outline_between([features(before)], [features(after, 1)], before, SIZE)
    assert float(read.after[0, 0, 15, 20]) > 0.9


def test_what_looks_like_ground_amid_the_figure_is_the_figures_own():
    before, after = figure(4), figure(4)
    after[..., 13:19, 7:13] = 0.0  # as a mouth that has opened
    read = outline_between([features(before)], [features(after, 1)], before, SIZE)
    assert float(read.after[0, 0, 14:18, 8:12].min()) > 0.9
    assert float(read.after[0, 0, :8].max()) < 0.1


def test_a_hole_that_was_there_stays_one():
    before = figure(4)
    before[..., 13:19, 7:13] = 0.0
    read = outline_between([features(before)], [features(before, 1)], before, SIZE)
    assert float(read.after[0, 0, 14:18, 8:12].max()) < 0.3


def test_a_picture_without_ground_stays_all_figure():
    drawn = torch.ones(1, 1, SIZE, SIZE)
    read = outline_between([features(figure(4))], [features(figure(16), 1)], drawn, SIZE)
    assert float(read.after.min()) > 0.95


def test_features_that_never_differ_do_no_harm():
    flat = torch.full((1, 3, SIZE, SIZE), 2.0)
    read = outline_between([flat], [flat], figure(4), SIZE)
    assert bool(read.after.isfinite().all())
