"""What a mask keeps, kept in the features themselves.

The paper's mask is a term of the loss, which a drag trades against its handles. Here nothing is
left to trade: beyond the layers whose style is dragged, every map is, where nothing may move, the
one of the picture that stays. Finer layers have the same style on both sides and join the two as
they join all else, where a paste into the finished picture would leave a seam.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.generator.tiles import Cut, Tile

Rows = Sequence[Tensor]
Layer = Callable[[Tensor, Tensor, Cut | None], Tensor]  # a map, a row of w+, tiles: the next map


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A picture that stays, and where.

    Attributes:
        rows: its rows of w+, each (1, w_dim).
        editable_mask: (1, 1, S, S) in [0, 1], 1 = may move.
        first_layer: index of the first layer whose map is held.
    """

    rows: Rows
    editable_mask: Tensor
    first_layer: int

    def blend(
        self, moved: Tensor, kept: Tensor, size: int, tiles: Sequence[Tile] | None = None
    ) -> Tensor:
        """Gives what moved where the mask lets it, else what is kept.

        Args:
            moved: (N, C, h, w), a map of `size` px, or tiles of it.
            kept: likewise, of the picture that stays.
            size: side of the whole map, px.
            tiles: which tiles these are.
        """
        editable = F.interpolate(self.editable_mask.to(moved), size=(size, size), mode="area")
        if tiles is not None:
            cut = [editable[0, :, y.start : y.end, x.start : x.end] for x, y in tiles]
            editable = torch.stack(cut)
        return torch.lerp(kept, moved, editable)


def ways_of(rows: Rows, held: Held | None) -> list[Rows]:
    """Gives the rows of all pictures that go through the layers: the one that moves, and the one
    that stays, if any."""
    return [rows] if held is None else [rows, held.rows]


def advance(
    layer: Layer,
    index: int,
    maps: Sequence[Tensor],
    ways: Sequence[Rows],
    held: Held | None,
    *,
    size: int,
    cut: Cut | None = None,
) -> list[Tensor]:
    """Takes the map of each picture through a layer, and keeps in the first what is held.

    Args:
        layer: with row `index` of each picture.
        index: of the layer.
        maps: of each picture, before the layer.
        ways: of `ways_of`.
        held: what stays; None for nothing.
        size: side of the map that the layer makes, px.
        cut: which tiles of it; None for all.
    """
    made = [layer(x, rows[index], cut) for x, rows in zip(maps, ways, strict=True)]
    if held is not None and index >= held.first_layer:
        made[0] = held.blend(made[0], made[1], size, None if cut is None else cut.makes)
    return made
