"""Products with the Jacobian of features around places, from tiles and from whole maps."""

import pytest
import torch

from engine.generator.generator import Generator, GeneratorShape
from engine.generator.local_features import LocalFeatures, sample_features
from engine.generator.local_jacobian import products_with_jacobian
from engine.geometry import square_offsets
from tests.fakes.generator import seeded_weights

BLOCK, REACH = 64, 3.0
SHAPE = GeneratorShape(
    z_dim=8, w_dim=12, mapping_depth=2, channels={4: 16, 8: 16, 16: 12, 32: 8, 64: 8}
)
APART = [[20.3, 30.1], [50.0, 0.2]]
IN_ONE_TILE = [[20.3, 30.1], [20.9, 30.4], [50.0, 0.2], [20.0, 29.5]]
AT_ONE_PLACE = [[20.3, 30.1], [20.3, 30.1]]


@pytest.fixture(scope="module")
def generator():
    return Generator.from_weights(seeded_weights(SHAPE)).double()


def leaf_and_rows(generator, dragged):
    """Gives the leaf of the rows that are dragged, and all rows."""
    source = torch.Generator().manual_seed(3)
    rows = torch.randn(1, generator.num_ws, 12, generator=source, dtype=torch.float64)
    leaf = rows[:, :dragged].clone().requires_grad_()
    return leaf, [*leaf.unbind(1), *rows[:, dragged:].unbind(1)]


@pytest.mark.parametrize("places", [APART, IN_ONE_TILE, AT_ONE_PLACE])
@pytest.mark.parametrize("dragged", [1, 4, 9])
def test_from_tiles_they_are_those_of_the_whole_map(generator, places, dragged):
    centres = torch.tensor(places, dtype=torch.float64)
    leaf, rows = leaf_and_rows(generator, dragged)
    points = centres[:, None] + square_offsets(1.0, 0.5, torch.device("cpu")).double()
    around = generator.features_around(rows, BLOCK, centres, REACH)
    assert isinstance(around, LocalFeatures)
    readings = sample_features(around, points).flatten(1)  # (K, N)
    source = torch.Generator().manual_seed(4)
    vectors = torch.randn(len(places), 2, readings.shape[1], generator=source).double()
    found = products_with_jacobian(around, readings, vectors, leaf)

    whole = sample_features(generator.features(rows, BLOCK), points).flatten(1)
    for place, (reading, pair) in enumerate(zip(whole, vectors, strict=True)):
        for index, vector in enumerate(pair):
            (expected,) = torch.autograd.grad(reading @ vector, leaf, retain_graph=True)
            torch.testing.assert_close(found[place, index], expected.flatten())


def test_on_the_whole_map_they_are_the_same(generator):
    leaf, rows = leaf_and_rows(generator, 3)
    whole = generator.features(rows, 16)
    points = torch.tensor([[[3.0, 4.0], [5.0, 5.0]], [[9.0, 9.0], [1.0, 2.0]]]).double()
    readings = sample_features(whole, points).flatten(1)
    vectors = torch.ones(2, 1, readings.shape[1], dtype=torch.float64)
    found = products_with_jacobian(whole, readings, vectors, leaf)
    for place in range(2):
        (expected,) = torch.autograd.grad(readings[place].sum(), leaf, retain_graph=True)
        torch.testing.assert_close(found[place, 0], expected.flatten())
