"""Selection and points → the window: the square of the canvas that travels to the bridge."""

import math
from collections.abc import Sequence
from enum import Enum

from .errors import InputProblem
from .geometry import Bounds, Extent, Point, PointPair, bounds_of_points
from .messages import MAX_WINDOW_SIDE_PX


class Seen(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """What the model sees of a layer: what is selected, or all that is on it. Either way only what
    is selected may move; where nothing is, both are the layer."""

    SELECTION = "selection"
    LAYER = "layer"


_SMALLER = {
    Seen.SELECTION: "Select a smaller part.",
    Seen.LAYER: "Select a smaller part, and let the model see the selection.",
}


def propose_window(
    *,
    selection: Bounds | None,
    layer_content: Bounds,
    points: Sequence[Point],
    canvas: Extent,
    aspect: float = 1.0,
    seen: Seen = Seen.SELECTION,
) -> Bounds:
    """The smallest window of whole pixels in the model's shape that holds what the model shall see
    and all points.

    The window is centred on what it holds, because the generator knows aligned pictures and the
    artist shows it the whole of one; for that it may reach over the canvas' edge, where the layer
    reads as transparent.

    Args:
        selection: Bounds of every selected pixel, soft edges included; None where nothing is
            selected, and then the layer's content takes its place.
        layer_content: Bounds of the layer's pixels that are not transparent.
        points: Every handle and target point.
        canvas: Size of the canvas.
        aspect: Width by height of the pictures that the model draws.
        seen: Whether the window is made of the selection, or of the layer's content around it.

    Raises:
        InputProblem: With a sentence, where these make no edit.
    """
    canvas_bounds = Bounds(0, 0, canvas.width, canvas.height)
    _check_points(points, canvas)
    content = layer_content.intersect(canvas_bounds)
    if content.is_empty:
        raise InputProblem(
            "The layer has no pixels on the canvas.", "Choose the layer that shows the picture."
        )
    selected = content if selection is None else _selected(selection, content, canvas_bounds)
    held = (content if seen is Seen.LAYER else selected).union(bounds_of_points(points))
    window = _window_around(held, aspect)
    side = max(window.width, window.height)
    if side > MAX_WINDOW_SIDE_PX:
        raise InputProblem(
            f"The part to edit is {side} pixels wide or high; {MAX_WINDOW_SIDE_PX} is the most.",
            _SMALLER[seen],
        )
    return window


def check_handles(pairs: Sequence[PointPair], mask: bytes | None, window: Bounds) -> None:
    """Sees to it that what shall move may move; pins may lie anywhere.

    Args:
        pairs: In canvas pixels, handles in the window.
        mask: One byte per pixel of the window, 0 = nothing may move there; None = everything may.
        window: Where that is on the canvas.

    Raises:
        InputProblem: With a sentence, where a handle lies outside the selection.
    """
    if mask is None:
        return
    for pair in pairs:
        if not pair.is_pin and not _may_move(
            pair.handle.shifted(-window.x, -window.y), mask, window
        ):
            raise InputProblem(
                f"The point at ({pair.handle.x:.0f}, {pair.handle.y:.0f}) lies outside the "
                "selection, where nothing may move.",
                "Begin the arrow inside the selection, or select more.",
            )


def _may_move(point_window: Point, mask: bytes, window: Bounds) -> bool:
    rows = _touched(point_window.y, window.height)
    columns = _touched(point_window.x, window.width)
    return any(mask[row * window.width + column] for row in rows for column in columns)


def _touched(place: float, count: int) -> range:
    # On the border between two pixels both are touched, so a selection's far edge counts as inside.
    return range(max(math.ceil(place) - 1, 0), min(math.floor(place) + 1, count))


def _check_points(points: Sequence[Point], canvas: Extent) -> None:
    if not points:
        raise InputProblem(
            "There are no points yet.", "Draw a line from where a part is to where it should be."
        )
    for point in points:
        # The far edge counts as inside: a line drawn to the border ends exactly there.
        if not (0 <= point.x <= canvas.width and 0 <= point.y <= canvas.height):
            raise InputProblem(
                f"The point at ({point.x:.0f}, {point.y:.0f}) lies outside the canvas of "
                f"{canvas.width} x {canvas.height} pixels.",
                "Move it onto the canvas.",
            )


def _selected(selection: Bounds, content: Bounds, canvas_bounds: Bounds) -> Bounds:
    visible = selection.intersect(canvas_bounds)
    if visible.is_empty:
        raise InputProblem(
            "The selection holds no pixel of the canvas.",
            "Select what may move, or select nothing to let the whole layer move.",
        )
    if visible.intersect(content).is_empty:
        raise InputProblem(
            "The layer is empty where the selection is.",
            "Choose the layer that shows the picture, or select another part.",
        )
    return visible


def _window_around(held: Bounds, aspect: float) -> Bounds:
    # Each side is what it holds or what the other one asks for, whichever is more.
    width = max(held.width, round(held.height * aspect))
    height = max(held.height, round(held.width / aspect))
    left, top = held.x - (width - held.width) // 2, held.y - (height - held.height) // 2
    return Bounds(left, top, width, height)
