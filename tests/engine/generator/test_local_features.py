"""Features from tiles against those of the whole map: they and their gradients are the same."""

import pytest
import torch

from benchmarks.operations import count_gmac, paper_shape
from engine.generator.generator import Generator, GeneratorShape
from engine.generator.local_features import (
    LocalFeatures,
    features_around,
    features_by_plan,
    sample_features,
)
from engine.generator.tiles import Plan, Span, Tile, cut_back, plan, tile_around
from tests.fakes.generator import seeded_weights

REACH = 2.0
DRAGGED = 6
BLOCKS = (16, 32, 64, 128, 256, 512)
# As shares of the map: the middle, all corners, borders, and two that lie close together.
PLACES = [
    (0.5, 0.5),
    (0.0, 0.0),
    (1.0, 0.0),
    (0.0, 1.0),
    (1.0, 1.0),
    (0.02, 0.4),
    (0.61, 0.99),
    (0.3, 0.7),
    (0.33, 0.71),
]


@pytest.fixture(scope="module")
def generator():
    """512 px, a few channels; no weight, bias or noise is at its neutral value."""
    sizes = [4 << i for i in range(8)]
    channels = {size: max(4, min(16, 512 // size)) for size in sizes}
    shape = GeneratorShape(z_dim=8, w_dim=12, mapping_depth=2, channels=channels)
    return Generator.from_weights(seeded_weights(shape))


def random_rows(generator, dtype=torch.float64):
    """Gives the rows of w+, the first few as leaves that want a gradient."""
    source = torch.Generator().manual_seed(7)
    rows = torch.randn(generator.num_ws, 1, 12, generator=source, dtype=torch.float64).to(dtype)
    return [row.clone().requires_grad_(i < DRAGGED) for i, row in enumerate(rows)]


def places_in(block, dtype=torch.float64):
    return torch.tensor(PLACES, dtype=dtype) * block


def from_tiles(generator, rows, block, whole_layers, tiles):
    """Gives the features in tiles that all layers from one on compute, cheap or not."""
    sizes = [layer.layer_size for layer in generator.synthesis.layers(block)]
    batch = cut_back(sizes, tiles)[whole_layers:]
    by = Plan(whole_layers=whole_layers, batches=(batch,), macs=0)
    return features_by_plan(generator.synthesis, rows, block, tiles, by)


def around(generator, rows, block, centres):
    """Gives the features around places, from tiles or whole."""
    return features_around(generator.synthesis, rows, block, centres, REACH)


def cut_out(whole, tile):
    return whole[..., tile.y.start : tile.y.end, tile.x.start : tile.x.end]


def relative_error(found, expected) -> float:
    return float((found - expected).detach().norm() / expected.detach().norm())


def gradient(values, rows):
    """Gives the gradient of a random mixture of values to the dragged rows."""
    source = torch.Generator().manual_seed(9)
    mixture = torch.randn(values.shape, generator=source, dtype=torch.float64).to(values.dtype)
    reached = rows[:DRAGGED]
    found = torch.autograd.grad((values * mixture).sum(), reached, allow_unused=True)
    return torch.cat([each for each in found if each is not None])


def points_around(centres):
    """Gives points (K, 40, 2) in reach of each place, beyond the border too."""
    source = torch.Generator().manual_seed(10)
    offsets = 2.0 * torch.rand(len(centres), 40, 2, generator=source, dtype=torch.float64) - 1.0
    return centres[:, None] + REACH * offsets.to(centres.dtype)


def both_ways(generator, block, dtype):
    """Gives features and gradient from tiles alone and from the whole map, in float64."""
    generator = generator.to(dtype)
    rows = random_rows(generator, dtype)
    tiles = [tile_around(x, y, REACH, block) for x, y in places_in(block).tolist()]
    found = from_tiles(generator, rows, block, 1, tiles)
    whole = generator.features(rows, block)
    ways = torch.cat(found.parts), torch.cat([cut_out(whole, tile) for tile in found.tiles])
    return [(way.double(), gradient(way, rows).double()) for way in ways]


@pytest.mark.parametrize("block", BLOCKS)
def test_features_and_gradient_are_those_of_the_whole_map(generator, block):
    found, expected = both_ways(generator, block, torch.float64)
    assert relative_error(found[0], expected[0]) < 1e-12
    assert relative_error(found[1], expected[1]) < 1e-12


@pytest.mark.parametrize("block", BLOCKS)
def test_in_single_precision_they_differ_by_rounding(generator, block):
    found, expected = both_ways(generator, block, torch.float32)
    assert relative_error(found[0], expected[0]) < 1e-6
    # Either gradient is about 5e-7, at times 1e-6, from the one in float64.
    assert relative_error(found[1], expected[1]) < 2e-6


@pytest.mark.parametrize("whole_layers", range(1, 9))
def test_any_layer_can_be_the_first_that_is_cut(generator, whole_layers):
    generator, block = generator.double(), 64
    rows = random_rows(generator)
    tiles = [tile_around(x, y, REACH, block) for x, y in places_in(block).tolist()]
    found = from_tiles(generator, rows, block, whole_layers, tiles)
    whole = generator.features(rows, block)
    for part, tile in zip(found.parts, found.tiles, strict=True):
        assert relative_error(part, cut_out(whole, tile)) < 1e-12


@pytest.mark.parametrize("block", [16, 64, 256])
def test_reading_around_places_is_reading_the_whole_map(generator, block):
    generator = generator.double()
    rows, centres = random_rows(generator), places_in(block)
    points = points_around(centres)
    expected = sample_features(generator.features(rows, block), points)
    found = sample_features(around(generator, rows, block, centres), points)
    assert found.shape == expected.shape == (*points.shape[:2], expected.shape[2])
    assert relative_error(found, expected) < 1e-12
    assert relative_error(gradient(found, rows), gradient(expected, rows)) < 1e-12


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_tile_that_is_one_pixel_off_is_noticed(generator, axis):
    generator, block = generator.double(), 64
    rows = random_rows(generator)
    tile = tile_around(30.0, 25.0, REACH, block)
    (part,) = from_tiles(generator, rows, block, 3, [tile]).parts
    span = getattr(tile, axis)
    off = tile._replace(**{axis: Span(span.start + 1, span.end + 1)})
    whole = generator.features(rows, block)
    assert relative_error(part, cut_out(whole, off)) > 0.1
    assert relative_error(part, cut_out(whole, tile)) < 1e-12


def test_a_cut_that_is_one_pixel_off_is_noticed(generator):
    generator, block = generator.double(), 64
    rows = random_rows(generator)
    tile = tile_around(30.0, 25.0, REACH, block)
    batch = cut_back([layer.layer_size for layer in generator.synthesis.layers(block)], [tile])
    moved = tuple(Tile(t.x, Span(t.y.start + 1, t.y.end + 1)) for t in batch[6].reads)
    wrong = (*batch[3:6], batch[6]._replace(reads=moved), *batch[7:])
    by = Plan(whole_layers=3, batches=(wrong,), macs=0)
    (part,) = features_by_plan(generator.synthesis, rows, block, [tile], by).parts
    assert relative_error(part, cut_out(generator.features(rows, block), tile)) > 0.01


def test_the_noise_of_a_place_stays_with_it(generator):
    generator, block = generator.double(), 32
    rows = random_rows(generator)
    tiles = [tile_around(9.0, 21.0, REACH, block)]
    (before,) = from_tiles(generator, rows, block, 5, tiles).parts
    noise = generator.synthesis.block(32).conv1.noise_const
    kept = noise.clone()
    cut_out(noise, tiles[0]).add_(1.0)
    (after,) = from_tiles(generator, rows, block, 5, tiles).parts
    assert relative_error(after, cut_out(generator.features(rows, block), tiles[0])) < 1e-12
    assert relative_error(after, before) > 1e-2
    noise.copy_(kept)


def test_rows_that_are_not_dragged_cost_no_gradient(generator):
    generator = generator.double()
    rows = [row.detach() for row in random_rows(generator)]
    centres = places_in(64)[:1]
    assert not around(generator, rows, 64, centres).requires_grad
    rows[0].requires_grad_()
    found = around(generator, rows, 64, centres)
    assert found.requires_grad and not found.detach().requires_grad
    assert found.shape == generator.features(rows, 64).shape


def test_where_the_whole_map_is_cheaper_it_is_given(generator):
    generator = generator.double()
    rows, everywhere = random_rows(generator), torch.rand(300, 2) * 32
    found = around(generator, rows, 32, everywhere)
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found, generator.features(rows, 32))


@pytest.mark.parametrize("count", [1, 4, 7, 9])
def test_the_map_after_some_layers_is_made_of_theirs(generator, count):
    generator = generator.double()
    rows = random_rows(generator)
    expected = generator.synthesis.constant(1)
    for layer, row in zip(generator.synthesis.layers(64)[:count], rows, strict=False):
        expected = layer(expected, row)
    assert torch.equal(generator.map_after(rows, count), expected)


def test_a_point_beyond_the_reach_is_refused(generator):
    generator = generator.double()
    centre = torch.tensor([[30.0, 30.0]])
    found = around(generator, random_rows(generator), 64, centre)
    assert isinstance(found, LocalFeatures)
    found.sample(centre[None] + REACH)
    with pytest.raises(ValueError, match="longer reach"):
        found.sample(centre[None] + REACH + 1.5)


def test_points_around_other_places_are_refused(generator):
    generator = generator.double()
    centre = torch.tensor([[30.0, 30.0]])
    found = around(generator, random_rows(generator), 64, centre)
    with pytest.raises(ValueError, match="around 1 places, got points around 2"):
        found.sample(centre.expand(2, 2))


@pytest.mark.parametrize("count", [1, 5, 20])
def test_a_plan_counts_what_is_done(count):
    with torch.device("meta"):
        generator = Generator(paper_shape(512)).requires_grad_(False)
        rows = [torch.empty(1, 512)] * generator.num_ws
    source = torch.Generator().manual_seed(11)
    centres = 128 * torch.rand(count, 2, generator=source)
    tiles = tuple(tile_around(x, y, 4.0, 128) for x, y in centres.tolist())
    planned = plan(tuple(layer.layer_size for layer in generator.synthesis.layers(128)), tiles)
    done = count_gmac(lambda: generator.features_around(rows, 128, centres, 4.0))
    assert planned.macs == pytest.approx(1e9 * done, rel=0.01)
