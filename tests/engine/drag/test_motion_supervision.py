"""Both terms of the loss against known answers and a per-pixel form in float64."""

import math

import numpy as np
import pytest
import torch

from engine.drag.motion_supervision import (
    holding_loss,
    motion_supervision_loss,
    protected_area,
    protection_loss,
)
from engine.geometry import disc_offsets, sample

STEP = 0.25
DISC = disc_offsets(0.75, 0.25, torch.device("cpu"))


def weights_of_pixels(x, y, height, width):
    """Gives {(row, column): share} of a bilinear reading at continuous (x, y)."""
    left, top = math.floor(x - 0.5), math.floor(y - 0.5)
    dx, dy = x - 0.5 - left, y - 0.5 - top
    shares: dict[tuple[int, int], float] = {}
    for row, share_y in ((top, 1 - dy), (top + 1, dy)):
        for column, share_x in ((left, 1 - dx), (left + 1, dx)):
            place = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
            shares[place] = shares.get(place, 0.0) + share_y * share_x
    return shares


def plainly(features, handles, targets):
    """Gives loss and gradient of Eq. 1 pixel by pixel: features (C, H, W), float64."""
    channels, height, width = features.shape
    loss, gradient = 0.0, np.zeros_like(features)
    for handle, target in zip(handles, targets, strict=True):
        way = target - handle
        shift = way * min(1.0, STEP / max(np.linalg.norm(way), 1e-30))
        for offset in DISC.double().numpy():
            now = weights_of_pixels(*(handle + offset), height, width)
            ahead = weights_of_pixels(*(handle + offset + shift), height, width)
            difference = sum(s * features[:, i, j] for (i, j), s in ahead.items())
            difference = difference - sum(s * features[:, i, j] for (i, j), s in now.items())
            share = 1.0 / (channels * len(DISC))
            loss += share * np.abs(difference).sum()
            for (i, j), s in ahead.items():
                gradient[:, i, j] += share * s * np.sign(difference)
    return loss, gradient


def ramp(size=16):
    """One channel whose value is the x of the place."""
    return (torch.arange(size) + 0.5).expand(1, 1, size, size)


def loss_on_ramp(handle, target):
    return float(
        motion_supervision_loss(
            ramp(), torch.tensor([handle]), torch.tensor([target]), DISC, step_length=STEP
        )
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_loss_and_gradient_are_those_of_the_plain_form(dtype):
    source = torch.Generator().manual_seed(3)
    features = torch.randn(1, 5, 12, 12, generator=source, dtype=torch.float64)
    handles = 2.0 + 8.0 * torch.rand(4, 2, generator=source, dtype=torch.float64)
    handles[3] = torch.tensor([0.2, 11.7])  # at the rim, where the nearest pixel counts
    targets = 12.0 * torch.rand(4, 2, generator=source, dtype=torch.float64)
    targets[2] = handles[2] + 0.1
    expected, gradient = plainly(features[0].numpy(), handles.numpy(), targets.numpy())
    leaf = features.to(dtype).requires_grad_()
    loss = motion_supervision_loss(
        leaf, handles.to(dtype), targets.to(dtype), DISC.to(dtype), step_length=STEP
    )
    (found,) = torch.autograd.grad(loss, leaf)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    error = np.linalg.norm(found[0].double().numpy() - gradient) / np.linalg.norm(gradient)
    assert error < 1e-5


def test_a_step_asks_for_its_length():
    assert loss_on_ramp([5.0, 8.0], [12.0, 8.0]) == pytest.approx(STEP, rel=1e-4)
    assert loss_on_ramp([5.0, 8.0], [9.0, 12.0]) == pytest.approx(STEP / 2**0.5, rel=1e-4)


@pytest.mark.parametrize("left", [0.2, 0.1, 0.01])
def test_a_step_is_never_longer_than_the_way_left(left):
    assert loss_on_ramp([8.0, 8.0], [8.0 + left, 8.0]) == pytest.approx(left, rel=1e-3)


def test_a_pin_asks_for_nothing_while_it_is_in_its_place():
    assert loss_on_ramp([8.0, 8.0], [8.0, 8.0]) == 0.0


def test_handles_add_up():
    features = torch.randn(1, 4, 16, 16)
    handles, targets = torch.tensor([[4.0, 4.0], [10.0, 9.0]]), torch.tensor([[6.0, 4.0]] * 2)
    both = motion_supervision_loss(features, handles, targets, DISC, step_length=STEP)
    each = [
        motion_supervision_loss(
            features, handles[i : i + 1], targets[i : i + 1], DISC, step_length=STEP
        )
        for i in range(2)
    ]
    torch.testing.assert_close(both, each[0] + each[1])


def test_the_side_that_is_held_has_no_gradient():
    features = torch.randn(1, 4, 16, 16, requires_grad=True)
    handle, target = torch.tensor([[3.0, 8.0]]), torch.tensor([[13.0, 8.0]])
    # A shift much longer than the disc parts the two sides.
    loss = motion_supervision_loss(features, handle, target, DISC, step_length=8.0)
    (gradient,) = torch.autograd.grad(loss, features)
    assert not gradient[..., :8].any()
    assert gradient[..., 10:12].any()


def test_the_protected_area_is_what_the_mask_keeps():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1.0
    mask[0, 0, 0, 6] = 1.0
    protected = protected_area(mask, 4)
    assert protected is not None
    assert protected[0, 0].tolist() == [[0.0, 0.0, 1.0, 0.75]] + [[0.0, 0.0, 1.0, 1.0]] * 3


def test_where_everything_may_move_nothing_is_protected():
    assert protected_area(torch.ones(1, 1, 8, 8), 4) is None


def test_the_protection_is_zero_on_the_first_features():
    features = torch.randn(1, 3, 8, 8)
    assert float(protection_loss(features, features, torch.ones(1, 1, 8, 8))) == 0.0


@pytest.mark.parametrize("columns", [1, 3, 8])
def test_the_protection_is_a_mean_over_what_is_protected(columns):
    first, protected = torch.randn(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    protected[..., :columns] = 1.0
    strayed = first + 0.5
    strayed[..., columns:] += 7.0  # what may move counts for nothing
    assert float(protection_loss(strayed, first, protected)) == pytest.approx(0.5, rel=1e-5)


def test_a_part_in_its_place_is_held_without_a_pull():
    features, place = torch.randn(1, 4, 16, 16), torch.tensor([[8.0, 7.0], [3.0, 3.0]])
    discs = sample(features, place[:, None] + DISC)
    assert holding_loss(features, place, DISC, discs).tolist() == [0.0, 0.0]


def test_holding_counts_each_place_by_itself():
    places = torch.tensor([[5.0, 8.0], [9.0, 4.0]])
    discs = sample(ramp(), places[:, None] + DISC) + torch.tensor([0.5, -2.0])[:, None, None]
    found = holding_loss(ramp(), places, DISC, discs)
    torch.testing.assert_close(found, torch.tensor([0.5, 2.0]))
