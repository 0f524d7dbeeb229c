"""uint8 arrays and float tensors, masks and resizing: the only place that knows ranges.

An artist's pixels are (H, W, 4), uint8, straight alpha, encoded sRGB. A generator's are (1, 3, S,
S), float32, RGB in [-1, 1].
"""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Pixels = npt.NDArray[np.uint8]


def unit_tensor(pixels: Pixels) -> Tensor:
    """Gives (H, W) or (H, W, C), uint8, as (1, C, H, W), float32, in [0, 1]."""
    planes = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None].float() / 255.0


def uint8_pixels(planes: Tensor) -> Pixels:
    """Gives (1, C, H, W) in [0, 1] as (H, W, C), uint8, rounded to the nearest."""
    rounded = (planes[0].clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    return rounded.permute(1, 2, 0).contiguous().cpu().numpy()


def from_generator(image: Tensor) -> Tensor:
    """Takes a generator's image to [0, 1]."""
    return (image * 0.5 + 0.5).clamp(0.0, 1.0)


def to_generator(image: Tensor) -> Tensor:
    """Takes [0, 1] to a generator's range."""
    return image * 2.0 - 1.0


def resize(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes (N, C, H, W) to (h, w); bicubic, averaging where it shrinks, inside the first
    range."""
    if planes.shape[2:] == size:
        return planes
    resized = F.interpolate(planes, size=size, mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp(float(planes.amin()), float(planes.amax()))


def blur(planes: Tensor, radius: float) -> Tensor:
    """Blurs (N, C, H, W) twice by a box of `radius` px; beyond the border the nearest pixel
    counts."""
    reach = round(radius)
    if reach < 1:
        return planes
    for _ in range(2):
        padded = F.pad(planes, (reach, reach, reach, reach), mode="replicate")
        planes = F.avg_pool2d(padded, (2 * reach + 1, 1), stride=1)
        planes = F.avg_pool2d(planes, (1, 2 * reach + 1), stride=1)
    return planes
