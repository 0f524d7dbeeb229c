"""The price of what may not move."""

import pytest
import torch

from engine.drag.protection import Protection, protected_area


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


def price(mask, **given):
    offset = torch.zeros(1, 2, requires_grad=True)
    return Protection.of_map(
        map_of(offset), mask, offset, **({"weight": 50.0, "probes": 64} | given)
    )


def test_what_may_move_is_free_and_what_may_not_is_dear():
    eased = price(left_half_editable()).eased(torch.eye(2))
    assert float(eased[0, 0]) == pytest.approx(1.0, abs=1e-5)
    assert float(eased[1, 1]) < 0.1


def test_the_price_is_the_mean_square_change_in_spreads_of_the_map():
    protection = price(left_half_editable(), probes=4096)
    spread = map_of(torch.zeros(1, 2)).std()
    expected = 1.0 / (1.0 + 50.0 / float(spread) ** 2)
    # A mixture of protected pixels that all move alike is a random walk: right in the mean.
    assert float(protection.eased(torch.eye(2))[1, 1]) == pytest.approx(expected, rel=0.15)


def test_it_does_not_depend_on_how_much_is_protected():
    small = torch.ones(1, 1, 32, 32)
    small[..., -4:, -4:] = 0.0
    prices = [
        1.0 / float(price(m, probes=2048).eased(torch.eye(2))[1, 1])
        for m in (small, left_half_editable())
    ]
    assert prices[0] == pytest.approx(prices[1], rel=0.3)


def test_where_everything_may_move_nothing_costs():
    rows = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(price(torch.ones(1, 1, 32, 32)).eased(rows), rows)
    assert torch.equal(price(left_half_editable(), weight=0.0).eased(rows), rows)


def test_easing_is_the_inverse_of_one_plus_the_price():
    factor = torch.randn(3, 7, generator=torch.Generator().manual_seed(2)).double()
    rows = torch.eye(7).double()
    one_plus = rows + factor.T @ factor
    torch.testing.assert_close(Protection(factor).eased(rows) @ one_plus, rows)


def test_the_same_price_each_time():
    first, second = (price(left_half_editable()).eased(torch.eye(2)) for _ in range(2))
    assert torch.equal(first, second)


def test_protected_is_what_may_not_move():
    area = protected_area(left_half_editable(), 8)
    assert area[0, 0, 0].tolist() == [0.0] * 4 + [1.0] * 4
    assert protected_area(torch.ones(1, 1, 32, 32), 8) is None


def test_a_soft_edge_is_protected_in_part():
    mask = torch.full((1, 1, 32, 32), 0.75)
    assert protected_area(mask, 8).unique().tolist() == [0.25]
