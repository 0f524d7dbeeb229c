"""StyleGAN2's residual discriminator, small, with a verdict on each patch beside that on the whole.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (residual blocks,
minibatch deviation); the logits of patches follow Isola et al. 2017: a drawing has the right shapes
after the regression, what it lacks is crispness, and that is told place by place.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.generator.ops import ACTIVATION_GAIN, LEAK

GROUP = 4  # pictures that minibatch deviation compares


@dataclass(frozen=True, slots=True)
class Verdict:
    """Logits, positive for real.

    Attributes:
        picture: (N, 1), on the whole.
        patches: (N, h, w), on each place of the block that looks at patches.
    """

    picture: Tensor
    patches: Tensor


class Discriminator(nn.Module):
    """Tells drawings from what a generator paints.

    Args:
        channels: number of channels at each size, from 4 px up to the pictures' own.
        patch_size: the block whose features judge patches, px.
    """

    def __init__(self, channels: dict[int, int], *, patch_size: int = 16) -> None:
        super().__init__()
        self.sizes = sorted(channels, reverse=True)
        self.patch_size = patch_size
        self.from_rgb = _Conv(3, channels[self.sizes[0]], 1)
        for size in self.sizes[:-1]:
            self.add_module(f"b{size}", _Residual(channels[size], channels[size // 2]))
        self.patch = _Conv(channels[patch_size], 1, 1, is_linear=True)
        last = channels[4]
        self.final = _Conv(last + 1, last, 3)
        self.dense = nn.Linear(last * 16, last)
        self.out = nn.Linear(last, 1)

    def forward(self, images: Tensor) -> Verdict:
        """Judges (N, 3, S, S), RGB in [-1, 1]."""
        x = self.from_rgb(images)
        patches: Tensor | None = None
        for size in self.sizes[:-1]:
            if size == self.patch_size:
                patches = self.patch(x).squeeze(1)  # (N, h, w)
            x = self.get_submodule(f"b{size}")(x)
        assert patches is not None
        x = self.final(torch.cat([x, _deviation(x)], dim=1)).flatten(1)
        x = F.leaky_relu(self.dense(x), LEAK)
        return Verdict(self.out(x), patches)


class _Residual(nn.Module):
    """Two convolutions and a short cut, to half the size."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv0 = _Conv(channels, channels, 3)
        self.conv1 = _Conv(channels, out_channels, 3)
        self.skip = _Conv(channels, out_channels, 1, is_linear=True)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv1(_halve(self.conv0(x)))
        return cast(Tensor, (branch + self.skip(_halve(x))) * math.sqrt(0.5))


class _Conv(nn.Module):
    """A convolution with an equalised learning rate (Karras et al. 2018, 4.1), and activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, is_linear: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = 1.0 / math.sqrt(inputs * kernel * kernel)
        self.is_linear = is_linear

    def forward(self, x: Tensor) -> Tensor:
        padding = self.weight.shape[-1] // 2
        x = F.conv2d(x, self.weight * self.gain, self.bias, padding=padding)
        return x if self.is_linear else F.leaky_relu(x, LEAK) * ACTIVATION_GAIN


def _halve(x: Tensor) -> Tensor:
    """Half the size by the mean of four: exact enough for a judge, and cheap on a processor."""
    return F.avg_pool2d(x, 2)


def _deviation(x: Tensor) -> Tensor:
    """The spread of each group of pictures as one more channel (Karras et al. 2018, section 3)."""
    count, _, height, width = x.shape
    group = math.gcd(GROUP, count)
    y = x.float().view(group, count // group, *x.shape[1:])
    spread = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # (N / group,)
    spread = spread.to(x.dtype).repeat(group)  # (N,)
    return spread[:, None, None, None].expand(-1, 1, height, width)
