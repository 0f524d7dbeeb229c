"""The pictures that no model saw: their truth is their own, and so is what they carry."""

import numpy as np
import pytest
import torch

from benchmarks.drag_cases import EDITS
from benchmarks.unseen import case_row, unseen_cases
from training.keypoints import load_detector

SIZE = 128


@pytest.fixture(scope="module")
def cases():
    return list(unseen_cases(5, detector=load_detector(), size=SIZE))


def apart(case):
    """How much each pixel of the truth differs, 1/255."""
    return np.abs(case.truth.astype(int) - case.window.astype(int)).max(axis=2)


def test_the_kinds_of_edits_take_turns(cases):
    assert [case.edit for case in cases] == [edit.name for edit in EDITS]


def test_a_case_is_an_opaque_window_with_its_truth_and_its_selection(cases):
    for case in cases:
        assert case.window.shape == case.truth.shape == (SIZE, SIZE, 4)
        assert case.editable_mask.shape == (SIZE, SIZE)
        assert case.window.dtype == case.truth.dtype == case.editable_mask.dtype == np.uint8
        assert (case.window[:, :, 3] == 255).all() and (case.truth[:, :, 3] == 255).all()


def test_outside_the_selection_the_truth_is_the_picture(cases):
    for case in cases:
        assert apart(case)[case.editable_mask == 0].max() < 0.04 * 255
        assert apart(case)[case.editable_mask == 255].max() > 0.2 * 255


def test_the_arrows_lie_in_the_selection(cases):
    for case in cases:
        for column, row in torch.cat([case.handles, case.targets]).long().tolist():
            assert case.editable_mask[row, column] > 127


def test_the_truth_has_its_places_at_the_targets(cases):
    for case in cases:
        way = (case.targets - case.handles).norm(dim=1).mean()
        assert float(case.distances_px(case.truth).mean()) < 0.03 * SIZE
        assert float(case.distances_px(case.window).mean()) > 0.5 * float(way)


def test_pairs_are_the_points(cases):
    for case in cases:
        found = [[*pair.handle, *pair.target] for pair in case.pairs]
        assert torch.equal(torch.tensor(found), torch.cat([case.handles, case.targets], dim=1))


def test_more_cases_are_not_others(cases):
    (first,) = unseen_cases(1, detector=load_detector(), size=SIZE)
    assert np.array_equal(first.truth, cases[0].truth)
    assert torch.equal(first.targets, cases[0].targets)


def test_a_row_shows_picture_others_and_truth(cases):
    row = case_row(cases[0], cases[0].window)
    assert row.size == (3 * SIZE, SIZE)
    assert np.array_equal(np.asarray(row)[:, 2 * SIZE :], cases[0].truth[:, :, :3])
