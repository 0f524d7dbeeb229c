"""The geometry of tiles: what a layer reads, what a place needs, and what is cheapest."""

import math

import pytest
import torch

from engine.generator.synthesis import SynthesisLayer
from engine.generator.tiles import LayerSize, Plan, Span, Tile, cut_back, plan, tile_around
from engine.geometry import sample, square_offsets


def layers_until(block, width=512):
    """Gives the layers of a generator whose channels are halved from 64 px on."""
    channels = {size: min(width, 64 * width // size) for size in (4 << i for i in range(9))}
    layers = [LayerSize(4, width, width, False)]
    for size in (each for each in channels if 4 < each <= block):
        layers.append(LayerSize(size, channels[size // 2], channels[size], True))
        layers.append(LayerSize(size, channels[size], channels[size], False))
    return tuple(layers)


BLOCK = 128
LAYERS = layers_until(BLOCK)
WHOLE_MACS = sum(layer.whole_macs for layer in LAYERS)


def tiles_at(*places, reach=4.0, block=BLOCK):
    return tuple(tile_around(x, y, reach, block) for x, y in places)


def spread(count, block=BLOCK):
    """Gives so many places, evenly over the map."""
    side = math.ceil(math.sqrt(count))
    axis = [(i + 0.5) * block / side for i in range(side)]
    return [(x, y) for y in axis for x in axis][:count]


def touched(gradient):
    """Gives the smallest tile around all that is not zero in the last two axes."""
    row, column = (gradient.abs().sum(dim=(0, 1)) > 0).nonzero(as_tuple=True)
    x, y = ((int(a.min()), int(a.max()) + 1) for a in (column, row))
    return Tile(Span(*x), Span(*y))


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("made", [Span(6, 10), Span(8, 14), Span(10, 12)])
def test_a_layer_reads_what_its_gradient_reaches(up, made):
    layer = SynthesisLayer(32 if up else 16, 3, 2, 4, up=up).double()
    size = layer.layer_size
    x = torch.randn(1, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    features = layer(x, torch.randn(1, 4, dtype=torch.float64))
    features[:, :, made.start : made.end, made.start : made.end].sum().backward()
    reads = size.reads(made)
    assert touched(x.grad) == Tile(reads, reads)
    assert (size.size, size.up) == (len(features[0, 0]), up)


@pytest.mark.parametrize("reach", [0.5, 1.0, 2.3, 4.0])
def test_the_tile_around_a_place_holds_what_reading_there_touches(reach):
    source = torch.Generator().manual_seed(4)
    for centre in (16.0 * torch.rand(40, 2, generator=source)).tolist():
        maps = torch.ones(1, 1, 16, 16, requires_grad=True)
        points = torch.tensor(centre) + square_offsets(reach, reach / 8, torch.device("cpu"))
        sample(maps, points).sum().backward()
        tile = tile_around(*centre, reach, 16)
        # A weight of 1e-6 is a rounding of the place, and no pixel that is needed.
        assert tile.hull(touched(maps.grad * (maps.grad > 1e-3))) == tile
        assert tile.shape == (math.ceil(2 * reach) + 2,) * 2


@pytest.mark.parametrize("place", [(-5.0, 8.0), (0.0, 0.0), (16.0, 16.0), (8.0, 40.0)])
def test_a_tile_at_the_border_lies_inside_and_touches_it(place):
    tile = tile_around(*place, 2.0, 16)
    for centre, span in zip(place, tile, strict=True):
        assert 0 <= span.start and span.end <= 16 and span.length == 6
        assert span.start == 0 or centre > 0
        assert span.end == 16 or centre < 16


def test_a_map_smaller_than_the_reach_is_one_tile():
    assert tile_around(1.0, 7.0, 9.0, 8) == Tile(Span(0, 8), Span(0, 8))


def test_each_layer_makes_what_the_next_one_reads():
    batch = cut_back(LAYERS, tiles_at((3.0, 60.0), (64.5, 64.0), (127.0, 1.0)))
    for layer, below, above in zip(LAYERS, batch, batch[1:], strict=False):
        assert len({tile.shape for tile in below.makes}) == 1
        for made, read in zip(below.makes, above.reads, strict=True):
            for have, want in zip(made, read, strict=True):
                assert have.start <= max(want.start, 0)
                assert have.end >= min(want.end, layer.size)
                assert have.start >= 0 and have.end <= layer.size


def test_a_tile_is_little_more_than_its_surroundings():
    sides = [cut.makes[0].shape[0] for cut in cut_back(LAYERS, tiles_at((63.2, 41.7)))[5:]]
    assert sides[-1] == 10 and max(sides) <= 14


def test_one_handle_needs_a_small_part_of_the_map():
    found = plan(LAYERS, tiles_at((63.2, 41.7)))
    assert found.macs < WHOLE_MACS / 20
    assert found.whole_layers + len(found.batches[0]) == len(LAYERS)


@pytest.mark.parametrize("count", [1, 2, 5, 20, 60, 200])
def test_no_change_over_is_cheaper_than_the_chosen_one(count):
    tiles = tiles_at(*spread(count))
    found = plan(LAYERS, tiles)
    assert found.macs <= WHOLE_MACS
    batch = cut_back(LAYERS, tiles)
    for first in range(1, len(LAYERS)):
        below = sum(layer.whole_macs for layer in LAYERS[:first])
        above = sum(
            layer.macs(*(count * cut[side][0].area for side in ("makes", "reads")))
            for layer, cut in zip(LAYERS[first:], (c._asdict() for c in batch[first:]), strict=True)
        )
        assert found.macs <= below + above


def test_many_handles_need_the_whole_map():
    assert plan(LAYERS, tiles_at(*spread(400))) == Plan(
        whole_layers=len(LAYERS), batches=(), macs=WHOLE_MACS
    )


def test_more_handles_cost_more():
    macs = [plan(LAYERS, tiles_at(*spread(count))).macs for count in (1, 5, 20, 60)]
    assert macs == sorted(set(macs))


def test_handles_in_one_place_cost_one():
    once = plan(LAYERS, tiles_at((40.0, 40.0)))
    assert plan(LAYERS, tiles_at(*[(40.0, 40.0)] * 5)) == once


def test_near_neighbours_are_computed_as_one():
    near = plan(LAYERS, tiles_at((40.0, 40.0), (43.0, 41.0)))
    assert [len(batch[-1].makes) for batch in near.batches] == [1]
    assert near.batches[0][-1].makes[0].hull(tile_around(40.0, 40.0, 4.0, BLOCK)).shape == (11, 13)
    assert near.macs < 1.5 * plan(LAYERS, tiles_at((40.0, 40.0))).macs


def test_strangers_are_computed_apart():
    far = plan(LAYERS, tiles_at((20.0, 20.0), (100.0, 90.0)))
    assert [len(batch[-1].makes) for batch in far.batches] == [2]


def test_a_tile_that_swallows_its_neighbours_takes_their_place():
    row = plan(LAYERS, tiles_at(*[(40.0 + 2.0 * i, 64.0) for i in range(6)]))
    (tile,) = [tile for batch in row.batches for tile in batch[-1].makes]
    assert tile.shape == (10, 20)
