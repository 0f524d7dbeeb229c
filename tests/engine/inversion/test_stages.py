"""What each stage may change, and what it gives, on a generator that was trained on drawings."""

import dataclasses

import pytest
import torch

from engine.inversion.match import FAIR_SHARE, GOOD_SHARE, Match, MatchLevel, match_of
from engine.inversion.projection import ProjectionParams
from engine.inversion.refinement import RefinementParams, refine
from engine.inversion.stages import PROFILES, InversionParams, InversionProfile, invert
from engine.inversion.tuning import TuningParams
from engine.window import WindowImage
from tests.fakes.generator import trained_model

SHARED_ROWS = 3


@pytest.fixture(scope="module")
def generator():
    return trained_model().generator


@pytest.fixture(scope="module")
def axes(generator):
    return 0.3 * torch.eye(generator.w_dim)


@pytest.fixture(scope="module")
def inverted(generator, axes):
    """Inverts a picture."""

    def call(picture, params, gate=lambda _, changes: changes):
        space = {"axes": axes, "shared_rows": SHARED_ROWS, "gate": gate}
        return list(invert(generator, picture, params=params, **space))

    return call


@pytest.fixture(scope="module")
def w(generator):
    return generator.sample_w(1, seed=8)


@pytest.fixture(scope="module")
def picture(generator, w):
    """A sample under a colour cast and with a sticker: nothing that the generator can say."""
    with torch.no_grad():
        image = (
            generator.render([w] * generator.num_ws) * torch.tensor([0.9, 1.0, 0.7])[:, None, None]
        )
    image[..., 12:18, 6:12] = torch.tensor([0.9, -0.9, -0.9])[:, None, None]
    return WindowImage(image=image, opacity=torch.ones(1, 1, 32, 32))


@pytest.fixture(scope="module")
def refined(generator, axes, w, picture):
    params = RefinementParams(steps=30)
    return list(refine(generator, picture, w, axes=axes, shared_rows=SHARED_ROWS, params=params))


def test_the_rows_that_a_drag_moves_stay_one_w(refined, w):
    rows = refined[-1].w_plus[0]
    assert bool((rows[:SHARED_ROWS] == rows[0]).all())
    assert not bool((rows[SHARED_ROWS:] == rows[0]).all(dim=1).any())


def test_free_rows_come_nearer_and_never_go_back(generator, refined, w, picture):
    losses = [step.loss for step in refined]
    assert losses == sorted(losses, reverse=True)
    pivot = w[:, None].expand(-1, generator.num_ws, -1)
    before, after = (
        match_of(generator, w_plus, picture).share for w_plus in (pivot, refined[-1].w_plus)
    )
    assert after > before


def test_a_strong_pull_to_the_mean_leaves_the_rows_together(generator, axes, w, picture):
    params = RefinementParams(steps=20, mean_weight=1e4)
    *_, last = refine(generator, picture, w, axes=axes, shared_rows=SHARED_ROWS, params=params)
    *_, free = refine(
        generator,
        picture,
        w,
        axes=axes,
        shared_rows=SHARED_ROWS,
        params=dataclasses.replace(params, mean_weight=0.0),
    )
    spread, free_spread = (float(s.w_plus[0, SHARED_ROWS:].std(dim=0).mean()) for s in (last, free))
    assert spread < 0.2 * free_spread


def test_the_stages_follow_each_other_and_the_match_is_told_at_the_end(
    generator, inverted, picture
):
    params = InversionParams(
        projection=ProjectionParams(samples=16, starts=2, start_steps=2, steps=3),
        refinement=RefinementParams(steps=4),
    )
    steps = inverted(picture, params)
    assert [s.step_index for s in steps] == list(range(10)) and steps[0].step_budget == 9
    assert [s.match is None for s in steps] == [True] * 9 + [False]
    assert steps[-1].match == match_of(generator, steps[-1].w_plus, picture)


