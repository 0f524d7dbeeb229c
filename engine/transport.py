"""The artist's own detail, carried along with an edit.

What the generator cannot say of a picture, and all that is finer than its resolution, is the
residual: the window less the render of its latent. A paste of the render after the drag drops it; a
plain difference of the renders leaves it where it was, a ghost where things have moved. Here it
moves along the flow between the two renders and is added back.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.flow import Flow, shifted
from engine.images import blur, resize

_STILL_PX = (1.5, 3.0)  # offset, px of a 128 px render: below the first a place counts as still
_UNLIKE = 0.08  # colour difference, of 1, of the moved render to the one after: doubt sets in
_TONE_SHARE = 1.0 / 32  # of the window's side, over which the tone of what is known is spread


@torch.no_grad()
def carried_edit(window: Tensor, before: Tensor, after: Tensor, flow: Flow) -> Tensor:
    """Gives the edited picture with the window's own detail.

    Where nothing has moved and the renders are equal this is the window itself. Where it is not
    known what was there before, as in a mouth that has opened, it is the render in the tone of
    what lies around.

    Args:
        window: (1, 4, H, W), in [0, 1], straight alpha: the artist's picture.
        before: (1, 3, S, S), in [0, 1], the render of its latent.
        after: (1, 3, S, S), in [0, 1], the render after the drag.
        flow: from the one to the other, of any size.

    Returns:
        (1, 3, H, W), in [0, 1].
    """
    size = (window.shape[2], window.shape[3])
    offsets, confidence = _trusted(before, after, flow)
    offsets, confidence = _enlarged(offsets, size), _enlarged(confidence, size)
    painted = resize(after, size)
    # Colours under alpha 0 mean nothing: the residual is carried in proportion to its opacity.
    opacity = window[:, 3:]
    residual = shifted((window[:, :3] - resize(before, size)) * opacity, offsets, "bicubic")
    known = confidence * shifted(opacity, offsets)
    reach = _TONE_SHARE * max(size)
    tone = blur(confidence * residual, reach) / blur(known, reach).clamp(min=1e-3)
    return (painted + confidence * residual + (1.0 - known) * tone).clamp(0.0, 1.0)


def _trusted(before: Tensor, after: Tensor, flow: Flow) -> tuple[Tensor, Tensor]:
    """Gives backward offsets and confidence as far as the pictures themselves bear them out.

    A small offset is more often the flow's error than a motion, and texture that is moved by it for
    nothing no longer meets what is around: there the place counts as still.
    """
    length_px = 128.0 * flow.backward.norm(dim=1, keepdim=True)
    low, high = _STILL_PX
    still = 1.0 - ((length_px - low) / (high - low)).clamp(0.0, 1.0)
    offsets = flow.backward * (1.0 - still)
    size = (before.shape[2], before.shape[3])
    moved = shifted(before, _enlarged(offsets, size))
    unlike = blur((moved - after).abs().mean(dim=1, keepdim=True), 1)
    borne_out = (-(unlike / _UNLIKE).square()).exp()
    confidence = _enlarged(torch.maximum(flow.confidence, still), size)
    return offsets, confidence * borne_out


def _enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
