"""Muon: momentum whose directions all weigh the same, for the convolutions of the generator.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". A demodulated
convolution does not care for the length of its kernels, so the step is scaled to a fixed root mean
square.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal, at a fixed root mean square of the step.

    Args:
        params: convolution kernels (C_out, C_in, k, k).
        lr: root mean square of a step.
        momentum: share of the last momentum that is kept.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.9,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Takes one step."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(kernel)
                momentum = state["momentum"].lerp_(kernel.grad, 1.0 - group["momentum"])
                ahead = kernel.grad.lerp(momentum, group["momentum"])  # Nesterov's look ahead
                direction = orthogonal(ahead.flatten(1)).view_as(kernel)
                # A kernel whose layer leads nowhere yet has no gradient, and must not move.
                size = direction.square().mean().sqrt().clamp(min=1e-6)
                kernel.add_(direction / size, alpha=-group["lr"])


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """Gives nearly the orthogonal matrix (A, B) nearest to a matrix, by Newton-Schulz rounds.

    The coefficients are those of Jordan et al. 2024: fast rather than exact.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x: Tensor = matrix.bfloat16()
    is_tall = x.shape[0] > x.shape[1]
    x = x.t() if is_tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        gram = x @ x.t()
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = (x.t() if is_tall else x).float()
    return result
