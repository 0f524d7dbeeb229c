"""The mask around a case's points, and what is told of the picture outside it."""

import pytest
import torch

from benchmarks.holding import WAYS, box_around, change_at_the_edge, change_outside
from tests.fakes.generator import trained_model


def test_the_mask_is_a_box_around_all_points():
    handles, targets = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.75, 0.25]])
    mask = box_around(handles, targets, 100)[0, 0]
    row, column = mask.nonzero(as_tuple=True)
    assert (int(row.min()), int(row.max())) == (15, 59)
    assert (int(column.min()), int(column.max())) == (40, 84)
    assert float(mask.sum()) == 45 * 45


def test_the_mask_ends_at_the_border():
    mask = box_around(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.05, 0.95]]), 32)
    assert mask[0, 0, -1, 0] == 1.0


def test_what_changes_in_the_mask_is_not_told():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 1.0
    before = torch.rand(1, 3, 32, 32)
    assert change_outside(before, before + 0.5 * mask, mask) == (0.0, 0.0)


def test_the_rim_is_beside_the_mask():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 1.0
    before, after = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    after[..., 7, 7:17] = 1.0  # one side of a rim of one pixel
    outside, rim = change_outside(before, after, mask)
    assert outside == pytest.approx(255.0 * 10 / (32 * 32 - 64))
    assert rim == pytest.approx(255.0 * 10 / 36)


def test_the_seam_is_along_the_edge_inside_the_mask():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, :8] = 1.0  # reaches the picture's border, which is no edge
    before = torch.zeros(1, 3, 32, 32)
    after = before.clone()
    after[..., 8:16, 0:8] = 0.2
    after[..., 9:15, 0:7] = 0.9
    assert change_at_the_edge(before, after, mask) == pytest.approx(255.0 * 0.2, rel=1e-5)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_only_the_ways_that_hold_hold(way):
    model = trained_model()
    w_plus = torch.zeros(1, model.generator.num_ws, model.generator.w_dim)
    held = way.holding(model, w_plus, torch.zeros(1, 1, 32, 32))
    moved = [row + 1.0 for row in w_plus.unbind(1)]
    with torch.no_grad():
        shown = model.generator.render(moved, held)
        kept = model.generator.render(w_plus.unbind(1))
    assert torch.equal(shown, kept) == way.is_held
