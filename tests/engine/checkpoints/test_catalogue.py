"""Models by name and by file."""

import pytest
import torch

from engine.checkpoints.catalogue import load_generator
from engine.checkpoints.container import write_container
from engine.errors import CheckpointError
from tests.fakes.generator import seeded_weights, tiny_generator, tiny_info


def test_a_model_is_loaded_from_its_file(tmp_path):
    weights = seeded_weights()
    write_container(tmp_path / "tiny.safetensors", weights, tiny_info(weights))
    model = load_generator(tmp_path / "tiny.safetensors")
    expected = tiny_generator()
    w = expected.sample_w(1, seed=3)
    rows = [w] * expected.num_ws
    assert torch.equal(model.generator.render(rows), expected.render(rows))
    assert model.info.title == "Tiny"


def test_a_loaded_generator_is_frozen(tmp_path):
    weights = seeded_weights()
    write_container(tmp_path / "tiny.safetensors", weights, tiny_info(weights))
    generator = load_generator(str(tmp_path / "tiny.safetensors")).generator
    assert not generator.training
    assert not any(parameter.requires_grad for parameter in generator.parameters())


def test_an_unknown_name_is_one_sentence():
    with pytest.raises(CheckpointError, match="use `default`"):
        load_generator("lions")
