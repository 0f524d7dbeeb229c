"""What may not move, as a price on changes of w.

Pan et al. 2023, Eq. 1, adds to the loss how far the features have strayed where nothing may move.
Here it is a quadratic form: u^T M u tells how much a small offset u of w changes a map in its
protected part, M = J^T J, J the derivative of the map. M is known before the first step, so a step
is made with it in view and not corrected by it afterwards.
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor


class Protection:
    """The price of an offset: u^T M u, M = V^T V.

    Args:
        factor: V, (m, U); no row, no price.
    """

    def __init__(self, factor: Tensor) -> None:
        self._factor = factor
        one = torch.eye(len(factor)).to(factor)
        self._inner = torch.linalg.inv(one + factor @ factor.T)  # (m, m)

    @classmethod
    def none(cls, offset: Tensor) -> Self:
        """Gives the price of a picture in which everything may move."""
        return cls(offset.detach().new_zeros(0, offset.numel()))

    @classmethod
    def of_map(
        cls, maps: Tensor, editable_mask: Tensor, offset: Tensor, *, weight: float, probes: int
    ) -> Self:
        """Gives the price of changing a map where nothing may move.

        J^T J is estimated from random signs (Hutchinson 1990): the mean over the probes of the
        gradient's square along random mixtures of the protected pixels. It is normalised by the
        protected area and the map's own spread, so it depends on neither.

        Args:
            maps: (1, C, H, W), a function of `offset`.
            editable_mask: (1, 1, S, S), in [0, 1], 1 = may move.
            offset: the leaf u, any shape.
            weight: lambda.
            probes: how many mixtures; M has at most this rank.
        """
        protected = protected_area(editable_mask, maps.shape[-1])
        if protected is None or weight == 0.0:
            return cls.none(offset)
        spread = maps.detach().std().clamp(min=1e-12)
        share = (protected / (protected.sum() * maps.shape[1])).sqrt() / spread  # (1, 1, H, W)
        source = torch.Generator().manual_seed(0)
        rows = []
        for _ in range(probes):
            signs = torch.randint(0, 2, maps.shape, generator=source) * 2.0 - 1.0
            (row,) = torch.autograd.grad(maps, offset, signs.to(maps) * share, retain_graph=True)
            rows.append(row.flatten())
        return cls(torch.stack(rows) * (weight / probes) ** 0.5)

    def eased(self, rows: Tensor) -> Tensor:
        """Gives (1 + M)^-1 of each row, (n, U): little is left of what is dear."""
        dear: Tensor = rows @ self._factor.T @ self._inner @ self._factor
        return rows - dear


def protected_area(editable_mask: Tensor, size: int) -> Tensor | None:
    """Gives the protected share of each pixel of a map, or None where everything may move.

    Args:
        editable_mask: (1, 1, S, S), in [0, 1], 1 = may move.
        size: side of the map, px.

    Returns:
        (1, 1, size, size).
    """
    editable = F.interpolate(editable_mask, size=(size, size), mode="area")
    protected = 1.0 - editable
    return protected if bool(protected.any()) else None
