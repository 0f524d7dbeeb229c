"""The operations of StyleGAN2, as plain differentiable torch functions.

Source: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (2.2: weight
demodulation; appendix B: resampling filter), in the arrangement of NVIDIA's networks, so that their
weights mean the same here. No operation is global in space.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

LEAK = 0.2  # slope of the leaky ReLU below zero
ACTIVATION_GAIN = math.sqrt(2.0)
_FIR = (0.125, 0.375, 0.375, 0.125)  # binomial, sums to 1


def modulated_conv(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    up: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Convolves with weights that are scaled by a style for each picture of the batch.

    The modulation is un-fused (input scaled, one shared convolution, output scaled): the result is
    that of scaled weights, but the gradient of a style needs no weight-gradient convolution.

    Args:
        x: (N, C_in, H, W).
        weight: (C_out, C_in, k, k).
        styles: (N, C_in).
        demodulate: divide by the norm that the scaled weights have (Karras et al. 2020, Eq. 3).
        up: double the size: transposed convolution, then the blur filter.
        gain: a factor on the result of a demodulated convolution.

    Returns:
        (N, C_out, H, W), or (N, C_out, 2H, 2W) with `up`.
    """
    x = x * styles.to(x.dtype)[:, :, None, None]
    if up:
        x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (N, C_out, 2H + 1, 2W + 1)
        x = _blur(x)  # (N, C_out, 2H, 2W)
    else:
        x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    if demodulate:
        power = styles.square() @ weight.square().sum(dim=(2, 3)).t()  # (N, C_out)
        scale = torch.rsqrt(power + 1e-8) * gain
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


def _blur(x: Tensor) -> Tensor:
    """Filters (N, C, 2H + 1, 2W + 1) to (N, C, 2H, 2W); gain 4, for the zeros in between."""
    channels = x.shape[1]
    kernel = _kernel(x.dtype, x.device)
    x = F.conv2d(
        x, kernel.view(1, 1, 4, 1).expand(channels, 1, 4, 1), padding=(1, 0), groups=channels
    )
    return F.conv2d(
        x, kernel.view(1, 1, 1, 4).expand(channels, 1, 1, 4), padding=(0, 1), groups=channels
    )


@cache
def _kernel(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(_FIR, dtype=dtype, device=device) * 2.0  # gain 2 for each axis
