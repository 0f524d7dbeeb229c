"""A tiny model's file, a picture that it painted, and the command called as a person calls it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from draglayer_cli.main import main
from engine.checkpoints.container import write_container
from engine.generator.generator import Generator, GeneratorShape
from engine.images import from_generator, resize, uint8_pixels
from tests.fakes.generator import seeded_weights, tiny_info

CANVAS = (72, 56)  # width, height
HEAD = (20, 10, 40)  # left, top, side
PAIR = "44,36:44,44"  # a way that the tiny model can go

# The command searches and drags with the steps of its users, so its model is the smallest there is.
_SHAPE = GeneratorShape(z_dim=4, w_dim=6, mapping_depth=1, channels={4: 4, 8: 4, 16: 4})


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    weights = seeded_weights(_SHAPE)
    # Steps of a drag are in spreads of w: with a wide one, two of them are seen.
    write_container(path, weights, replace(tiny_info(weights), w_std=torch.full((6,), 60.0)))
    return path


@pytest.fixture(scope="session")
def canvas_pixels():
    """A picture with what the tiny generator painted on a grainy ground: (56, 72, 3), uint8."""
    pixels = np.random.default_rng(4).integers(0, 256, (CANVAS[1], CANVAS[0], 3), np.uint8)
    generator = Generator.from_weights(seeded_weights(_SHAPE))
    left, top, side = HEAD
    with torch.no_grad():
        w = generator.sample_w(1, seed=5)
        image = from_generator(generator.render([w] * generator.num_ws))
    pixels[top : top + side, left : left + side] = uint8_pixels(resize(image, (side, side)))
    return pixels


@pytest.fixture(scope="session")
def picture_file(tmp_path_factory, canvas_pixels):
    path = tmp_path_factory.mktemp("picture") / "picture.png"
    Image.fromarray(canvas_pixels).save(path)
    return path


@pytest.fixture(scope="session")
def mask_file(tmp_path_factory):
    left, top, side = HEAD
    mask = np.zeros((CANVAS[1], CANVAS[0]), np.uint8)
    mask[top : top + side, left : left + side] = 255
    path = tmp_path_factory.mktemp("mask") / "mask.png"
    Image.fromarray(mask).save(path)
    return path


@pytest.fixture(scope="session")
def draglayer():
    """Calls the command; what it gives has `exit_code`, `stdout`, `stderr` and `exception`."""

    def call(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return call
