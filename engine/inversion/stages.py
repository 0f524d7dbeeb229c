"""Picture to latent in two stages, each of which leaves something to drag: what one w can say, and
what the finer rows can add.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from torch import Tensor

from engine.generator.generator import GeneratorProtocol
from engine.inversion.encoder import Encoder
from engine.inversion.match import Match, match_of
from engine.inversion.projection import ProjectionParams, project
from engine.inversion.refinement import RefinementParams, refine
from engine.window import WindowImage


class InversionProfile(StrEnum):
    """How long an inversion may take."""

    INSTANT = "instant"
    FAST = "fast"
    BALANCED = "balanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionParams:
    """How a picture is inverted.

    Attributes:
        projection: how its w is searched.
        refinement: how the finer rows are freed; None leaves them. By default they are left: on
            pictures that no model saw it takes two thirds more time and has not been shown to give
            a better drag (`benchmarks.inversion_stages`).
    """

    projection: ProjectionParams = field(default_factory=ProjectionParams)
    refinement: RefinementParams | None = None

    def step_budget(self, *, has_encoder: bool) -> int:
        """How many steps all stages take, from an encoder's guess or without one."""
        projection = self.projection.from_encoder if has_encoder else self.projection
        return projection.step_budget + (self.refinement.steps if self.refinement else 0)


PROFILES: Mapping[InversionProfile, InversionParams] = MappingProxyType(
    {
        InversionProfile.INSTANT: InversionParams(
            projection=ProjectionParams(samples=512, start_steps=0, steps=0, encoder_steps=0)
        ),
        InversionProfile.FAST: InversionParams(),
        InversionProfile.BALANCED: InversionParams(refinement=RefinementParams()),
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
        match: how well the model can draw the picture; None before the last step.
    """

    step_index: int
    step_budget: int
    loss: float
    w_plus: Tensor
    match: Match | None = None


def invert(
    generator: GeneratorProtocol,
    window: WindowImage,
    *,
    axes: Tensor,
    shared_rows: int,
    encoder: Encoder | None = None,
    params: InversionParams | None = None,
) -> Iterator[InversionStep]:
    """Inverts a picture, stage after stage.

    Args:
        generator: frozen, and left as it is.
        window: the picture, in the generator's frame.
        axes: (w_dim, w_dim), the directions of w, each row as long as w spreads along it.
        shared_rows: how many of the first rows of w+ stay one w: those that a drag moves.
        encoder: guesses where to begin; None: the best of many samples.
        params: how to invert; None for the defaults.

    Yields:
        The best so far, once for the start and once for each step; the last tells the match.

    Raises:
        InversionDiverged: the search left the range of numbers.
    """
    params = params or InversionParams()
    budget = params.step_budget(has_encoder=encoder is not None)
    stages = _stages(generator, window, axes, shared_rows, encoder, params)
    for index, (loss, w_plus) in enumerate(stages):
        yield InversionStep(
            step_index=index,
            step_budget=budget,
            loss=loss,
            w_plus=w_plus,
            match=(
                match_of(generator, w_plus, window, is_guess=budget == 0)
                if index == budget
                else None
            ),
        )


def _stages(
    generator: GeneratorProtocol,
    window: WindowImage,
    axes: Tensor,
    shared_rows: int,
    encoder: Encoder | None,
    params: InversionParams,
) -> Iterator[tuple[float, Tensor]]:
    """Yields loss and w+ of each step, one stage after the other."""
    for step in project(generator, window, axes=axes, encoder=encoder, params=params.projection):
        w_pivot = step.w_pivot
        yield step.loss, w_pivot[:, None].repeat(1, generator.num_ws, 1)  # (1, num_ws, w_dim)
    if params.refinement is not None:
        for refined in refine(
            generator,
            window,
            w_pivot,
            axes=axes,
            shared_rows=shared_rows,
            params=params.refinement,
        ):
            yield refined.loss, refined.w_plus
