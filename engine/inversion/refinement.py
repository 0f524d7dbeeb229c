"""From one w to a split w+: the rows that a drag moves stay one w, the finer ones go free.

A drag moves the first rows of w+ alone. As long as these are one w, they move as those of a sampled
picture do; the finer rows hold colour and texture, which no drag touches, and may say what one w
cannot. They are drawn to their mean (the delta penalty of Tov et al. 2021, "Designing an Encoder
for StyleGAN Image Manipulation", 3.2.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.generator.generator import GeneratorProtocol
from engine.inversion.losses import picture_distance
from engine.window import WindowImage


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinementParams:
    """How a w becomes a split w+.

    Attributes:
        steps: of Adam.
        learning_rate: in standard deviations of w along its axes; falls to nought along a half
            cosine.
        mean_weight: of the mean square way of the finer rows from their mean, in standard
            deviations of w.
    """

    steps: int = 40
    learning_rate: float = 0.05
    mean_weight: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The best so far.

    Attributes:
        loss: its `picture_distance`.
        w_plus: (1, num_ws, w_dim).
    """

    loss: float
    w_plus: Tensor


def refine(
    generator: GeneratorProtocol,
    window: WindowImage,
    w_pivot: Tensor,
    *,
    axes: Tensor,
    shared_rows: int,
    params: RefinementParams,
) -> Iterator[Refined]:
    """Frees the rows of w+ that a drag leaves alone.

    Args:
        generator: frozen.
        window: the picture, in the generator's frame.
        w_pivot: (1, w_dim), where to begin.
        axes: (w_dim, w_dim), the directions of w, each row as long as w spreads along it.
        shared_rows: how many of the first rows stay one w.
        params: how to search.

    Yields:
        The best so far, once for each step.
    """
    free = generator.num_ws - shared_rows
    shared = torch.zeros_like(w_pivot, requires_grad=True)  # (1, w_dim)
    finer = w_pivot.new_zeros(free, w_pivot.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([shared, finer], betas=(0.9, 0.99))
    best: Refined | None = None
    for step_index in range(params.steps):
        rate = params.learning_rate * half_cosine(step_index / params.steps)
        optimizer.param_groups[0]["lr"] = rate
        offsets = torch.cat([shared.expand(shared_rows, -1), finer])
        w_plus = (w_pivot + offsets @ axes)[None]  # (1, num_ws, w_dim)
        render = generator.render(w_plus.unbind(1))
        loss = picture_distance(render, window.image, window.opacity)[0]
        spread = (finer - finer.mean(dim=0)).square().mean()
        shared.grad, finer.grad = torch.autograd.grad(
            loss + params.mean_weight * spread, [shared, finer]
        )
        optimizer.step()
        if best is None or float(loss.detach()) < best.loss:
            best = Refined(loss=float(loss.detach()), w_plus=w_plus.detach().clone())
        yield best


def half_cosine(share: float) -> float:
    """Gives 1 at a share of 0 and nought at 1."""
    return 0.5 * (1.0 + float(torch.cos(torch.tensor(torch.pi * share))))
