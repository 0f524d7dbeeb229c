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
from engine.outline import Outline

_STILL_PX = (1.5, 3.0)  # offset, px of a 128 px render: below the first a place counts as still
_UNLIKE = 0.08  # colour difference, of 1, of the moved render to the one after: doubt sets in
_OUTLINE_UNLIKE = 0.25  # the same of the outlines' opacity
_INNER = 4  # power of the figure's opacity by which a colour counts as its own
_EDGE_SHARE = 1.0 / 64  # of the render's side, over which the figure's colours are spread
_LEAST_OPACITY = 0.5 / 255.0  # below it 8 bits show nothing
_TONE_SHARE = 1.0 / 32  # of the window's side, over which the tone of what is known is spread


@torch.no_grad()
def carried_edit(
    window: Tensor, before: Tensor, after: Tensor, flow: Flow, outline: Outline | None = None
) -> Tensor:
    """Gives the edited picture with the window's own detail, and its outline.

    Where nothing has moved and the renders are equal this is the window itself. Where it is not
    known what was there before, as in a mouth that has opened, it is the render in the tone of
    what lies around. Opacity is carried as the colours are, with the outline as its render.

    Args:
        window: (1, 4, H, W), in [0, 1], straight alpha: the artist's picture.
        before: (1, 3, S, S), in [0, 1], the render of its latent.
        after: (1, 3, S, S), in [0, 1], the render after the drag.
        flow: from the one to the other, of any size.
        outline: the figure in both, of any size; None where the opacity stays as it is.

    Returns:
        (1, 4, H, W), in [0, 1], straight alpha.
    """
    size = (window.shape[2], window.shape[3])
    offsets, confidence = _trusted(before, after, flow, outline)
    offsets, confidence = _enlarged(offsets, size), _enlarged(confidence, size)
    if outline is not None:
        before, after = (
            _without_ground(render, figure)
            for render, figure in ((before, outline.before), (after, outline.after))
        )
    painted = resize(after, size)
    # Colours under alpha 0 mean nothing: the residual is carried in proportion to its opacity, and
    # divided by what of that arrived, or a soft edge would keep the colour that the model sees
    # around it.
    opacity = window[:, 3:]
    weighted = shifted((window[:, :3] - resize(before, size)) * opacity, offsets, "bicubic")
    arrived = shifted(opacity, offsets, "bicubic").clamp(0.0, 1.0)
    known = confidence * (arrived >= _LEAST_OPACITY)
    residual = weighted / arrived.clamp(min=_LEAST_OPACITY)
    reach = _TONE_SHARE * max(size)
    tone = blur(confidence * weighted, reach) / blur(confidence * arrived, reach).clamp(min=1e-3)
    colour = painted + known * residual + (1.0 - known) * tone
    if outline is not None:
        opacity = _enlarged(outline.after, size) + confidence * (
            arrived - shifted(_enlarged(outline.before, size), offsets)
        )
    return torch.cat([colour, opacity], dim=1).clamp(0.0, 1.0)


def _trusted(
    before: Tensor, after: Tensor, flow: Flow, outline: Outline | None
) -> tuple[Tensor, Tensor]:
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
    confidence = _enlarged(torch.maximum(flow.confidence, still), size) * borne_out
    if outline is not None:
        moved = shifted(_enlarged(outline.before, size), _enlarged(offsets, size))
        unlike = blur((moved - _enlarged(outline.after, size)).abs(), 1)
        confidence = confidence * (-(unlike / _OUTLINE_UNLIKE).square()).exp()
    return offsets, confidence


def _without_ground(render: Tensor, figure: Tensor) -> Tensor:
    """Gives a render with the figure's colours over its edge, where it mixes them with what the
    model painted behind; a layer has nothing there."""
    figure = _enlarged(figure, (render.shape[2], render.shape[3]))
    weight = figure**_INNER
    reach = _EDGE_SHARE * render.shape[-1]
    inner = blur(weight * render, reach) / blur(weight, reach).clamp(min=1e-4)
    return weight * render + (1.0 - weight) * inner


def _enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
