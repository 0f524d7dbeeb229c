"""The operations of StyleGAN2, as plain differentiable torch functions.

Source: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (2.2: weight
demodulation; appendix B: resampling filter), in the arrangement of NVIDIA's networks, so that their
weights mean the same here. No operation is global in space.
"""

import math
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LEAK = 0.2  # slope of the leaky ReLU below zero
ACTIVATION_GAIN = math.sqrt(2.0)
_FIR = (0.125, 0.375, 0.375, 0.125)  # binomial, sums to 1


class Kernel(NamedTuple):
    """The weight of a convolution, as its operations take it.

    Attributes:
        weight: (C_out, C_in, k, k); the other way round, (C_in, C_out, k, k), for one that doubles
            the size.
        power: (C_in, C_out), sums of the squares of each k x k; None: there is no demodulation.
    """

    weight: Tensor
    power: Tensor | None = None

    @classmethod
    def demodulated(cls, weight: Tensor, *, up: bool) -> "Kernel":
        """Makes ready the weight (C_out, C_in, k, k) of a demodulated convolution."""
        power = weight.square().sum(dim=(2, 3)).t()
        return cls(weight.transpose(0, 1).contiguous() if up else weight, power)


def modulated_conv(
    x: Tensor,
    kernel: Kernel,
    styles: Tensor,
    *,
    up: bool = False,
    gain: float = 1.0,
    padded: bool = True,
) -> Tensor:
    """Convolves with weights that are scaled by a style for each picture of the batch.

    The modulation is un-fused (input scaled, one shared convolution, output scaled): the result is
    that of scaled weights, but the gradient of a style needs no weight-gradient convolution.

    Args:
        x: (N, C_in, H, W).
        kernel: the weight; what comes out is divided by the norm that the scaled weights have
            (Karras et al. 2020, Eq. 3), where the kernel knows its power.
        styles: (N, C_in), or (1, C_in) for all.
        up: double the size: transposed convolution, then the blur filter.
        gain: a factor on the result of a demodulated convolution.
        padded: what lies beyond the border is zero; else x has a rim of one pixel that is read and
            not made.

    Returns:
        (N, C_out, H, W), or (N, C_out, 2H, 2W) with `up`; H and W without the rim.
    """
    rim = 0 if padded else 1
    weight, power = kernel
    x = x * styles.to(x.dtype)[:, :, None, None]
    if up:
        # (N, C_out, 2H + 1, 2W + 1), and without padding a rim that the filter reads
        x = F.conv_transpose2d(x, weight, stride=2, padding=rim)
        x = _blur(x, padding=1 - rim)  # (N, C_out, 2H, 2W)
    else:
        x = F.conv2d(x, weight, padding=weight.shape[-1] // 2 - rim)
    if power is not None:
        scale = torch.rsqrt(styles.square() @ power + 1e-8) * gain  # (N, C_out)
        x = x * scale.to(x.dtype)[:, :, None, None]
    return x


def upsample(image: Tensor) -> Tensor:
    """Doubles the size of (N, C, H, W) with the generator's filter, as its RGB branch does."""
    channels = image.shape[1]
    kernel = _kernel(image.dtype, image.device)
    rows = kernel.view(1, 1, 4, 1).expand(channels, 1, 4, 1)
    columns = kernel.view(1, 1, 1, 4).expand(channels, 1, 1, 4)
    image = F.conv_transpose2d(image, rows, stride=(2, 1), padding=(1, 0), groups=channels)
    return F.conv_transpose2d(image, columns, stride=(1, 2), padding=(0, 1), groups=channels)


def _blur(x: Tensor, *, padding: int) -> Tensor:
    """Filters (N, C, H, W) to one px less along either axis with a padding of 1, three without;
    gain 4, for the zeros in between."""
    channels = x.shape[1]
    kernel = _kernel(x.dtype, x.device)
    rows = kernel.view(1, 1, 4, 1).expand(channels, 1, 4, 1)
    columns = kernel.view(1, 1, 1, 4).expand(channels, 1, 1, 4)
    x = F.conv2d(x, rows, padding=(padding, 0), groups=channels)
    return F.conv2d(x, columns, padding=(0, padding), groups=channels)


@cache
def _kernel(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(_FIR, dtype=dtype, device=device) * 2.0  # gain 2 for each axis
