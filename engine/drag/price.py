"""What a change of the picture costs, as a price on changes of w.

Pan et al. 2023, Eq. 1, adds to the loss how far the features have strayed where nothing may move.
Here all of the picture has a price, since a drag asks for no more than its handles: a mouth may
open instead of a head that nods. What may not move is dearer: it cannot change (`held.py` of the
generator), but the less it would, the better the rest meets it.

The price is |u|^2, u the offset of w in its standard deviations, plus the mean square change of a
map of features, weighted pixel by pixel. Its slope is exact at every step. Its curvature, with J
the derivative of the map 1 + J^T W J, is read off once, before the first step, by random signs.
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

_PROBES_AT_ONCE = 8  # more take more memory and are no faster


class Price:
    """The price of an offset of w.

    Args:
        start: (1, C, H, W), the map at no offset.
        weights: (1, 1, H, W), W: what the square of a change there costs.
        factor: V, (m, U), with 1 + V^T V for the curvature.
    """

    def __init__(self, start: Tensor, weights: Tensor, factor: Tensor) -> None:
        self._start, self._weights, self._factor = start, weights, factor
        one = torch.eye(len(factor)).to(factor)
        self._inner = torch.linalg.inv(one + factor @ factor.T)  # (m, m)

    @classmethod
    def of_map(
        cls,
        maps: Tensor,
        offset: Tensor,
        editable_mask: Tensor | None,
        *,
        change_weight: float,
        mask_weight: float,
        probes: int,
    ) -> Self:
        """Gives the price of changing a map, by how much of its spread it changes in the mean.

        J^T W J is estimated by random signs (Hutchinson 1990): the mean over the probes of the
        gradient's square along random mixtures of the pixels.

        Args:
            maps: (1, C, H, W), a function of `offset`.
            offset: the leaf u, any shape, zero.
            editable_mask: (1, 1, S, S), in [0, 1], 1 = may move; None: everything may.
            change_weight: kappa, of any change.
            mask_weight: lambda, of a change where nothing may move, beside that.
            probes: how many mixtures.
        """
        channels, height, width = maps.shape[1:]
        price = maps.new_full((1, 1, height, width), change_weight / (height * width))
        if editable_mask is not None:
            protected = 1.0 - F.interpolate(editable_mask, size=(height, width), mode="area")
            price = price + mask_weight * protected / protected.sum().clamp(min=1e-12)
        weights = price / (channels * maps.detach().var().clamp(min=1e-12))
        source = torch.Generator().manual_seed(0)
        rows = []
        for begun in range(0, probes, _PROBES_AT_ONCE):
            shape = (min(_PROBES_AT_ONCE, probes - begun), *maps.shape)
            signs = torch.randint(0, 2, shape, generator=source) * 2.0 - 1.0
            (found,) = torch.autograd.grad(
                maps, offset, signs.to(maps) * weights.sqrt(), retain_graph=True,
                is_grads_batched=True,
            )  # fmt: skip
            rows.append(found.flatten(1))
        return cls(maps.detach(), weights, torch.cat(rows) / probes**0.5)

    def slope(self, maps: Tensor, offset: Tensor) -> Tensor:
        """Gives half the gradient of the price, (U,).

        Args:
            maps: (1, C, H, W), the map now, a function of `offset`.
            offset: the leaf u.
        """
        change = self._weights * (maps.detach() - self._start)
        (pulled,) = torch.autograd.grad(maps, offset, change)
        return (offset.detach() + pulled).flatten()

    def eased(self, rows: Tensor) -> Tensor:
        """Gives each row, (n, U), times the inverse of the curvature: little is left of what is
        dear."""
        dear: Tensor = rows @ self._factor.T @ self._inner @ self._factor
        return rows - dear
