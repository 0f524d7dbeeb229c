"""What a tuning may change, on a generator that was trained on drawings."""

import dataclasses

import pytest
import torch

from engine.inversion.tuning import TuningParams, tune
from engine.window import WindowImage
from tests.fakes.generator import trained_model

PARAMS = TuningParams(steps=25)
OPAQUE = torch.ones(1, 1, 32, 32)


@pytest.fixture(scope="module")
def generator():
    return trained_model().generator


@pytest.fixture(scope="module")
def w_plus(generator):
    return generator.sample_w(1, seed=8)[:, None].repeat(1, generator.num_ws, 1)


@pytest.fixture(scope="module")
def picture(generator, w_plus):
    """A sample under a colour cast and with a sticker: nothing that the generator can say."""
    image = generator.render(w_plus.unbind(1)) * torch.tensor([0.9, 1.0, 0.7])[:, None, None]
    image[..., 12:18, 6:12] = torch.tensor([0.9, -0.9, -0.9])[:, None, None]
    return WindowImage(image=image, opacity=OPAQUE)


@pytest.fixture(scope="module")
def tuned(generator, w_plus, picture):
    return list(tune(generator, picture, w_plus, params=PARAMS))


def test_it_comes_nearer_and_never_goes_back(tuned):
    losses = [step.loss for step in tuned]
    assert len(losses) == PARAMS.steps and losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.85 * losses[0]


def test_the_changes_are_what_came_nearer(generator, w_plus, picture, tuned):
    error, first = (
        float((g.render(w_plus.unbind(1)) - picture.image).abs().mean())
        for g in (generator.changed(tuned[-1].changes), generator)
    )
    assert error < 0.85 * first


def test_only_convolutions_from_the_first_block_on_are_changed(generator, w_plus, picture):
    *_, last = tune(generator, picture, w_plus, params=TuningParams(first_block=16, steps=2))
    assert set(last.changes) == {
        f"synthesis.b{block}.conv{number}.{part}"
        for block in (16, 32)
        for number in (0, 1)
        for part in ("weight", "bias")
    }


def test_the_generator_is_left_as_it_is(generator, w_plus, picture):
    before = {name: weight.clone() for name, weight in generator.state_dict().items()}
    for _ in tune(generator, picture, w_plus, params=TuningParams(steps=2)):
        pass
    after = generator.state_dict()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert not any(p.requires_grad for p in generator.parameters())


def test_steps_already_told_are_not_changed_by_later_ones(generator, w_plus, picture):
    steps = tune(generator, picture, w_plus, params=TuningParams(steps=4))
    early = [next(steps) for _ in range(3)]
    kept = [{name: change.clone() for name, change in s.changes.items()} for s in early]
    for _ in steps:
        pass
    for step, copy in zip(early, kept, strict=True):
        assert all(torch.equal(step.changes[name], change) for name, change in copy.items())


def test_what_is_transparent_teaches_nothing(generator, w_plus, picture):
    opacity = OPAQUE.clone()
    opacity[..., 16:] = 0.0
    hidden = dataclasses.replace(picture, opacity=opacity)
    painted = dataclasses.replace(hidden, image=picture.image.where(opacity > 0, 1.0))
    ends = [list(tune(generator, p, w_plus, params=PARAMS))[-1] for p in (hidden, painted)]
    assert all(torch.equal(c, ends[1].changes[name]) for name, c in ends[0].changes.items())
