"""Pictures for the dialog: the window, the pairs on it, and what the edit makes of it.

Pixbufs only: Debian 13's GIMP and the AppImage come without pycairo, so that nothing can be drawn
on a widget.
"""

from collections.abc import Iterable

from gi.repository import GdkPixbuf, GLib

from ._vendor.bridge_client import Bounds, LayerResult, Point, PointPair

SIDE_PX = 320
_CHECK_PX, _LIGHT, _DARK = 8, 0xFF999999, 0xFF666666
_HANDLE_COLOUR, _TARGET_COLOUR, _RIM_COLOUR = 0xE02020FF, 0x2060E0FF, 0xFFFFFFFF
# The rim keeps a mark visible on a ground of its own colour.
_DOT_PX, _RIM_PX, _TRAIL_PX = 7, 9, 3
_HOLE_PX = 3  # a pin is hollow
# Dots along the way from handle to target; a line would need a drawing library.
_TRAIL_DOTS = 12


def from_pixels(pixels: bytes, extent_px: tuple[int, int]) -> GdkPixbuf.Pixbuf:
    """Straight RGBA pixels, (width, height), at their own size."""
    width, height = extent_px
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(pixels), GdkPixbuf.Colorspace.RGB, True, 8, width, height, 4 * width
    )


def from_jpeg(jpeg: bytes) -> GdkPixbuf.Pixbuf:
    """A JPEG as the bridge sends it, at the dialog's size.

    Raises:
        GLib.Error: The bytes are no picture.
    """
    loader = GdkPixbuf.PixbufLoader.new_with_type("jpeg")
    loader.write(jpeg)
    loader.close()
    return fitted(loader.get_pixbuf())


def fitted(picture: GdkPixbuf.Pixbuf) -> GdkPixbuf.Pixbuf:
    """The square picture at the dialog's size, on a checkerboard where it is transparent."""
    interpolation = GdkPixbuf.InterpType.BILINEAR
    return picture.composite_color_simple(
        SIDE_PX, SIDE_PX, interpolation, 255, _CHECK_PX, _LIGHT, _DARK
    )


def of_window(pixels: bytes, window: Bounds) -> GdkPixbuf.Pixbuf:
    """The straight RGBA pixels of a window at the dialog's size."""
    return fitted(from_pixels(pixels, (window.width, window.height)))


def with_result(picture: GdkPixbuf.Pixbuf, window: Bounds, result: LayerResult) -> GdkPixbuf.Pixbuf:
    """The fitted picture of the window with the new layer lying on it."""
    shown = picture.copy()
    place = result.bounds_canvas
    if place.is_empty:
        return shown
    scale = SIDE_PX / window.width
    left, top = (place.x - window.x) * scale, (place.y - window.y) * scale
    layer = from_pixels(result.pixels, (place.width, place.height))
    layer.composite(
        shown,
        int(left),
        int(top),
        min(SIDE_PX, round(left + place.width * scale)) - int(left),
        min(SIDE_PX, round(top + place.height * scale)) - int(top),
        left,
        top,
        scale,
        scale,
        GdkPixbuf.InterpType.BILINEAR,
        255,
    )
    return shown


def with_pairs(
    picture: GdkPixbuf.Pixbuf, window: Bounds, pairs: Iterable[PointPair], handles: Iterable[Point]
) -> GdkPixbuf.Pixbuf:
    """The fitted picture with each handle where it is now, its target, and the way between; a pin
    is one hollow mark."""
    shown = picture.copy()
    for handle, pair in zip(handles, pairs, strict=True):
        target = pair.target
        if pair.is_pin:
            for side_px, colour in (
                (_RIM_PX, _RIM_COLOUR),
                (_DOT_PX, _HANDLE_COLOUR),
                (_HOLE_PX, _RIM_COLOUR),
            ):
                _dot(shown, window, handle, side_px, colour)
            continue
        for step in range(1, _TRAIL_DOTS):
            share = step / _TRAIL_DOTS
            between = Point(
                handle.x + share * (target.x - handle.x), handle.y + share * (target.y - handle.y)
            )
            _dot(shown, window, between, _TRAIL_PX, _TARGET_COLOUR)
        for place, colour in ((target, _TARGET_COLOUR), (handle, _HANDLE_COLOUR)):
            _dot(shown, window, place, _RIM_PX, _RIM_COLOUR)
            _dot(shown, window, place, _DOT_PX, colour)
    return shown


def _dot(
    shown: GdkPixbuf.Pixbuf, window: Bounds, place_canvas: Point, side_px: int, colour: int
) -> None:
    scale = SIDE_PX / window.width
    left = round((place_canvas.x - window.x) * scale) - side_px // 2
    top = round((place_canvas.y - window.y) * scale) - side_px // 2
    clipped = Bounds(0, 0, SIDE_PX, SIDE_PX).intersect(Bounds(left, top, side_px, side_px))
    if clipped.is_empty:
        return
    # A view of the picture's own pixels, so that filling it paints the picture.
    shown.new_subpixbuf(clipped.x, clipped.y, clipped.width, clipped.height).fill(colour)
