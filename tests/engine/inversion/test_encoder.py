"""The encoder: any picture size in, w out, and the sizes read off its weights."""

import pytest
import torch

from engine.errors import CheckpointError
from engine.inversion.encoder import Encoder, EncoderShape

SHAPE = EncoderShape(channels=(2, 3, 4, 5), width=6, w_dim=7)


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(2)
    return Encoder(SHAPE).state_dict()


def test_its_sizes_are_read_off_its_weights(weights):
    assert EncoderShape.of_weights(weights) == SHAPE
    encoder = Encoder.from_weights(weights)
    assert not encoder.training and not any(p.requires_grad for p in encoder.parameters())


@pytest.mark.parametrize("name", ["halve3.weight", "to_w.weight"])
def test_weights_of_another_network_are_refused(weights, name):
    with pytest.raises(CheckpointError, match="encoder is damaged"):
        EncoderShape.of_weights({k: v for k, v in weights.items() if k != name})


@pytest.mark.parametrize("size", [32, 64, 256])
def test_a_picture_of_any_size_is_read_alike(weights, size):
    encoder = Encoder.from_weights(weights)
    colours = torch.linspace(-0.9, 0.9, 6).view(2, 3, 1, 1)
    w = encoder(colours.expand(2, 3, size, size))
    assert w.shape == (2, 7)
    torch.testing.assert_close(w, encoder(colours.expand(2, 3, 64, 64)), atol=1e-5, rtol=1e-4)
