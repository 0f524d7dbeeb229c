"""Facts of a layer and its pixels → the form of the result: a patch above it, or a replacement.

A layer above can't take away what is below, and counts twice where that shines through or blends.
"""

from dataclasses import dataclass

from .geometry import Bounds, Extent
from .messages import ResultForm
from .pixels import cut_pixels

# For bytes.translate: 1 where a pixel shines through, and where it may move.
_SHINES_THROUGH = bytes([1] * 255 + [0])
_MAY_MOVE = bytes([0] + [1] * 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """What a host tells of the layer to edit; as it stands here, it is a plain one.

    Args:
        has_normal_blending: Whether it lies on what is below as paint does.
        opacity: Of the layer as a whole, from 0 to 1.
        has_mask: Whether something of its own hides parts of it.
        has_effects: Whether the host draws more of it than its pixels: a style, a filter.
        is_clipped: Whether what lies below it hides parts of it.
    """

    has_normal_blending: bool = True
    opacity: float = 1.0
    has_mask: bool = False
    has_effects: bool = False
    is_clipped: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether opaque pixels above the layer look like pixels of the layer."""
        return self == LayerFacts()


def choose_result_form(
    layer: LayerFacts,
    *,
    pixels: bytes,
    editable_mask: bytes | None,
    window_canvas: Bounds,
    canvas: Extent,
) -> ResultForm:
    """A patch where the layer is plain and each pixel that may change and be seen is opaque; else a
    replacement.

    Args:
        layer: What the host tells of it.
        pixels: The layer's in the window, 4 bytes each, alpha last.
        editable_mask: One byte per pixel of the window, 0 = keep; None = everything may move.
        window_canvas: The window.
        canvas: Size of the canvas; what lies beyond is not seen.
    """
    if not layer.is_plain:
        return ResultForm.REPLACEMENT
    seen = window_canvas.intersect(Bounds(0, 0, canvas.width, canvas.height))
    through = cut_pixels(pixels[3::4], window_canvas, seen).translate(_SHINES_THROUGH)
    if editable_mask is not None:
        may_move = cut_pixels(editable_mask, window_canvas, seen).translate(_MAY_MOVE)
        # As whole numbers: a loop over pixels takes seconds.
        is_seen_through = int.from_bytes(through, "big") & int.from_bytes(may_move, "big") != 0
    else:
        is_seen_through = 1 in through
    return ResultForm.REPLACEMENT if is_seen_through else ResultForm.PATCH
