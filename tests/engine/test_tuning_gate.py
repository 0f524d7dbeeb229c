"""What a gate lets through, on a generator that was trained on drawings."""

import pytest
import torch

from engine.inversion.tuning import TuningParams, tune
from engine.session import drag_space
from engine.tuning_gate import best_place, let_through
from engine.window import WindowImage
from tests.fakes.generator import trained_model

OPAQUE = torch.ones(1, 1, 32, 32)


@pytest.fixture(scope="module")
def model():
    return trained_model()


@pytest.fixture(scope="module")
def generator(model):
    return model.generator


@pytest.fixture(scope="module")
def w_plus(generator):
    return generator.sample_w(1, seed=8)[:, None].repeat(1, generator.num_ws, 1)


@pytest.fixture(scope="module")
def gate(generator, model, w_plus):
    def ask(changes):
        return let_through(generator, w_plus, changes, space=drag_space(model), opacity=OPAQUE)

    return ask


def convolutions(generator):
    """Gives the weights of all convolutions by their names."""
    layers = generator.synthesis.layers(generator.resolution)
    return {n: w for n, w in generator.named_parameters() if any(w is x.weight for x in layers)}


def test_a_mild_tuning_is_let_through_whole(gate, generator, w_plus):
    colours = torch.tensor([0.9, 1.0, 0.7])[:, None, None]
    picture = WindowImage(image=generator.render(w_plus.unbind(1)) * colours, opacity=OPAQUE)
    *_, tuned = tune(generator, picture, w_plus, params=TuningParams(steps=25))
    taken = gate(tuned.changes)
    assert tuned.changes and taken.keys() == tuned.changes.keys()
    assert all(torch.equal(taken[name], change) for name, change in tuned.changes.items())


def test_a_generator_whose_pictures_do_not_move_is_refused(gate, generator):
    source = torch.Generator().manual_seed(1)
    foreign = {
        name: 3.0 * torch.randn(weight.shape, generator=source).half()
        for name, weight in convolutions(generator).items()
    }
    assert gate(foreign) == {}


def test_of_a_tuning_that_goes_too_far_half_is_taken(gate, generator):
    """Weights of nought paint one picture for all latents. Of half a weight demodulation makes the
    whole one."""
    all_away = {name: -weight.half() for name, weight in convolutions(generator).items()}
    taken = gate(all_away)
    assert all(torch.equal(taken[name], 0.5 * change) for name, change in all_away.items())


def test_the_place_that_is_dragged_is_one_that_shows(generator, model, w_plus):
    features = generator.features(w_plus.unbind(1), model.info.feature_block)
    opacity = OPAQUE.clone()
    opacity[..., :16] = 0.0
    x, _ = (best_place(features, opacity) / features.shape[-1]).tolist()
    assert x > 0.5
