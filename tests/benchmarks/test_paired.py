"""Paired differences and their verdict."""

import pytest
import torch

from benchmarks.paired import compare


def noise(count=50, seed=1):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed))


def test_the_mean_difference_lies_in_its_interval():
    found = compare(noise(), noise(seed=2) + 1.0)
    assert found.low < found.mean < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2**0.5 / 50**0.5, rel=0.3)


@pytest.mark.parametrize("shift, more_is_better, verdict", [
    (-1.0, False, "better"), (1.0, False, "worse"), (1.0, True, "better"), (-1.0, True, "worse"),
])  # fmt: skip
def test_a_clear_difference_has_a_side(shift, more_is_better, verdict):
    first = noise()
    second = first + shift + 0.1 * noise(seed=2)
    assert compare(first, second, more_is_better=more_is_better).verdict == verdict


def test_chance_has_none():
    assert compare(noise(), noise() + noise(seed=2) - noise(seed=2).mean()).verdict == "same"
    assert compare(noise(), noise()).verdict == "same"


def test_cases_count_in_pairs():
    hard = 10.0 * noise()  # far more spread among the cases than between the ways
    assert compare(hard, hard - 0.5 + 0.1 * noise(seed=2)).verdict == "better"


@pytest.mark.parametrize("counts", [(3, 4), (1, 1)])
def test_other_than_pairs_are_refused(counts):
    with pytest.raises(ValueError, match="same cases, at least two"):
        compare(*(torch.zeros(n) for n in counts))
