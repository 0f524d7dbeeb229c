"""The edit as a layer: only what changed, only where the mask lets it, and nothing else at all.

The picture after the drag is laid over the window, masked and feathered. Pixels with alpha 0 are
not drawn by the host, so what is outside the mask stays as it was, byte for byte.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.flow import Flow
from engine.images import Pixels, blur, from_generator, resize, uint8_pixels, unit_tensor
from engine.transport import carried_edit

_CHANGE_SEEN = (
    0.02,
    0.07,
)  # colour difference, of 1, where a change begins to count and counts wholly
_FEATHER_SHARE = 0.02  # of the window's side


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPatch:
    """A layer to insert above the source, cut to what is visible of it.

    Attributes:
        pixels: (h, w, 4), uint8, straight alpha; 1x1 and transparent where nothing changed.
        x: left edge, window px.
        y: upper edge, window px.
    """

    pixels: Pixels
    x: int
    y: int


def edit_layer(
    window: Pixels,
    before: Tensor,
    after: Tensor,
    editable_mask: Pixels | None,
    flow: Flow | None = None,
) -> Pixels:
    """Gives the edit as a layer of the window's size.

    Args:
        window: (H, W, 4), uint8, straight alpha: the artist's pixels.
        before: (1, 3, S, S), the generator's render of the picture.
        after: (1, 3, S, S), its render after the drag.
        editable_mask: (H, W), uint8, 255 = may move; None: all may.
        flow: between the renders, along which the window's own detail is carried; None for the
            render alone, which is quick and soft.

    Returns:
        (H, W, 4), uint8, straight alpha; alpha is 0 where the mask is, and never above mask or
        layer.
    """
    height, width = window.shape[:2]
    side = max(height, width)
    before, after = from_generator(before).cpu(), from_generator(after).cpu()
    change = resize(_change(before, after), (height, width))
    allowed = torch.ones(1, 1, height, width)
    if editable_mask is not None:
        allowed = unit_tensor(editable_mask)
    alpha = change * _feathered_inwards(allowed, _FEATHER_SHARE * side)
    planes = unit_tensor(window)
    alpha = alpha * planes[:, 3:]
    colour = resize(after, (height, width))
    if flow is not None:
        colour = carried_edit(planes, before, after, flow)
    layer = uint8_pixels(torch.cat([colour, alpha], dim=1))
    layer[layer[:, :, 3] == 0] = 0
    return layer


def cut_to_content(layer: Pixels) -> LayerPatch:
    """Cuts a layer of the window's size to the pixels that are visible."""
    rows = np.flatnonzero(layer[:, :, 3].any(axis=1))
    columns = np.flatnonzero(layer[:, :, 3].any(axis=0))
    if not len(rows):
        return LayerPatch(pixels=np.zeros((1, 1, 4), np.uint8), x=0, y=0)
    top, left = int(rows[0]), int(columns[0])
    pixels = layer[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    return LayerPatch(pixels=np.ascontiguousarray(pixels), x=left, y=top)


def lay_over(below: Pixels, layer: Pixels) -> Pixels:
    """Lays a layer over pixels of the same size, as a host with 8 bits does (Porter and Duff,
    "over").

    Args:
        below: (H, W, 4), uint8, straight alpha.
        layer: (H, W, 4), uint8, straight alpha.

    Returns:
        (H, W, 4), uint8, straight alpha; where the layer's alpha is 0, `below` unchanged.
    """
    source = layer[:, :, 3:].astype(np.uint32)
    behind = below[:, :, 3:].astype(np.uint32) * (255 - source)  # in 1 / 255
    alpha = source * 255 + behind
    colour = layer[:, :, :3].astype(np.uint32) * source * 255 + below[:, :, :3] * behind
    mixed = (colour + alpha // 2) // np.maximum(alpha, 1)
    result = np.concatenate([mixed, (alpha + 127) // 255], axis=2).astype(np.uint8)
    return np.where(source == 0, below, result)


def _change(before: Tensor, after: Tensor) -> Tensor:
    """Where the two renders differ to the eye, widened and softened: (1, 1, S, S) in [0, 1]."""
    low, high = _CHANGE_SEEN
    difference = (after - before).abs().amax(dim=1, keepdim=True)
    seen = ((difference - low) / (high - low)).clamp(0.0, 1.0)
    reach = max(1, round(seen.shape[-1] / 64))
    seen = F.max_pool2d(seen, 4 * reach + 1, stride=1, padding=2 * reach)
    return blur(seen, reach)


def _feathered_inwards(allowed: Tensor, radius: float) -> Tensor:
    """Softens a mask's edge on its inner side alone: nowhere above the mask itself."""
    return torch.minimum(allowed, (2.0 * blur(allowed, radius) - 1.0).clamp(0.0, 1.0))
