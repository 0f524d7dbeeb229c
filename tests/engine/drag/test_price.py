"""What a change of the picture costs, and what a change where nothing may move."""

import pytest
import torch

from engine.drag.price import Price


def map_of(offset, size=8):
    """Gives two channels: the left half shows the first number, the right half the second."""
    left = torch.zeros(1, 2, size, size, dtype=offset.dtype)
    left[..., : size // 2] = 1.0
    still = torch.linspace(-1.0, 1.0, size, dtype=offset.dtype)
    return left * offset[0, 0] + (1.0 - left) * offset[0, 1] + still


def left_half_editable(size=32):
    mask = torch.zeros(1, 1, size, size)
    mask[..., : size // 2] = 1.0
    return mask


def price(mask=None, make=map_of, **given):
    offset = torch.zeros(1, 2, requires_grad=True)
    values = {"change_weight": 0.0, "mask_weight": 50.0, "probes": 64} | given
    return Price.of_map(make(offset), offset, mask, **values)


def test_what_may_move_is_free_and_what_may_not_is_dear():
    eased = price(left_half_editable()).eased(torch.eye(2))
    assert float(eased[0, 0]) == pytest.approx(1.0, abs=1e-5)
    assert float(eased[1, 1]) < 0.1


def test_without_a_mask_every_change_costs_alike():
    eased = price(change_weight=50.0, probes=4096).eased(torch.eye(2))
    spread = map_of(torch.zeros(1, 2)).std()
    expected = 1.0 / (1.0 + 0.5 * 50.0 / float(spread) ** 2)
    # A mixture of pixels that all move alike is a random walk: right in the mean.
    assert eased.diagonal().tolist() == pytest.approx([expected, expected], rel=0.15)


def test_the_price_of_a_mask_does_not_depend_on_how_much_is_protected():
    small = torch.ones(1, 1, 32, 32)
    small[..., -4:, -4:] = 0.0
    prices = [
        1.0 / float(price(m, probes=2048).eased(torch.eye(2))[1, 1])
        for m in (small, left_half_editable())
    ]
    assert prices[0] == pytest.approx(prices[1], rel=0.3)


def test_where_everything_may_move_and_a_change_costs_nothing_all_is_free():
    rows = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(price(torch.ones(1, 1, 32, 32)).eased(rows), rows)
    assert torch.equal(price(left_half_editable(), mask_weight=0.0).eased(rows), rows)


def test_a_soft_edge_is_protected_in_part():
    prices = [
        1.0 / float(price(left_half_editable() * soft, probes=2048).eased(torch.eye(2))[0, 0]) - 1.0
        for soft in (0.0, 0.5)
    ]
    # Half of its left half is protected: of 1.5 halves one third, where it was one of two.
    assert prices[1] / prices[0] == pytest.approx(2.0 / 3.0, rel=0.2)


def test_the_slope_is_that_of_the_price_and_not_of_its_estimate():
    def bent(offset):
        return map_of(offset.square() + offset)

    start = torch.zeros(1, 2, dtype=torch.float64)
    mask = left_half_editable().double()
    leaf = start.clone().requires_grad_()
    found = Price.of_map(bent(leaf), leaf, mask, change_weight=3.0, mask_weight=7.0, probes=1)
    now = torch.tensor([[0.7, -0.4]], dtype=torch.float64, requires_grad=True)

    def cost(offset):
        change = (bent(offset) - bent(start)).square().mean(dim=1) / bent(start).var()
        return offset.square().sum() + 3.0 * change.mean() + 7.0 * change[..., 4:].mean()

    (expected,) = torch.autograd.grad(0.5 * cost(now), now)
    torch.testing.assert_close(found.slope(bent(now), now), expected.flatten())


def test_at_the_start_there_is_no_slope():
    offset = torch.zeros(1, 2, requires_grad=True)
    assert not price(left_half_editable()).slope(map_of(offset), offset).any()


def test_easing_is_the_inverse_of_the_curvature():
    factor = torch.randn(3, 7, generator=torch.Generator().manual_seed(2)).double()
    rows = torch.eye(7).double()
    one_plus = rows + factor.T @ factor
    unused = torch.zeros(1, 1, 1, 1)
    torch.testing.assert_close(Price(unused, unused, factor).eased(rows) @ one_plus, rows)


def test_the_same_price_each_time_and_however_many_probes_go_together():
    first, second = (price(left_half_editable(), probes=11).eased(torch.eye(2)) for _ in range(2))
    assert torch.equal(first, second)
