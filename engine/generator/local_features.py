"""The features of a block around a few places, computed from tiles of each layer.

They are those of the whole map, and so is their gradient; `tiles.py` tells why.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.generator.held import Held, Rows, advance, ways_of
from engine.generator.synthesis import Synthesis
from engine.generator.tiles import Batch, Plan, Span, Tile, plan, tile_around
from engine.geometry import sample


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFeatures:
    """A feature map that is known around some places only.

    Attributes:
        parts: (1, C, h, w) each, what is known of the map.
        tiles: where each part lies in it.
        homes: for each place the index of the part that holds its surroundings.
        size: side of the whole map, px.
    """

    parts: tuple[Tensor, ...]
    tiles: tuple[Tile, ...]
    homes: tuple[int, ...]
    size: int

    @property
    def shape(self) -> torch.Size:
        """Shape of the whole map, (1, C, Hf, Wf)."""
        return torch.Size((1, self.parts[0].shape[1], self.size, self.size))

    @property
    def device(self) -> torch.device:
        """Where the parts are."""
        return self.parts[0].device

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient goes through."""
        return self.parts[0].requires_grad

    def detach(self) -> "LocalFeatures":
        """Gives the same features without a gradient."""
        return replace(self, parts=tuple(part.detach() for part in self.parts))

    def sample(self, points: Tensor) -> Tensor:
        """Reads between the pixels, as `engine.geometry.sample` does.

        Args:
            points: (K, ..., 2), feature px of the whole map: for each place points in its reach.

        Returns:
            (K, ..., C).

        Raises:
            ValueError: there are more or fewer places, or a point lies where nothing is known.
        """
        if len(points) != len(self.homes):
            raise ValueError(
                f"the features are known around {len(self.homes)} places, got points around "
                f"{len(points)}; ask for the features around those"
            )
        tiles = [self.tiles[home] for home in self.homes]
        around = (len(tiles), *[1] * (points.ndim - 2), 2)

        def corner(of: Callable[[Span], float]) -> Tensor:
            return points.new_tensor([[of(span) for span in tile] for tile in tiles]).view(around)

        # Within half a pixel of its rim a part is not the whole map, but at the map's own border.
        low = corner(lambda span: span.start + 0.499 if span.start else -math.inf)
        high = corner(lambda span: span.end - 0.499 if span.end < self.size else math.inf)
        if bool(((points < low) | (points > high)).any()):
            raise ValueError(
                "a point lies where the features are not known; ask for them with a longer reach"
            )
        parts = [self.parts[home] for home in self.homes]
        places = points - corner(lambda span: span.start)
        return torch.stack([sample(*pair) for pair in zip(parts, places, strict=True)])


FeatureMap = Tensor | LocalFeatures  # a whole map, (1, C, Hf, Wf), or what is needed of it


def sample_features(features: FeatureMap, points: Tensor) -> Tensor:
    """Reads features between their pixels at points (K, ..., 2), feature px: (K, ..., C)."""
    return sample(features, points) if isinstance(features, Tensor) else features.sample(points)


def features_around(
    synthesis: Synthesis,
    rows: Rows,
    block: int,
    centres: Tensor,
    reach: float,
    held: Held | None = None,
) -> FeatureMap:
    """Gives the features of a block around some places, or the whole map where that is cheaper.

    Args:
        synthesis: the network.
        rows: the rows of w+ that the blocks up to this one take, each (1, w_dim).
        block: the block's size in px.
        centres: (K, 2), the places, feature px; at least one.
        reach: how far around them the features are to be read, feature px along either axis.
        held: what stays; None for nothing.
    """
    tiles = tuple(tile_around(x, y, reach, block) for x, y in centres.tolist())
    sizes = tuple(layer.layer_size for layer in synthesis.layers(block))
    return features_by_plan(synthesis, rows, block, tiles, plan(sizes, tiles), held)


def features_by_plan(
    synthesis: Synthesis,
    rows: Rows,
    block: int,
    tiles: Sequence[Tile],
    by: Plan,
    held: Held | None = None,
) -> FeatureMap:
    """Gives the features of a block in some tiles, computed as planned.

    Args:
        synthesis: the network.
        rows: the rows of w+ that the blocks up to this one take, each (1, w_dim).
        block: the block's size in px.
        tiles: one for each place.
        by: a plan that covers the tiles.
        held: what stays; None for nothing.
    """
    ways, layers = ways_of(rows, held), synthesis.layers(block)
    maps = [synthesis.constant(1)] * len(ways)
    for index, layer in enumerate(layers[: by.whole_layers]):
        maps = advance(layer, index, maps, ways, held, size=layer.size)
    if not by.batches:
        return maps[0]
    parts = []
    for batch in by.batches:
        cut_maps, tiles_held = _begun(maps, batch)
        for index, cut in enumerate(batch, start=by.whole_layers):
            layer = layers[index]
            cut_maps = [_cut(x, tiles_held, cut.reads) for x in cut_maps]
            cut_maps = advance(layer, index, cut_maps, ways, held, size=layer.size, cut=cut)
            tiles_held = cut.makes
        parts += [part[None] for part in cut_maps[0].unbind()]
    made = [tile for batch in by.batches for tile in batch[-1].makes]
    homes = [next(i for i, known in enumerate(made) if known.hull(tile) == known) for tile in tiles]
    return LocalFeatures(parts=tuple(parts), tiles=tuple(made), homes=tuple(homes), size=block)


def _begun(maps: Sequence[Tensor], batch: Batch) -> tuple[list[Tensor], Sequence[Tile]]:
    """Gives whole maps, (1, C, H, W) each, once for each tile of a batch, and what tile each is."""
    count, everything = len(batch[0].reads), Span(0, maps[0].shape[-1])
    return [x.expand(count, -1, -1, -1) for x in maps], [Tile(everything, everything)] * count


def _cut(x: Tensor, known: Sequence[Tile], wanted: Sequence[Tile]) -> Tensor:
    """Cuts tiles out of others, (B, C, h, w)."""
    return torch.stack([_crop(*each) for each in zip(x, known, wanted, strict=True)])


def _crop(x: Tensor, held: Tile, wanted: Tile) -> Tensor:
    """Cuts a tile out of another, (C, h, w), which holds all of it but what lies beyond the map's
    border: zero."""
    left, right = (held.x.start - wanted.x.start, wanted.x.end - held.x.end)
    top, bottom = (held.y.start - wanted.y.start, wanted.y.end - held.y.end)
    # A negative padding cuts off.
    return F.pad(x, (left, right, top, bottom))
