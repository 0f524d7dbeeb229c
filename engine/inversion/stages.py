"""Picture to latent in three stages, each of which leaves something to drag: what one w can say,
what the finer rows can add, and what the generator must take on for it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from engine.generator.changes import WeightChanges
from engine.generator.generator import Generator
from engine.inversion.encoder import Encoder
from engine.inversion.losses import picture_distance
from engine.inversion.match import Match, match_of
from engine.inversion.projection import ProjectionParams, project
from engine.inversion.refinement import RefinementParams, refine
from engine.inversion.tuning import TuningParams, tune
from engine.window import WindowImage


class InversionProfile(StrEnum):
    """How long an inversion may take."""

    INSTANT = "instant"
    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


Gate = Callable[[Tensor, WeightChanges], WeightChanges]
"""Gives, of the changes that a picture, w+ (1, num_ws, w_dim), was tuned by, those to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionParams:
    """How a picture is inverted.

    Attributes:
        projection: how its w is searched.
        refinement: how the finer rows are freed; None leaves them. By default they are left: on
            pictures that no model saw it takes two thirds more time and has not been shown to give
            a better drag (`benchmarks.inversion_stages`).
        tuning: how the generator is tuned to the picture then; None leaves it, as by default.
    """

    projection: ProjectionParams = field(default_factory=ProjectionParams)
    refinement: RefinementParams | None = None
    tuning: TuningParams | None = None

    def step_budget(self, *, has_encoder: bool) -> int:
        """How many steps all stages take, from an encoder's guess or without one; the gate that
        follows a tuning is one."""
        projection = self.projection.from_encoder if has_encoder else self.projection
        refinement = self.refinement.steps if self.refinement else 0
        tuning = self.tuning.steps + 1 if self.tuning else 0
        return projection.step_budget + refinement + tuning


PROFILES: Mapping[InversionProfile, InversionParams] = MappingProxyType(
    {
        InversionProfile.INSTANT: InversionParams(
            projection=ProjectionParams(samples=512, start_steps=0, steps=0, encoder_steps=0)
        ),
        InversionProfile.FAST: InversionParams(),
        InversionProfile.BALANCED: InversionParams(refinement=RefinementParams()),
        InversionProfile.BEST: InversionParams(
            refinement=RefinementParams(), tuning=TuningParams()
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InversionStep:
    """One step of an inversion.

    Attributes:
        step_index: 0 for the encoder's guess or the best sample.
        step_budget: how many steps there will be.
        loss: `picture_distance` of the best so far.
        w_plus: (1, num_ws, w_dim), that latent.
        changes: of the generator's weights, that go with the latent; none before the last step, for
            nothing is handed over that the gate has not tried.
        match: how well the model can draw the picture; None before the last step.
    """

    step_index: int
    step_budget: int
    loss: float
    w_plus: Tensor
    changes: WeightChanges = field(default_factory=dict)
    match: Match | None = None


def invert(
    generator: Generator,
    window: WindowImage,
    *,
    axes: Tensor,
    shared_rows: int,
    gate: Gate,
    encoder: Encoder | None = None,
    params: InversionParams | None = None,
) -> Iterator[InversionStep]:
    """Inverts a picture, stage after stage.

    Args:
        generator: frozen, and left as it is.
        window: the picture, in the generator's frame.
        axes: (w_dim, w_dim), the directions of w, each row as long as w spreads along it.
        shared_rows: how many of the first rows of w+ stay one w: those that a drag moves.
        gate: what of a tuning may be handed over.
        encoder: guesses where to begin; None: the best of many samples.
        params: how to invert; None for the defaults.

    Yields:
        The best so far, once for the start and once for each step; the last tells the match.

    Raises:
        InversionDiverged: the search left the range of numbers.
    """
    params = params or InversionParams()
    budget = params.step_budget(has_encoder=encoder is not None)
    stages = _stages(generator, window, axes, shared_rows, gate, encoder, params)
    for index, found in enumerate(stages):
        step = InversionStep(
            step_index=index,
            step_budget=budget,
            loss=found.loss,
            w_plus=found.w_plus,
            changes=found.changes,
        )
        if index == budget:
            drawn_by = generator.changed(found.changes)
            match = match_of(drawn_by, found.w_plus, window, is_guess=budget == 0)
            step = replace(step, match=match)
        yield step


class _Found(NamedTuple):
    """What a step of a stage hands over."""

    loss: float
    w_plus: Tensor
    changes: WeightChanges


def _stages(
    generator: Generator,
    window: WindowImage,
    axes: Tensor,
    shared_rows: int,
    gate: Gate,
    encoder: Encoder | None,
    params: InversionParams,
) -> Iterator[_Found]:
    """Yields what each step has found, one stage after the other."""
    for step in project(generator, window, axes=axes, encoder=encoder, params=params.projection):
        w_pivot = step.w_pivot
        found = _Found(step.loss, w_pivot[:, None].repeat(1, generator.num_ws, 1), {})
        yield found
    if params.refinement is not None:
        for refined in refine(
            generator,
            window,
            w_pivot,
            axes=axes,
            shared_rows=shared_rows,
            params=params.refinement,
        ):
            found = _Found(refined.loss, refined.w_plus, {})
            yield found
    if params.tuning is not None:
        for tuned in tune(generator, window, found.w_plus, params=params.tuning):
            changes = tuned.changes
            yield found
        changes = gate(found.w_plus, changes)
        yield _Found(_loss(generator.changed(changes), found.w_plus, window), found.w_plus, changes)


@torch.no_grad()
def _loss(generator: Generator, w_plus: Tensor, window: WindowImage) -> float:
    render = generator.render(w_plus.unbind(1))
    return float(picture_distance(render, window.image, window.opacity)[0])
