"""Pivotal tuning, mild: the generator itself takes on what none of its latents can say.

Roich et al. 2022, "Pivotal Tuning for Latent-based Editing of Real Images": the latent stays where
it was found, and the weights are searched in its place. Only convolutions are tuned, and only from
`first_block` on: the coarse ones hold what a drag relies on, how a head turns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.generator.changes import WeightChanges
from engine.generator.generator import Generator
from engine.inversion.losses import picture_distance
from engine.inversion.refinement import half_cosine
from engine.window import WindowImage

_CONVOLUTION = re.compile(r"synthesis\.b(\d+)\.conv\d\.(?:weight|bias)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningParams:
    """How a generator is tuned to a picture.

    Attributes:
        first_block: the coarsest block whose convolutions are tuned, px.
        steps: of Adam.
        learning_rate: falls to nought along a half cosine; the weights of a convolution spread
            about one.
    """

    first_block: int = 16
    steps: int = 40
    learning_rate: float = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tuned:
    """The best so far.

    Attributes:
        loss: its `picture_distance`.
        changes: of the weights; `Generator.changed` takes them.
    """

    loss: float
    changes: WeightChanges


def tune(
    generator: Generator, window: WindowImage, w_plus: Tensor, *, params: TuningParams
) -> Iterator[Tuned]:
    """Tunes a copy of a generator until the latent paints the picture.

    Args:
        generator: frozen, and left as it is.
        window: the picture, in the generator's frame.
        w_plus: (1, num_ws, w_dim), stays as it is.
        params: how to tune.

    Yields:
        The best so far, once for each step.
    """
    names = _tuned_names(generator, params.first_block)
    first = dict(generator.named_parameters())
    student = generator.changed({name: torch.zeros_like(first[name]) for name in names})
    weights = {n: p.requires_grad_() for n, p in student.named_parameters() if n in names}
    optimizer = torch.optim.Adam(weights.values(), betas=(0.9, 0.99))
    rows, best = w_plus.unbind(1), None
    for step_index in range(params.steps):
        rate = params.learning_rate * half_cosine(step_index / params.steps)
        optimizer.param_groups[0]["lr"] = rate
        loss = picture_distance(student.render(rows), window.image, window.opacity)[0]
        if best is None or float(loss.detach()) < best.loss:
            changes = {n: (p.detach() - first[n]).half() for n, p in weights.items()}
            best = Tuned(loss=float(loss.detach()), changes=changes)
        yield best
        gradients = torch.autograd.grad(loss, list(weights.values()))
        for weight, gradient in zip(weights.values(), gradients, strict=True):
            weight.grad = gradient
        optimizer.step()


def _tuned_names(generator: Generator, first_block: int) -> frozenset[str]:
    found = {name: _CONVOLUTION.fullmatch(name) for name, _ in generator.named_parameters()}
    return frozenset(n for n, match in found.items() if match and int(match[1]) >= first_block)
