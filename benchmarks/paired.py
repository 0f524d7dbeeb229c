"""Two ways measured on the same cases: how far apart, and whether that is more than chance."""

from dataclasses import dataclass

import torch
from torch import Tensor

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The second way's figures minus the first way's.

    Attributes:
        mean: over the cases.
        low, high: its 95 % interval, by bootstrap over the cases (percentiles).
        more_is_better: of the figure.
    """

    mean: float
    low: float
    high: float
    more_is_better: bool

    @property
    def verdict(self) -> str:
        """What the second way is: better or worse where the interval leaves 0 out, else same."""
        if self.low <= 0.0 <= self.high:
            return "same"
        return "better" if (self.mean > 0.0) == self.more_is_better else "worse"


def compare(first: Tensor, second: Tensor, *, more_is_better: bool = False) -> Difference:
    """Compares figures (n,) of two ways, case by case; the same for the same figures.

    Raises:
        ValueError: the ways were not measured on the same number of cases, or on fewer than two.
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            f"two ways must be measured on the same cases, at least two, got {tuple(first.shape)} "
            f"and {tuple(second.shape)}"
        )
    apart = (second - first).double()
    source = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(apart), (RESAMPLES, len(apart)), generator=source)
    means = apart[drawn].mean(dim=1)
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Difference(mean=float(apart.mean()), low=low, high=high, more_is_better=more_is_better)
