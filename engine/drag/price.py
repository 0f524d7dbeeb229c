"""What a change of the picture costs, as a price on changes of w.

Pan et al. 2023, Eq. 1, adds to the loss how far the features have strayed where nothing may move.
Here all of the picture has a price, since a drag asks for no more than its handles: a mouth may
open instead of a head that nods. What may not move is dearer: it cannot change (`held.py` of the
generator), but the less it would, the better the rest meets it.

The price is |u|^2, u the offset of w in its standard deviations, plus the mean square change of a
map of features, weighted pixel by pixel. Its slope is exact at every step. Its curvature, with J
the derivative of the map 1 + J^T W J, is taken once, before the first step, along the directions in
which w spreads most: along the others the map hardly changes.
"""

from collections.abc import Callable
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

_AT_ONCE = 8  # directions; more take more memory and are no faster


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
    def at(
        cls,
        map_of: Callable[[Tensor], Tensor],
        directions: Tensor,
        editable_mask: Tensor | None,
        *,
        change_weight: float,
        mask_weight: float,
    ) -> Self:
        """Gives the price of changing a map, by how much of its spread it changes in the mean.

        Args:
            map_of: gives the map, (1, C, H, W), for an offset.
            directions: (m, *), of the offset, at right angles and of length one: those along which
                the curvature is taken.
            editable_mask: (1, 1, S, S), in [0, 1], 1 = may move; None: everything may.
            change_weight: kappa, of any change.
            mask_weight: lambda, of a change where nothing may move, beside that.
        """
        still = torch.zeros_like(directions[0])
        with torch.no_grad():
            start = map_of(still)
        channels, height, width = start.shape[1:]
        price = start.new_full((1, 1, height, width), change_weight / (height * width))
        if editable_mask is not None:
            protected = 1.0 - F.interpolate(editable_mask, size=(height, width), mode="area")
            price = price + mask_weight * protected / protected.sum().clamp(min=1e-12)
        weights = price / (channels * start.var().clamp(min=1e-12))

        def change(direction: Tensor) -> Tensor:
            changed: Tensor = torch.func.jvp(map_of, (still,), (direction,))[1]
            return (changed * weights.sqrt()).flatten()

        changes = torch.func.vmap(change, chunk_size=_AT_ONCE)(directions)  # (m, C * H * W)
        squares, axes = torch.linalg.eigh(changes @ changes.T)
        factor = (axes * squares.clamp(min=0.0).sqrt()).T @ directions.flatten(1)
        return cls(start, weights, factor)

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
