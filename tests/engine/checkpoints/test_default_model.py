"""The model that the package ships: there, whole, small, and quickly loaded."""

import time
from importlib.resources import files

import pytest
import torch

from engine.checkpoints.catalogue import load_generator

FILE = files("engine.models") / "default.safetensors"


@pytest.fixture(scope="module")
def model():
    return load_generator()


def test_it_loads_in_under_a_second():
    began = time.process_time()  # not the clock: other work may run beside the tests
    load_generator()
    assert time.process_time() - began < 1.0


def test_it_is_small_enough_to_be_shipped():
    assert len(FILE.read_bytes()) <= 10_000_000


def test_it_says_what_it_is(model):
    info = model.info
    assert info.licence == "CC0-1.0" and "practice model" in info.title
    assert info.resolution >= 128 and info.feature_block <= info.resolution
    assert len(info.weights_sha256) == 64 and bool((info.w_std > 0.0).any())


def test_it_paints_pictures_of_many_colours(model):
    w = model.generator.sample_w(4, seed=1)
    with torch.no_grad():
        images = model.generator.render([w] * model.generator.num_ws)
    assert images.shape == (4, 3, model.info.resolution, model.info.resolution)
    assert bool((images.std(dim=(2, 3)) > 0.05).all())
    assert float((images[0] - images[1]).abs().mean()) > 0.05
