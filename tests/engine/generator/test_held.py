"""A picture that stays where nothing may move, on whole maps and on tiles."""

import pytest
import torch

from engine.generator.generator import Generator, GeneratorShape
from engine.generator.held import Held
from engine.generator.local_features import LocalFeatures, sample_features
from engine.geometry import square_offsets
from tests.fakes.generator import seeded_weights

BLOCK, SIZE, FIRST_LAYER = 64, 64, 4
SHAPE = GeneratorShape(
    z_dim=8, w_dim=12, mapping_depth=2, channels={4: 16, 8: 16, 16: 12, 32: 8, 64: 8}
)
CENTRES = torch.tensor([[20.3, 30.1], [34.0, 33.0], [50.0, 0.2]], dtype=torch.float64)


@pytest.fixture(scope="module")
def generator():
    return Generator.from_weights(seeded_weights(SHAPE)).double()


def rows_of(generator, seed):
    source = torch.Generator().manual_seed(seed)
    rows = torch.randn(generator.num_ws, 1, 12, generator=source, dtype=torch.float64)
    return list(rows)


def moved_rows(generator):
    """Gives the kept rows with the first of them changed."""
    rows = rows_of(generator, 1)
    return [r.requires_grad_() for r in rows_of(generator, 2)[:FIRST_LAYER]] + rows[FIRST_LAYER:]


def left_half(soft=1.0):
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    mask[..., : SIZE // 2] = soft
    return mask


def holding(generator, mask):
    return Held(rows=rows_of(generator, 1), editable_mask=mask, first_layer=FIRST_LAYER)


def test_where_nothing_may_move_the_picture_is_the_old_one_to_the_bit(generator):
    rows = moved_rows(generator)
    held = holding(generator, left_half())
    kept, shown = generator.render(held.rows), generator.render(rows, held)
    assert torch.equal(shown[..., SIZE // 2 :], kept[..., SIZE // 2 :])
    assert not torch.allclose(shown[..., : SIZE // 2], kept[..., : SIZE // 2])


def test_far_inside_it_is_the_picture_that_moved(generator):
    rows, mask = moved_rows(generator), torch.ones(1, 1, SIZE, SIZE, dtype=torch.float64)
    free = generator.render(rows)
    assert torch.equal(generator.render(rows, holding(generator, mask)), free)
    mask[..., -1, -1] = 0.0
    shown = generator.render(rows, holding(generator, mask))
    torch.testing.assert_close(shown[..., :8, :8], free[..., :8, :8])


def test_where_nothing_at_all_may_move_nothing_does(generator):
    held = holding(generator, 0.0 * left_half())
    assert torch.equal(generator.render(moved_rows(generator), held), generator.render(held.rows))


@torch.no_grad()
def test_a_soft_mask_lets_a_part_through(generator):
    rows = moved_rows(generator)
    kept = generator.render(rows_of(generator, 1))
    changes = [
        float((generator.render(rows, holding(generator, left_half(soft))) - kept).abs().mean())
        for soft in (0.25, 0.5, 1.0)
    ]
    assert 0.0 < changes[0] < changes[1] < changes[2]


def test_the_maps_whose_style_is_dragged_are_free(generator):
    rows, held = moved_rows(generator), holding(generator, left_half())
    synthesis = generator.synthesis
    for count, is_held in ((FIRST_LAYER, False), (FIRST_LAYER + 1, True)):
        found = synthesis.map_after(rows, count, held)
        assert torch.equal(found, synthesis.map_after(rows, count)) != is_held


def test_on_tiles_features_and_gradient_are_those_of_the_whole_map(generator):
    rows, held = moved_rows(generator), holding(generator, left_half(0.7))
    around = generator.features_around(rows, BLOCK, CENTRES, 3.0, held)
    assert isinstance(around, LocalFeatures)
    whole = generator.features(rows, BLOCK, held)
    points = CENTRES[:, None] + square_offsets(2.5, 0.5, torch.device("cpu")).double()
    found, expected = (sample_features(f, points) for f in (around, whole))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    weights = torch.randn_like(found)
    gradients = [
        torch.cat(torch.autograd.grad((f * weights).sum(), rows[:FIRST_LAYER]))
        for f in (found, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)
    free = sample_features(generator.features(rows, BLOCK), points)
    assert not torch.allclose(found, free)
