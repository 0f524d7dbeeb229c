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
from engine.generator.synthesis import Synthesis, SynthesisLayer
from engine.generator.tiles import Batch, Plan, Span, Tile, plan, tile_around
from engine.geometry import sample

Joints = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFeatures:
    """A feature map that is known around some places only.

    Attributes:
        parts: (1, C, h, w) each, what is known of the map.
        tiles: where each part lies in it.
        homes: for each place the index of the part that holds its surroundings.
        size: side of the whole map, px.
        joints: for each part what it alone was made of: a tile of the last whole map, and rows of
            w+ above that. All its gradient goes through them; none where there is no gradient.
    """

    parts: tuple[Tensor, ...]
    tiles: tuple[Tile, ...]
    homes: tuple[int, ...]
    size: int
    joints: tuple[Joints, ...] = ()

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
        return replace(self, parts=tuple(part.detach() for part in self.parts), joints=())

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
    parts: list[Tensor] = []
    joints: list[Joints] = []
    for batch in by.batches:
        made, made_of = _through_tiles(layers, by.whole_layers, batch, maps, ways, held)
        parts += [part[None] for part in made.unbind()]
        joints += made_of
    known = [tile for batch in by.batches for tile in batch[-1].makes]
    homes = [next(i for i, each in enumerate(known) if each.hull(tile) == each) for tile in tiles]
    return LocalFeatures(
        parts=tuple(parts), tiles=tuple(known), homes=tuple(homes), size=block, joints=tuple(joints)
    )


def _through_tiles(
    layers: Sequence[SynthesisLayer],
    first: int,
    batch: Batch,
    whole: Sequence[Tensor],
    ways: Sequence[Rows],
    held: Held | None,
) -> tuple[Tensor, list[Joints]]:
    """Takes tiles through all layers from `first` on, from whole maps (1, C, H, W) of each picture:
    what moves, (B, C, h, w), and the joints of each tile."""
    everything, wanted = Span(0, whole[0].shape[-1]), batch[0].reads
    known: Sequence[Tile] = [Tile(everything, everything)] * len(wanted)
    cuts = [[_crop(x[0], *each) for each in zip(known, wanted, strict=True)] for x in whole]
    # A row for each tile, so that its gradient is the tile's own.
    own = {
        index: [row.clone() for _ in wanted]
        for index, row in enumerate(ways[0][: len(layers)])
        if index >= first and row.requires_grad
    }
    own_rows = [torch.cat(own[i]) if i in own else row for i, row in enumerate(ways[0])]
    ways = [own_rows, *ways[1:]]
    maps = [torch.stack(tiles) for tiles in cuts]
    for index, cut in enumerate(batch, start=first):
        if index > first:
            maps = [_cut(x, known, cut.reads) for x in maps]
        layer, known = layers[index], cut.makes
        maps = advance(layer, index, maps, ways, held, size=layer.size, cut=cut)
    joints = zip(cuts[0], *own.values(), strict=True)
    return maps[0], [tuple(x for x in each if x.requires_grad) for each in joints]


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
