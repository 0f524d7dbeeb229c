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
    values = {"change_weight": 0.0, "mask_weight": 50.0} | given
    return Price.at(make, torch.eye(2)[:, None], mask, **values)


def test_what_may_move_is_free_and_what_may_not_is_dear():
    eased = price(left_half_editable()).eased(torch.eye(2))
    assert float(eased[0, 0]) == pytest.approx(1.0, abs=1e-5)
    assert float(eased[1, 1]) < 0.1


def test_without_a_mask_every_change_costs_alike():
    eased = price(change_weight=50.0).eased(torch.eye(2))
    spread = map_of(torch.zeros(1, 2)).std()
    expected = 1.0 / (1.0 + 0.5 * 50.0 / float(spread) ** 2)
    assert eased.diagonal().tolist() == pytest.approx([expected, expected], rel=1e-4)


def test_the_price_of_a_mask_does_not_depend_on_how_much_is_protected():
    small = torch.ones(1, 1, 32, 32)
    small[..., -4:, -4:] = 0.0
    prices = [
        1.0 / float(price(m).eased(torch.eye(2))[1, 1]) for m in (small, left_half_editable())
    ]
    assert prices[0] == pytest.approx(prices[1], rel=1e-4)


def test_where_everything_may_move_and_a_change_costs_nothing_all_is_free():
    rows = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(price(torch.ones(1, 1, 32, 32)).eased(rows), rows)
    assert torch.equal(price(left_half_editable(), mask_weight=0.0).eased(rows), rows)


def test_a_soft_edge_is_protected_in_part():
    prices = [
        1.0 / float(price(left_half_editable() * soft).eased(torch.eye(2))[0, 0]) - 1.0
        for soft in (0.0, 0.5)
    ]
    # Half of its left half is protected: of 1.5 halves one third, where it was one of two.
    assert prices[1] / prices[0] == pytest.approx(2.0 / 3.0, rel=1e-4)


def bent(offset):
    return map_of(offset.square() + offset)


def cost(offset):
    """Gives the price with kappa 3 and lambda 7, the right half protected."""
    start = bent(torch.zeros_like(offset))
    change = (bent(offset) - start).square().mean(dim=1) / start.var()
    return offset.square().sum() + 3.0 * change.mean() + 7.0 * change[..., 4:].mean()


def bent_price(directions):
    mask = left_half_editable().double()
    return Price.at(bent, directions.double(), mask, change_weight=3.0, mask_weight=7.0)


def test_the_slope_is_half_the_gradient_of_the_price():
    now = torch.tensor([[0.7, -0.4]], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(0.5 * cost(now), now)
    found = bent_price(torch.eye(2)[:1, None]).slope(bent(now), now)
    torch.testing.assert_close(found, expected.flatten())


def test_the_curvature_is_that_of_the_price_at_the_start():
    still = torch.zeros(1, 2, dtype=torch.float64)
    expected = 0.5 * torch.autograd.functional.hessian(cost, still).view(2, 2)
    eased = bent_price(torch.eye(2)[:, None]).eased(torch.eye(2).double())
    torch.testing.assert_close(torch.linalg.inv(eased), expected)


def test_along_other_directions_only_the_offset_itself_costs():
    eased = bent_price(torch.eye(2)[:1, None]).eased(torch.eye(2).double())
    assert float(eased[0, 0]) < 0.5
    assert eased[1].tolist() == [0.0, 1.0]


def test_at_the_start_there_is_no_slope():
    offset = torch.zeros(1, 2, requires_grad=True)
    assert not price(left_half_editable()).slope(map_of(offset), offset).any()


def test_easing_is_the_inverse_of_the_curvature():
    factor = torch.randn(3, 7, generator=torch.Generator().manual_seed(2)).double()
    rows = torch.eye(7).double()
    one_plus = rows + factor.T @ factor
    unused = torch.zeros(1, 1, 1, 1)
    torch.testing.assert_close(Price(unused, unused, factor).eased(rows) @ one_plus, rows)
