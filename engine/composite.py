"""The edit as a layer: only what changed, only where the mask lets it, and nothing else at all.

There are two forms. A *patch* lies above the layer and shows what changed: its pixels with alpha 0
are not drawn by the host. A *replacement* stands in the layer's place, because a layer above cannot
take away what is below: its pixels are the layer's own where nothing changed. In both, what is
outside the mask stays as it was, byte for byte.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.flow import Flow
from engine.images import Pixels, blur, from_generator, resize, uint8_pixels, unit_tensor
from engine.outline import Outline
from engine.transport import carried_edit

_CHANGE_SEEN = (
    0.02,
    0.07,
)  # colour difference, of 1, where a change begins to count and counts wholly
_FEATHER_SHARE = 0.02  # of the window's side


class ResultForm(StrEnum):
    """How an edit is laid into the artist's picture: above the layer, or in its place."""

    PATCH = "patch"
    REPLACEMENT = "replacement"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPatch:
    """Pixels of a layer, cut to what there is to see of them.

    Attributes:
        pixels: (h, w, 4), uint8, straight alpha.
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
    """Gives the edit as a layer of the window's size, to lie above it: a *patch*.

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
    planes = unit_tensor(window)
    edited, weight = _edited(planes, before, after, editable_mask, flow, None)
    layer = uint8_pixels(torch.cat([edited[:, :3], weight * planes[:, 3:]], dim=1))
    layer[layer[:, :, 3] == 0] = 0
    return layer


def edited_window(
    window: Pixels,
    before: Tensor,
    after: Tensor,
    editable_mask: Pixels | None,
    flow: Flow | None = None,
    outline: Outline | None = None,
) -> Pixels:
    """Gives the window as it is after the edit, outline included: to stand in place of the layer.

    Args:
        window, before, after, editable_mask, flow: as `edit_layer`.
        outline: the figure in both renders; without it or the flow the opacity stays.

    Returns:
        (H, W, 4), uint8, straight alpha; where nothing changed or may, the window byte for byte.
    """
    planes = unit_tensor(window)
    edited, weight = _edited(planes, before, after, editable_mask, flow, outline)
    # Each colour counts by its opacity: what hides under alpha 0 never shows.
    given, gained = (1.0 - weight) * planes[:, 3:], weight * edited[:, 3:]
    opacity = given + gained
    colour = (given * planes[:, :3] + gained * edited[:, :3]) / opacity.clamp(min=1e-6)
    pixels = uint8_pixels(torch.cat([colour, opacity], dim=1))
    pixels[pixels[:, :, 3] == 0] = 0
    is_unseen = (window[:, :, 3:] == 0) & (pixels[:, :, 3:] == 0)
    is_kept = (uint8_pixels(weight) == 0) | is_unseen  # (H, W, 1)
    return np.where(is_kept, window, pixels)


def cut_to_content(layer: Pixels) -> LayerPatch:
    """Cuts a layer of the window's size to the pixels that are visible; to its first pixel where
    none is."""
    return _cut(layer, layer[:, :, 3] > 0)


def cut_to_change(window: Pixels, edited: Pixels) -> LayerPatch:
    """Cuts an edited window to what differs from the window; to its first pixel where nothing
    does."""
    return _cut(edited, (window != edited).any(axis=2))


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


def _cut(pixels: Pixels, is_shown: npt.NDArray[np.bool_]) -> LayerPatch:
    """Cuts pixels (H, W, 4) to those that are shown, (H, W)."""
    rows, columns = (np.flatnonzero(is_shown.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        rows = columns = np.zeros(1, np.intp)
    top, left = int(rows[0]), int(columns[0])
    cut = pixels[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    return LayerPatch(pixels=np.ascontiguousarray(cut), x=left, y=top)


def _edited(
    planes: Tensor,
    before: Tensor,
    after: Tensor,
    editable_mask: Pixels | None,
    flow: Flow | None,
    outline: Outline | None,
) -> tuple[Tensor, Tensor]:
    """Gives the window after the edit, (1, 4, H, W), and how far it counts, (1, 1, H, W): where
    something changed and may. Both in [0, 1]."""
    size = (planes.shape[2], planes.shape[3])
    before, after = from_generator(before).cpu(), from_generator(after).cpu()
    weight = resize(_change(before, after), size)
    if editable_mask is not None:
        weight = weight * _feathered_inwards(unit_tensor(editable_mask), _FEATHER_SHARE * max(size))
    if flow is None:
        return torch.cat([resize(after, size), planes[:, 3:]], dim=1), weight
    return carried_edit(planes, before, after, flow, outline), weight


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
