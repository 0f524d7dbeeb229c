"""How handles move with w, against blobs whose places are known and finite differences."""

import pytest
import torch

from engine.drag.motion_supervision import handle_motion, step_towards
from engine.drag.price import Price
from engine.generator.local_features import sample_features
from engine.geometry import disc_offsets
from tests.fakes.blobs import BLOCK, FIRST, SECOND, BlobGenerator

DISC = disc_offsets(0.75, 0.25, torch.device("cpu")).double()
PLACES = torch.tensor([FIRST, SECOND], dtype=torch.float64)


def blobs(offset, **kind):
    """Gives the blobs' map for an offset (1, 2, 2) of their rows, float64."""
    return BlobGenerator(**kind).features(offset.unbind(1), BLOCK)


def motion_at(offset, handles, **kind):
    leaf = offset.clone().requires_grad_()
    return handle_motion(blobs(leaf, **kind), handles, DISC, leaf)


def found(features, place, template):
    """Gives where a disc of features is most like a template, by Newton's steps from a place."""
    for _ in range(60):
        here = place.clone().requires_grad_()
        error = (sample_features(features, here + DISC) - template).square().sum()
        (slope,) = torch.autograd.grad(error, here)
        place = place - 0.05 * slope
    return place


def test_a_blob_moves_as_its_row_says():
    motion = motion_at(torch.zeros(1, 2, 2, dtype=torch.float64), PLACES)
    torch.testing.assert_close(motion, torch.eye(4, dtype=torch.float64), rtol=0, atol=0.02)


