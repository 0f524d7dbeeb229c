import numpy as np
import torch

from engine.generator.generator import Generator, GeneratorShape
from engine.images import from_generator, uint8_pixels
from tests.fakes.generator import seeded_weights
from training.pictures import draw, factors_from_z
from training.sheets import DRAWINGS_SEED, GAP, SAMPLES_SEED, side_by_side

SHAPE = GeneratorShape(z_dim=32, w_dim=8, mapping_depth=1, channels={4: 4, 8: 4, 16: 4})


def z_of(seed):
    return torch.randn(16, 32, generator=torch.Generator().manual_seed(seed))


def test_drawings_lie_left_and_samples_right():
    generator = Generator.from_weights(seeded_weights(SHAPE))
    pixels = np.asarray(side_by_side(generator, 16))
    assert pixels.shape == (2 * 16, 2 * 8 * 16 + GAP, 3)
    w = generator.mapping(z_of(SAMPLES_SEED))
    painted = from_generator(generator.render([w[15:]] * generator.num_ws))
    assert np.abs(pixels[16:, -16:].astype(int) - uint8_pixels(painted)).max() <= 1
    drawn = draw(factors_from_z(z_of(DRAWINGS_SEED)), 16).images
    assert np.array_equal(pixels[:16, :16], uint8_pixels(drawn[:1]))
