"""z to w: the mapping network, the average w and truncation."""

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.generator.ops import ACTIVATION_GAIN, LEAK

_LR_MULTIPLIER = 0.01  # Karras et al. 2019: the mapping network learns a hundred times slower


class Mapping(nn.Module):
    """StyleGAN2's mapping network, with NVIDIA's parameter names (`fc0.weight`, ..., `w_avg`).

    Args:
        z_dim: size of z.
        w_dim: size of w.
        depth: number of fully connected layers.
    """

    w_avg: Tensor

    def __init__(self, *, z_dim: int, w_dim: int, depth: int) -> None:
        super().__init__()
        self.z_dim, self.w_dim, self.depth = z_dim, w_dim, depth
        for index in range(depth):
            self.add_module(f"fc{index}", _Dense(z_dim if index == 0 else w_dim, w_dim))
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor, *, truncation_psi: float = 1.0) -> Tensor:
        """Gives w for z.

        Args:
            z: (N, z_dim), normal deviates.
            truncation_psi: 1 leaves w as it is, 0 gives the average w.

        Returns:
            (N, w_dim).
        """
        x = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        for index in range(self.depth):
            x = cast(_Dense, self.get_submodule(f"fc{index}"))(x)
        return self.w_avg + truncation_psi * (x - self.w_avg) if truncation_psi != 1.0 else x


class _Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / _LR_MULTIPLIER)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = _LR_MULTIPLIER / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        x = x @ (self.weight * self.gain).t() + self.bias * _LR_MULTIPLIER
        return F.leaky_relu(x, LEAK) * ACTIVATION_GAIN
