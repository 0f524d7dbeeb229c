"""Cut-out heads: they are the heads that the model knows, without their wall."""

import numpy as np
import pytest
import torch

from benchmarks.cut_outs import GROUNDS, OUTLINE_EDITS, finished, over, score
from benchmarks.detailed_heads import CutOutHead, DetailedHead, Details
from benchmarks.unseen import unseen_cases
from tests.fakes.generator import trained_model
from training.keypoints import load_detector
from training.pictures import middle_factors

SIZE = 96


@pytest.fixture(scope="module")
def cases():
    return list(
        unseen_cases(3, detector=load_detector(), size=SIZE, edits=OUTLINE_EDITS, head=CutOutHead)
    )


def test_over_its_wall_a_cut_out_head_is_the_head():
    details = Details.by_chance(torch.Generator().manual_seed(3))
    walled, cut_out = (kind(middle_factors(), SIZE, details) for kind in (DetailedHead, CutOutHead))
    whole = walled.drawing().images
    figure = cut_out.drawing().images
    wall = DetailedHead(middle_factors(), SIZE, details)
    wall._background()
    laid = wall.canvas + cut_out.opacity * (figure - wall.canvas)
    # A pixel of the edge is shaded with what shines through it.
    apart = (laid - whole).abs()
    assert float(apart.max()) < 0.04 and float(apart.mean()) < 1e-3
    assert 0.2 < float(cut_out.opacity.mean()) < 0.8 and bool((walled.opacity == 1.0).all())


def test_the_outline_moves_in_every_case(cases):
    for case in cases:
        before, after = case.window[:, :, 3], case.truth[:, :, 3]
        assert (before == 0).any() and (before == 255).any()
        if case.edit == "ear longer":
            assert (np.abs(before.astype(int) - after) > 200).sum() > 10


def test_the_truth_scores_best_and_an_empty_layer_worst(cases):
    for case in cases:
        best, untouched, empty = (
            score(case, each) for each in (case.truth, case.window, np.zeros_like(case.window))
        )
        assert best.psnr == 100.0 and best.opacity == 0.0
        assert best.psnr > untouched.psnr > empty.psnr
        assert empty.opacity > untouched.opacity


def test_what_is_transparent_shows_its_ground(cases):
    shown = over(cases[0].window, GROUNDS[2])
    outside = cases[0].window[:, :, 3] == 0
    assert (shown[outside] == (*GROUNDS[2], 255)).all()


def test_both_forms_leave_what_must_stay(cases):
    case = cases[1]
    pictures = finished(trained_model(), case)
    kept = case.editable_mask == 0
    for name in ("patch", "replacement"):
        assert np.array_equal(pictures[name][kept], case.window[kept])
    assert np.array_equal(pictures["untouched"], case.window)
    clear = case.window[:, :, 3] == 0
    assert not pictures["patch"][clear, 3].any() and pictures["replacement"][clear, 3].any()
