"""Which tiles of each layer the features around a few places are made of, and what they cost.

No operation of StyleGAN2's synthesis is global in space: the styles are those of the whole picture,
demodulation depends on style and weight alone, noise belongs to its pixel. So a tile of a layer's
map is made of a slightly larger tile of the map before, and the features around a handle of a
few tiles, not of whole maps. Here is the geometry of that, in integers; `local_features.py`
computes.

Coarse maps are hardly larger than a tile and are computed whole. Where to change over, and whether
two tiles that overlap are better computed as one, is decided by counting multiply-adds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, combinations
from typing import NamedTuple, Self

_TAPS = 9  # of a 3x3 kernel


class Span(NamedTuple):
    """A stretch of pixels along one axis: from `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of pixels."""
        return self.end - self.start

    def hull(self, other: Self) -> "Span":
        """Gives the shortest stretch that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))

    def overlaps(self, other: Self) -> bool:
        """Whether the two share a pixel."""
        return self.start < other.end and other.start < self.end


class Tile(NamedTuple):
    """A rectangle of a layer's map, in px of that map."""

    x: Span
    y: Span

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.y.length, self.x.length

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.x.length * self.y.length

    def hull(self, other: Self) -> "Tile":
        """Gives the smallest tile that holds both."""
        return Tile(self.x.hull(other.x), self.y.hull(other.y))

    def overlaps(self, other: Self) -> bool:
        """Whether the two share a pixel."""
        return self.x.overlaps(other.x) and self.y.overlaps(other.y)


class LayerSize(NamedTuple):
    """What planning must know of a synthesis layer.

    Attributes:
        size: side of the map that it gives, px.
        in_channels: of the map that it takes.
        out_channels: of the map that it gives.
        up: it doubles the size.
    """

    size: int
    in_channels: int
    out_channels: int
    up: bool

    @property
    def whole_macs(self) -> int:
        """Multiply-adds of the whole map."""
        return self.macs(self.size**2, (self.size // 2) ** 2)

    def macs(self, made_px: int, read_px: int) -> int:
        """Gives the multiply-adds of making so many pixels of so many, without the blur filter's.

        A transposed convolution multiplies each pixel that it reads with the whole kernel, a plain
        one makes each pixel of a whole kernel.
        """
        return (read_px if self.up else made_px) * _TAPS * self.in_channels * self.out_channels

    def reads(self, made: Span) -> Span:
        """Gives what a stretch is made of, in px of the map before; it may reach over the border.

        Args:
            made: px of the layer's own map; with even ends where it doubles the size.
        """
        if self.up:
            # Pixel o is filtered from places o - 1 .. o + 2 of the transposed convolution, whose
            # place j is made of pixels (j - 2) / 2 .. j / 2.
            return Span(made.start // 2 - 1, made.end // 2 + 1)
        return Span(made.start - 1, made.end + 1)


class Cut(NamedTuple):
    """What one layer does for a batch of tiles.

    Attributes:
        reads: tiles of the map before, all of one shape; what lies beyond its border is zero.
        makes: tiles of the layer's own map, all of one shape, inside the map.
    """

    reads: tuple[Tile, ...]
    makes: tuple[Tile, ...]


Batch = tuple[Cut, ...]  # the cuts of successive layers, for tiles that go through them together


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to compute the features in some tiles.

    Attributes:
        whole_layers: so many layers, from the first, are computed whole.
        batches: for the layers that are left, which together cover the tiles; none where no
            layer is left.
        macs: multiply-adds of it all.
    """

    whole_layers: int
    batches: tuple[Batch, ...]
    macs: int


def tile_around(x: float, y: float, reach: float, size: int) -> Tile:
    """Gives the tile that bilinear reading around a place touches.

    Its shape depends on `reach` alone, so that the tiles of several places go in one batch; near
    the border it is therefore moved inwards.

    Args:
        x: of the place, px of the map; beyond the border the nearest place in the map counts.
        y: likewise.
        reach: how far from the place is read, px along either axis.
        size: side of the map, px.
    """
    length = min(math.ceil(2.0 * reach) + 2, size)

    def span(centre: float) -> Span:
        # Reading at p touches the pixels floor(p - 0.5) and the next.
        first = math.floor(min(max(centre, 0.0), float(size)) - reach - 0.5)
        start = min(max(first, 0), size - length)
        return Span(start, start + length)

    return Tile(span(x), span(y))


def cut_back(layers: Sequence[LayerSize], tiles: Sequence[Tile]) -> Batch:
    """Gives what each layer must read and make for tiles of the last layer's map.

    Args:
        layers: successive layers.
        tiles: inside the map.
    """
    cuts: list[Cut] = []
    for layer in reversed(layers):
        columns = _alike([tile.x for tile in tiles], layer)
        rows = _alike([tile.y for tile in tiles], layer)
        makes = tuple(map(Tile, columns, rows))
        tiles = [Tile(layer.reads(made.x), layer.reads(made.y)) for made in makes]
        cuts.append(Cut(reads=tuple(tiles), makes=makes))
    return tuple(reversed(cuts))


def _alike(spans: Sequence[Span], layer: LayerSize) -> list[Span]:
    """Gives stretches inside the layer's map that hold what is inside of these, all as long."""
    step = 2 if layer.up else 1
    starts = [max(span.start, 0) // step * step for span in spans]
    ends = [-(-min(span.end, layer.size) // step) * step for span in spans]
    length = max(end - start for start, end in zip(starts, ends, strict=True))
    starts = [min(start, layer.size - length) for start in starts]
    return [Span(start, start + length) for start in starts]


@lru_cache(maxsize=64)  # handles move by parts of a pixel: most steps have the tiles of the last
def plan(layers: tuple[LayerSize, ...], tiles: tuple[Tile, ...]) -> Plan:
    """Gives the way to the features in these tiles that needs the fewest multiply-adds.

    Args:
        layers: all layers from the constant to the map of the features.
        tiles: at least one, inside that map.
    """
    apart = _change_over(layers, tiles)
    tiles = _joined(layers[apart.whole_layers :], tiles)
    return min(apart, _change_over(layers, tiles), key=lambda found: found.macs)


def _change_over(layers: Sequence[LayerSize], tiles: Sequence[Tile]) -> Plan:
    """Chooses the layer from which on these tiles are cheaper than whole maps."""
    alike: dict[tuple[int, int], list[Tile]] = {}
    for tile in dict.fromkeys(tiles):
        alike.setdefault(tile.shape, []).append(tile)
    batches = [cut_back(layers, group) for group in alike.values()]
    whole = list(accumulate(layer.whole_macs for layer in layers))
    costs = [_macs(layers, batch) for batch in batches]
    macs = {
        count: whole[count - 1] + sum(sum(cost[count:]) for cost in costs)
        for count in range(len(layers), 0, -1)  # whole where it costs no more
    }
    count = min(macs, key=macs.__getitem__)
    kept = tuple(batch[count:] for batch in batches) if count < len(layers) else ()
    return Plan(whole_layers=count, batches=kept, macs=macs[count])


def _joined(layers: Sequence[LayerSize], tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """Joins overlapping tiles, two at a time, as long as that makes these layers cheaper.

    Neighbours whose tiles overlap on coarser maps alone could be tried too: that saved a hundredth
    and took ten times as long.
    """
    cost: dict[Tile, int] = {}

    def price(tile: Tile) -> int:
        if tile not in cost:
            cost[tile] = sum(_macs(layers, cut_back(layers, [tile])))
        return cost[tile]

    def saving(pair: tuple[Tile, Tile]) -> int:
        return price(pair[0]) + price(pair[1]) - price(pair[0].hull(pair[1]))

    left = list(dict.fromkeys(tiles))
    while pairs := [(a, b) for a, b in combinations(left, 2) if a.overlaps(b)]:
        best = max(pairs, key=saving)
        if saving(best) <= 0:
            break
        joined = best[0].hull(best[1])
        left = [tile for tile in left if tile not in (*best, joined)] + [joined]
    return tuple(left)


def _macs(layers: Sequence[LayerSize], batch: Batch) -> list[int]:
    return [
        layer.macs(len(cut.makes) * cut.makes[0].area, len(cut.reads) * cut.reads[0].area)
        for layer, cut in zip(layers, batch, strict=True)
    ]