def test_a_tuning_is_handed_over_as_the_gate_lets_it(generator, inverted, picture):
    params = InversionParams(
        projection=ProjectionParams(samples=16, starts=2, start_steps=2, steps=3),
        tuning=TuningParams(steps=4),
    )
    asked = []

    def half(w_plus, changes):
        asked.append(w_plus)
        return {name: 0.5 * change for name, change in changes.items()}

    *steps, last = inverted(picture, params, half)
    *_, whole = inverted(picture, params)
    assert len(asked) == 1 and torch.equal(asked[0], last.w_plus)
    assert all(torch.equal(last.changes[name], 0.5 * c) for name, c in whole.changes.items())
    assert [s.step_index for s in (*steps, last)] == list(range(11)) and last.step_budget == 10
    assert not any(s.changes for s in steps) and last.changes
    assert torch.equal(last.w_plus, steps[-1].w_plus) and last.loss < steps[-1].loss
    tuned, plain = (
        match_of(g, last.w_plus, picture) for g in (generator.changed(last.changes), generator)
    )
    assert last.match == tuned and tuned.share > plain.share


def test_a_sample_is_found_again(generator, inverted, w):
    with torch.no_grad():
        image = generator.render([w] * generator.num_ws)
    window = WindowImage(image=image, opacity=torch.ones(1, 1, 32, 32))
    params = InversionParams(
        projection=ProjectionParams(samples=64, starts=2, start_steps=5, steps=40),
        refinement=RefinementParams(steps=10),
    )
    *_, last = inverted(window, params)
    assert last.match.share > 0.98 and last.match.level is MatchLevel.GOOD


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (GOOD_SHARE, MatchLevel.GOOD),
        (GOOD_SHARE - 0.01, MatchLevel.FAIR),
        (FAIR_SHARE, MatchLevel.FAIR),
        (FAIR_SHARE - 0.01, MatchLevel.POOR),
    ],
)
def test_a_match_has_a_level_with_a_sentence_of_its_own(share, level):
    assert Match(share=share).level is level
    assert len({Match(share=each).sentence for each in (0.95, 0.85, 0.5)}) == 3


@pytest.mark.parametrize("share", [0.5, 0.85, 0.95])
def test_a_far_guess_is_not_blamed_on_the_model(share):
    guess, found = Match(share=share, is_guess=True), Match(share=share)
    assert guess.level is found.level
    assert (guess.sentence == found.sentence) == (found.level is MatchLevel.GOOD)


@pytest.mark.parametrize("profile", InversionProfile)
def test_only_the_instant_profile_gives_a_guess(inverted, picture, profile):
    *_, last = inverted(picture, PROFILES[profile])
    assert last.match.is_guess == (profile is InversionProfile.INSTANT)


def test_what_is_transparent_does_not_count_for_the_match(generator, w, picture):
    w_plus = w[:, None].expand(-1, generator.num_ws, -1)
    opacity = torch.ones(1, 1, 32, 32)
    opacity[..., 12:18, 6:12] = 0.0
    hidden = dataclasses.replace(picture, opacity=opacity)
    painted = dataclasses.replace(hidden, image=picture.image.where(opacity > 0, 1.0))
    assert match_of(generator, w_plus, hidden) == match_of(generator, w_plus, painted)


@pytest.mark.parametrize("colour", [-0.5, 0.2])
def test_a_picture_in_which_there_is_nothing_is_no_match(generator, w, colour):
    w_plus = w[:, None].expand(-1, generator.num_ws, -1)
    flat = WindowImage(image=torch.full((1, 3, 32, 32), colour), opacity=torch.ones(1, 1, 32, 32))
    assert match_of(generator, w_plus, flat).level is MatchLevel.POOR


def test_noise_is_no_match(generator, w):
    w_plus = w[:, None].expand(-1, generator.num_ws, -1)
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2.0 - 1.0
    window = WindowImage(image=noise, opacity=torch.ones(1, 1, 32, 32))
    assert match_of(generator, w_plus, window) == Match(share=0.0)
