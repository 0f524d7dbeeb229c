"""The features of a block around a few places, computed from tiles of each layer.

They are those of the whole map, and so is their gradient; `tiles.py` tells why.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.generator.synthesis import Synthesis, SynthesisLayer
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


class Surroundings(NamedTuple):
    """What is known of a picture around some places.

    Attributes:
        features: those of a block around the places.
        base: (1, C, H, W), the whole map of a layer on the way there.
    """

    features: FeatureMap
    base: Tensor


def features_around(
    synthesis: Synthesis,
    rows: Sequence[Tensor],
    block: int,
    centres: Tensor,
    reach: float,
    *,
    base_layers: int = 1,
) -> Surroundings:
    """Gives the features of a block around some places, or the whole map where that is cheaper.

    Args:
        synthesis: the network.
        rows: the rows of w+ that the blocks up to this one take, each (1, w_dim).
        block: the block's size in px.
        centres: (K, 2), the places, feature px; at least one.
        reach: how far around them the features are to be read, feature px along either axis.
        base_layers: so many layers are computed whole in any case; the map of the last of them is
            the base.
    """
    tiles = tuple(tile_around(x, y, reach, block) for x, y in centres.tolist())
    sizes = tuple(layer.layer_size for layer in synthesis.layers(block))
    by = plan(sizes, tiles, base_layers)
    return features_by_plan(synthesis, rows, block, tiles, by, base_layers=base_layers)


def features_by_plan(
    synthesis: Synthesis,
    rows: Sequence[Tensor],
    block: int,
    tiles: Sequence[Tile],
    by: Plan,
    *,
    base_layers: int = 1,
) -> Surroundings:
    """Gives the features of a block in some tiles, computed as planned.

    Args:
        synthesis: the network.
        rows: the rows of w+ that the blocks up to this one take, each (1, w_dim).
        block: the block's size in px.
        tiles: one for each place.
        by: a plan that covers the tiles.
        base_layers: as for `features_around`; not more than the plan computes whole.
    """
    steps = list(zip(synthesis.layers(block), rows, strict=False))
    base = _through(steps[:base_layers], synthesis.constant(1))
    whole = _through(steps[base_layers : by.whole_layers], base)
    if not by.batches:
        return Surroundings(whole, base)
    above = steps[by.whole_layers :]
    parts = [part for batch in by.batches for part in _through_cuts(above, batch, whole)]
    made = [tile for batch in by.batches for tile in batch[-1].makes]
    homes = [next(i for i, held in enumerate(made) if held.hull(tile) == held) for tile in tiles]
    local = LocalFeatures(parts=tuple(parts), tiles=tuple(made), homes=tuple(homes), size=block)
    return Surroundings(local, base)


_Step = tuple[SynthesisLayer, Tensor]  # a layer and its row of w+


def _through(steps: Sequence[_Step], x: Tensor) -> Tensor:
    """Takes a whole map (1, C, H, W) through layers."""
    for layer, row in steps:
        x = layer(x, row)
    return x


def _through_cuts(steps: Sequence[_Step], batch: Batch, whole: Tensor) -> tuple[Tensor, ...]:
    """Takes tiles of a whole map (1, C, H, W) through layers: (1, C, h, w) each."""
    everything = Span(0, whole.shape[-1])
    x = whole.expand(len(batch[0].reads), -1, -1, -1)
    held: Sequence[Tile] = [Tile(everything, everything)] * len(x)
    for (layer, row), cut in zip(steps, batch, strict=True):
        x = torch.stack([_crop(*each) for each in zip(x, held, cut.reads, strict=True)])
        x, held = layer(x, row, cut), cut.makes  # (B, C, h, w)
    return tuple(part[None] for part in x.unbind())


def _crop(x: Tensor, held: Tile, wanted: Tile) -> Tensor:
    """Cuts a tile out of another, (C, h, w), which holds all of it but what lies beyond the map's
    border: zero."""
    left, right = (held.x.start - wanted.x.start, wanted.x.end - held.x.end)
    top, bottom = (held.y.start - wanted.y.start, wanted.y.end - held.y.end)
    # A negative padding cuts off.
    return F.pad(x, (left, right, top, bottom))
