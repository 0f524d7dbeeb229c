"""The pinned generator is the one that `training.tiny` makes."""

import torch

from tests.fakes.generator import trained_model
from training.pictures import draw, factors_from_z
from training.tiny import FEATURE_BLOCK, ROWS, TINY


def test_the_pinned_file_has_the_sizes_of_the_tiny_route():
    model = trained_model()
    assert model.generator.shape == TINY.shape
    assert (model.info.feature_block, model.info.dragged_rows) == (FEATURE_BLOCK, ROWS)


def test_the_pinned_generator_paints_what_is_drawn():
    generator = trained_model().generator
    z = torch.randn(32, TINY.shape.z_dim, generator=torch.Generator().manual_seed(4))
    w = generator.mapping(z)
    painted = generator.render([w] * generator.num_ws) * 0.5 + 0.5
    drawn = draw(factors_from_z(z), generator.resolution).images
    error = (painted - drawn).abs().mean()
    blind = (drawn.mean(dim=0) - drawn).abs().mean()
    assert float(error) < 0.5 * float(blind)
