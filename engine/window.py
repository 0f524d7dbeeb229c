"""The window's pixels in the generator's frame."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.images import Pixels, resize, to_generator, unit_tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowImage:
    """What the generator is shown of the artist's layer.

    Attributes:
        image: (1, 3, S, S), float32, RGB in [-1, 1]; where the layer is transparent, its mean
            colour.
        opacity: (1, 1, S, S), float32, in [0, 1].
    """

    image: Tensor
    opacity: Tensor


def to_generator_frame(window: Pixels, resolution: int, device: torch.device) -> WindowImage:
    """Brings a window into the generator's frame.

    Colours are averaged by their opacity, so that what hides under alpha 0 never shows.

    Args:
        window: (H, W, 4), uint8, straight alpha; H = W.
        resolution: S, side of the generator's image.
        device: where the tensors shall be.

    Raises:
        ValueError: the window is not square, or nothing in it is visible.
    """
    height, width = window.shape[:2]
    if window.ndim != 3 or window.shape[2] != 4 or height != width or not height:
        raise ValueError(
            f"the window must be square RGBA pixels, got {window.shape}; choose a square region"
        )
    planes = unit_tensor(window).to(device)  # (1, 4, H, W)
    alpha = planes[:, 3:]
    if not bool(alpha.any()):
        raise ValueError("the layer is empty where you selected; select a painted part of it")
    small = (resolution, resolution)
    opacity = resize(alpha, small)
    colour = resize(planes[:, :3] * alpha, small) / opacity.clamp(min=1e-3)
    mean = (planes[:, :3] * alpha).sum(dim=(2, 3), keepdim=True) / alpha.sum()
    filled = mean + opacity * (colour.clamp(0.0, 1.0) - mean)
    return WindowImage(image=to_generator(filled), opacity=opacity)