def test_what_follows_another_moves_with_its_row_too():
    motion = motion_at(torch.zeros(1, 2, 2, dtype=torch.float64), PLACES, follows=0.5)
    expected = torch.tensor([[0.5, 0.0, 1.0, 0.0], [0.0, 0.5, 0.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(motion[2:], expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("row", [0, 1])
def test_it_is_the_finite_difference_of_where_the_part_is_found(row):
    start = torch.full((1, 2, 2), 0.3, dtype=torch.float64)
    handles = PLACES + 0.3
    template = sample_features(blobs(start), handles[row] + DISC)
    motion = motion_at(start, handles)[2 * row : 2 * row + 2].view(2, 2, 2)
    for axis in range(2):
        ends = []
        for sign in (1.0, -1.0):
            moved = start.clone()
            moved[0, row, axis] += 0.05 * sign
            ends.append(found(blobs(moved), handles[row], template))
        way = (ends[0] - ends[1]) / 0.1
        torch.testing.assert_close(motion[:, row, axis], way, rtol=0.05, atol=0.02)


def test_all_handles_together_are_each_alone():
    offset = torch.zeros(1, 2, 2, dtype=torch.float64)
    together = motion_at(offset, PLACES, follows=0.7)
    alone = [motion_at(offset, place[None], follows=0.7) for place in PLACES]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("place", [(0.0, 0.0), (15.9, 0.1), (8.0, 16.0)])
def test_a_flat_place_and_one_at_the_border_are_finite(place):
    offset = torch.zeros(1, 2, 2, requires_grad=True)
    flat = 0.0 * offset.sum() + torch.ones(1, 3, BLOCK, BLOCK)
    handle = torch.tensor([place])
    for features in (flat, blobs(offset)):
        motion = handle_motion(features, handle, DISC.float(), offset)
        assert bool(motion.isfinite().all())
    assert not bool(handle_motion(flat, handle, DISC.float(), offset).any())


def priced(factor):
    """Gives a price with a curvature of 1 + V^T V."""
    return Price(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), factor)


def stepped(motion, ways, slope=None, price=None, damping=1e-6, longest=100.0, sure=None):
    motion, ways = torch.tensor(motion), torch.tensor(ways)
    return step_towards(
        motion,
        ways,
        torch.ones(len(ways)) if sure is None else torch.tensor(sure),
        torch.zeros(motion.shape[1]) if slope is None else torch.tensor(slope),
        price or priced(motion.new_zeros(0, motion.shape[1])),
        damping=damping,
        longest=longest,
    )


def test_the_step_moves_the_handles_by_their_ways():
    source = torch.Generator().manual_seed(1)
    motion, ways = torch.randn(4, 9, generator=source), torch.randn(2, 2, generator=source)
    step = stepped(motion.tolist(), ways.tolist())
    torch.testing.assert_close(motion @ step, ways.flatten(), rtol=1e-3, atol=1e-3)


def test_of_all_steps_it_is_the_shortest():
    step = stepped([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[2.0, 0.0]])
    torch.testing.assert_close(step, torch.tensor([1.0, 1.0, 0.0]), rtol=1e-4, atol=1e-4)


def test_the_damping_is_a_share_of_the_motion():
    motion, ways = [[3.0, 0.0], [0.0, 3.0]], [[1.0, 0.0]]
    step = stepped(motion, ways, damping=1.0)
    torch.testing.assert_close(step, torch.tensor([3.0 / 18.0, 0.0]))


def test_no_step_is_longer_than_the_longest():
    step = stepped([[0.01, 0.0], [0.0, 0.01]], [[1.0, 0.0]], longest=1.5)
    assert float(step.norm()) == pytest.approx(1.5)


def test_what_can_not_be_moved_asks_for_no_step():
    assert not bool(stepped([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0]]).any())


def test_a_handle_that_was_hardly_found_gives_way_to_one_that_was():
    motion = [[1.0], [0.0], [1.0], [0.0]]  # two handles that one number moves, asked apart
    step = stepped(motion, [[1.0, 0.0], [-1.0, 0.0]], sure=[1.0, 0.0])
    assert float(step[0]) > 0.9


def test_a_dear_direction_is_taken_less():
    dear = priced(torch.tensor([[10.0, 0.0]]))
    step = stepped([[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0]], price=dear)
    assert abs(float(step[0])) < 0.02 and float(step[1]) == pytest.approx(1.0, abs=0.02)


def test_it_goes_down_the_price_where_no_handle_moves():
    # The handle hangs on the first number alone: of the slope only the rest is gone down.
    step = stepped([[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0]], slope=[0.5, 0.5])
    torch.testing.assert_close(step, torch.tensor([0.0, -0.5]), rtol=0.0, atol=2e-3)


def random_problem():
    source = torch.Generator().manual_seed(3)
    sizes = ((4, 6), (2, 2), (3, 6), (6,))
    return [torch.randn(*size, generator=source).double() for size in sizes]


def test_where_the_price_is_as_told_one_step_is_the_cheapest_that_brings_the_handles_there():
    motion, ways, factor, offset = random_problem()
    curvature = torch.eye(6).double() + factor.T @ factor
    sure = torch.ones(2).double()
    step = step_towards(
        motion, ways, sure, curvature @ offset, priced(factor), damping=1e-9, longest=1e3
    )
    torch.testing.assert_close(motion @ step, ways.flatten(), rtol=1e-2, atol=1e-2)
    # No handle moves along what is left of the price's slope: nothing cheaper is to be had.
    free = torch.linalg.svd(motion).Vh[4:]  # (2, 6), moves no handle
    left = free @ curvature @ (offset + step)
    before = free @ curvature @ offset
    assert float(left.norm()) < 0.02 * float(before.norm())


def test_towards_the_handles_it_is_the_least_of_what_it_minimises():
    motion, ways, factor, _ = random_problem()
    damping = 0.3
    share = damping * motion.square().sum(dim=1).mean()

    def cost(step):
        priced_as = step.square().sum() + (factor @ step).square().sum()
        return (motion @ step - ways.flatten()).square().sum() + share * priced_as

    step = step_towards(
        motion,
        ways,
        torch.ones(2).double(),
        torch.zeros(6).double(),
        priced(factor),
        damping=damping,
        longest=100.0,
    ).requires_grad_()
    (slope,) = torch.autograd.grad(cost(step), step)
    assert float(slope.abs().max()) < 1e-9
