"""Picture to w: an encoder's guess or the best of some hundred samples, then optimisation.

This search stays in W, the space that the mapping network fills: a drag needs a latent that edits
well more than one that paints each pixel (Tov et al. 2021, "Designing an Encoder for StyleGAN
Image Manipulation").
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from engine.errors import InversionDiverged
from engine.generator.generator import GeneratorProtocol
from engine.inversion.encoder import Encoder
from engine.inversion.losses import picture_distance
from engine.window import WindowImage


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionParams:
    """How a picture's w is searched.

    Attributes:
        samples: random w that are compared with the picture before the search.
        starts: how many of the best ones are followed at first.
        start_steps: steps for which all starts are followed.
        steps: steps for which the best one is followed then.
        encoder_steps: all steps of a search that begins at an encoder's guess.
        learning_rate: of Adam, in standard deviations of w along its axes; falls to nought along a
            half cosine.
        seed: of the samples.
    """

    samples: int = 256
    starts: int = 4
    start_steps: int = 30
    steps: int = 120
    encoder_steps: int = 60
    learning_rate: float = 0.15
    seed: int = 0

    @property
    def step_budget(self) -> int:
        """How many steps the whole search takes."""
        return self.start_steps + self.steps

    @property
    def from_encoder(self) -> Self:
        """The same search where it begins at an encoder's guess."""
        return replace(self, start_steps=0, steps=self.encoder_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionStep:
    """One step of a search.

    Attributes:
        step_index: 0 for the encoder's guess or the best sample.
        step_budget: how many steps there will be.
        loss: `picture_distance` of the best latent so far.
        w_pivot: (1, w_dim), that latent.
    """

    step_index: int
    step_budget: int
    loss: float
    w_pivot: Tensor


def project(
    generator: GeneratorProtocol,
    window: WindowImage,
    *,
    axes: Tensor,
    encoder: Encoder | None = None,
    params: ProjectionParams | None = None,
) -> Iterator[ProjectionStep]:
    """Searches the w whose render is nearest to the window.

    Args:
        generator: frozen.
        window: the picture, in the generator's frame.
        axes: (w_dim, w_dim), the directions of w, each row as long as w spreads along it: the unit
            of the learning rate. Steps along them stay among pictures that the generator knows.
        encoder: guesses where to begin; None: the best of many samples.
        params: how to search; None for the defaults.

    Yields:
        The best so far, once for the start and once for each step.

    Raises:
        InversionDiverged: the search left the range of numbers.
    """
    params = params or ProjectionParams()
    if encoder is None:
        w = _best_samples(generator, window, params)
    else:
        params = params.from_encoder
        w = _guess(generator, window, encoder)
    best_w, best_loss = w[:1], float(_distance(generator, w[:1], window)[0])
    yield _record(0, params, best_loss, best_w)
    search = _Search(generator, window, w, axes, params)
    for step_index in range(1, params.step_budget + 1):
        losses = search.step(step_index)
        index = int(losses.argmin())
        if not bool(torch.isfinite(losses[index])):
            raise InversionDiverged(
                "the search ran out of numbers; let the model see a whole head and try again"
            )
        if float(losses[index]) < best_loss:
            best_w, best_loss = search.last_w[index : index + 1], float(losses[index])
        if step_index == params.start_steps:
            search.keep(index)
        yield _record(step_index, params, best_loss, best_w)


def _record(index: int, params: ProjectionParams, loss: float, w: Tensor) -> ProjectionStep:
    return ProjectionStep(
        step_index=index, step_budget=params.step_budget, loss=loss, w_pivot=w.clone()
    )


def _distance(generator: GeneratorProtocol, w: Tensor, window: WindowImage) -> Tensor:
    render = generator.render([w] * generator.num_ws)
    return picture_distance(render, window.image, window.opacity)


@torch.no_grad()
def _best_samples(
    generator: GeneratorProtocol, window: WindowImage, params: ProjectionParams
) -> Tensor:
    """Gives the sampled w nearest to the picture, (starts, w_dim), the average w among the
    sampled."""
    w = generator.sample_w(params.samples - 1, seed=params.seed)
    w = torch.cat([generator.w_avg[None], w])
    losses = torch.cat([_distance(generator, part, window) for part in torch.split(w, 16)])
    return w[losses.argsort()[: params.starts]]


@torch.no_grad()
def _guess(generator: GeneratorProtocol, window: WindowImage, encoder: Encoder) -> Tensor:
    """Gives the encoder's guess, (1, w_dim), or the average w where that is nearer: a picture
    unlike all that the encoder knows may lead it anywhere."""
    w = torch.cat([encoder(window.image), generator.w_avg[None]])
    losses = _distance(generator, w, window)
    return w[losses.argmin()][None]


class _Search:
    """Adam on a few w at once, each for itself."""

    def __init__(
        self,
        generator: GeneratorProtocol,
        window: WindowImage,
        w: Tensor,
        axes: Tensor,
        params: ProjectionParams,
    ) -> None:
        self.generator, self.window, self.axes, self.params = generator, window, axes, params
        self.first_w = w
        self._begin()

    def _begin(self) -> None:
        self.offset = torch.zeros_like(self.first_w, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.offset], betas=(0.9, 0.99))
        self.last_w = self.first_w

    def step(self, step_index: int) -> Tensor:
        """Takes one step; gives the losses of `last_w`, (starts,), as they were before it."""
        share = torch.tensor(step_index / (self.params.step_budget + 1))
        rate = self.params.learning_rate * 0.5 * (1.0 + torch.cos(torch.pi * share))
        self.optimizer.param_groups[0]["lr"] = float(rate)
        w = self.first_w + self.offset @ self.axes
        losses = _distance(self.generator, w, self.window)
        (self.offset.grad,) = torch.autograd.grad(losses.sum(), self.offset)
        self.optimizer.step()
        self.last_w = w.detach()
        return losses.detach()

    def keep(self, index: int) -> None:
        """Goes on with one of the starts alone."""
        self.first_w = self.last_w[index : index + 1]
        self._begin()
