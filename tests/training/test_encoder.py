"""The encoder's training: its measure of an error, and that it learns."""

import pytest
import torch

from engine.generator.generator import Generator, GeneratorShape
from engine.inversion.encoder import Encoder, EncoderShape
from tests.fakes.generator import seeded_weights
from training.encoder import Scale, folded, pull_on_picture, train

SHAPE = GeneratorShape(z_dim=32, w_dim=6, mapping_depth=1, channels={4: 4, 8: 4, 16: 4})


@pytest.fixture(scope="module")
def generator():
    return Generator.from_weights(seeded_weights(SHAPE))


def test_the_pull_tells_how_far_a_change_of_w_moves_the_picture(generator):
    pull = pull_on_picture(generator, 2000, seed=9)
    w = generator.sample_w(2000, seed=9)
    for step in torch.randn(3, 6, generator=torch.Generator().manual_seed(1)) * 1e-3:
        change = generator.render([w + step] * 6) - generator.render([w] * 6)
        expected = change.square().sum(dim=(1, 2, 3)).mean()
        assert float(step @ pull @ step) == pytest.approx(float(expected), rel=0.15)


def test_an_error_that_shows_costs_more_than_one_that_does_not():
    scale = Scale(torch.diag(torch.tensor([4.0, 0.0])), torch.tensor([0.5, 0.5]))
    seen, unseen = scale.cost(torch.tensor([[0.5, 0.0]])), scale.cost(torch.tensor([[0.0, 0.5]]))
    assert float(seen) == pytest.approx(1.0 + float(unseen), rel=1e-5)
    assert 0.0 < float(unseen) < 0.05


def test_an_encoder_to_standard_deviations_is_folded_into_one_to_w():
    torch.manual_seed(3)
    encoder = Encoder(EncoderShape(channels=(2, 2, 2, 2), width=3, w_dim=4))
    images = torch.rand(2, 3, 64, 64)
    average, deviations = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.1, 1.0, 5.0, 9.0])
    expected = (average + deviations * encoder(images)).detach()
    found = folded(encoder, average, deviations)
    torch.testing.assert_close(found(images), expected)
    assert not any(weight.requires_grad for weight in found.parameters())


def test_training_brings_it_nearer_to_w_than_the_average(generator):
    w = generator.sample_w(1000, seed=3)
    encoder = train(generator, w.std(dim=0), pictures=960)
    truth = w[:64]
    images = generator.render([truth] * generator.num_ws).clamp(-1.0, 1.0)
    scale = Scale(pull_on_picture(generator), w.std(dim=0))
    found, blind = scale.cost(encoder(images) - truth), scale.cost(w.mean(dim=0) - truth)
    assert float(found) < 0.8 * float(blind)
