"""Searching the latent of a picture that the tiny generator painted itself."""

import dataclasses

import pytest
import torch

from engine.errors import InversionDiverged
from engine.inversion.projection import ProjectionParams, project
from engine.window import WindowImage
from tests.fakes.blobs import BlobGenerator
from tests.fakes.generator import tiny_generator

PARAMS = ProjectionParams(samples=64, starts=3, start_steps=10, steps=60)
BRIEF = dataclasses.replace(PARAMS, start_steps=3, steps=5)
AXES = 0.3 * torch.eye(12)


@pytest.fixture(scope="module")
def generator():
    return tiny_generator()


def window_of(generator, w):
    with torch.no_grad():
        image = generator.render([w] * generator.num_ws)
    return WindowImage(image=image, opacity=torch.ones(1, 1, *image.shape[2:]))


@pytest.fixture(scope="module")
def picture(generator):
    return window_of(generator, generator.sample_w(1, seed=77))


@pytest.fixture(scope="module")
def steps(generator, picture):
    return list(project(generator, picture, axes=AXES, params=PARAMS))


def test_the_latent_of_a_sampled_picture_is_found(generator, steps):
    truth = generator.sample_w(1, seed=77)
    first, last = (float((s.w_pivot - truth).norm()) for s in (steps[0], steps[-1]))
    assert steps[-1].loss < 0.1 * steps[0].loss
    assert last < 0.1 * first


def test_the_best_so_far_never_gets_worse(steps):
    losses = [step.loss for step in steps]
    assert losses == sorted(losses, reverse=True)


def test_the_first_step_is_the_best_sample(generator, picture, steps):
    samples = torch.cat([generator.w_avg[None], generator.sample_w(63, seed=PARAMS.seed)])
    assert any(torch.equal(steps[0].w_pivot[0], w) for w in samples)
    assert [step.step_index for step in steps] == list(range(PARAMS.step_budget + 1))
    assert {step.step_budget for step in steps} == {70}


def test_the_same_seed_finds_the_same(generator, picture):
    once, again = (list(project(generator, picture, axes=AXES, params=BRIEF))[-1] for _ in range(2))
    assert torch.equal(once.w_pivot, again.w_pivot)


def test_the_average_is_among_the_samples(generator):
    picture = window_of(generator, generator.w_avg[None])
    step = next(project(generator, picture, axes=AXES, params=PARAMS))
    assert torch.equal(step.w_pivot, generator.w_avg[None])
    assert step.loss == pytest.approx(0.0, abs=1e-6)


def test_transparent_parts_do_not_count(generator, picture):
    opacity = torch.ones(1, 1, 32, 32)
    opacity[..., 16:] = 0.0
    painted_over = picture.image.clone()
    painted_over[..., 16:] = 0.9
    ends = [
        list(project(generator, window, axes=AXES, params=BRIEF))[-1].w_pivot
        for window in (
            WindowImage(image=picture.image, opacity=opacity),
            WindowImage(image=painted_over, opacity=opacity),
        )
    ]
    assert torch.equal(ends[0], ends[1])


def test_steps_already_told_are_not_changed_by_later_ones(generator, picture):
    search = project(generator, picture, axes=AXES, params=BRIEF)
    early = [next(search) for _ in range(3)]
    kept = [step.w_pivot.clone() for step in early]
    for _ in search:
        pass
    assert all(torch.equal(s.w_pivot, k) for s, k in zip(early, kept, strict=True))


def test_a_search_that_leaves_the_numbers_says_so():
    blind = BlobGenerator(px_per_w=float("inf"))
    picture = WindowImage(image=torch.zeros(1, 3, 32, 32), opacity=torch.ones(1, 1, 32, 32))
    params = dataclasses.replace(BRIEF, samples=4, starts=2)
    with pytest.raises(InversionDiverged, match="see a whole head"):
        list(project(blind, picture, axes=torch.eye(blind.w_dim), params=params))


class Knowing(torch.nn.Module):
    """An encoder that answers every picture with one w."""

    def __init__(self, w):
        super().__init__()
        self.w = w

    def forward(self, images):
        return self.w


def test_a_search_begins_at_the_encoders_guess(generator, picture):
    guess = generator.sample_w(1, seed=77) + 0.05
    steps = list(project(generator, picture, axes=AXES, encoder=Knowing(guess), params=BRIEF))
    assert torch.equal(steps[0].w_pivot, guess)
    assert [s.step_index for s in steps] == list(range(BRIEF.encoder_steps + 1))
    assert steps[-1].loss < 0.5 * steps[0].loss


def test_a_guess_worse_than_the_average_is_not_followed(generator, picture):
    wild = Knowing(generator.w_avg[None] + 1e3)
    step = next(project(generator, picture, axes=AXES, encoder=wild, params=BRIEF))
    assert torch.equal(step.w_pivot, generator.w_avg[None])
