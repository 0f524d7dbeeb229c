"""Pictures for the dialog: the window, the pairs on it, and what the edit makes of it.

Pixbufs only: Debian 13's GIMP and the AppImage come without pycairo, so that nothing can be drawn
on a widget.
"""

from collections.abc import Iterable

from gi.repository import GdkPixbuf, GLib

from ._vendor.bridge_client import Bounds, LayerResult, PairMark, Point

SIDE_PX = 320
_CHECK_PX, _LIGHT, _DARK = 8, 0xFF999999, 0xFF666666
_HANDLE_COLOUR, _TARGET_COLOUR, _RIM_COLOUR = 0xE02020FF, 0x2060E0FF, 0xFFFFFFFF
_UNSURE_COLOUR, _EASIER_COLOUR = 0xF0A000FF, 0x20A040FF
# The rim keeps a mark visible on a ground of its own colour.
_DOT_PX, _RIM_PX, _TRAIL_PX = 7, 9, 3
_HOLE_PX = 3
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


def with_marks(
    picture: GdkPixbuf.Pixbuf, window: Bounds, marks: Iterable[PairMark]
) -> GdkPixbuf.Pixbuf:
    """The fitted picture with each handle where it is now, its target, and the way between; a pin
    is one hollow mark. A handle that may be lost has another colour, and so has the place beside it
    that would be easier to follow."""
    shown = picture.copy()
    for mark in marks:
        colour = _HANDLE_COLOUR if mark.is_sure else _UNSURE_COLOUR
        if mark.is_pin:
            _hollow(shown, window, mark.handle, colour)
        else:
            _trail(shown, window, mark.handle, mark.target)
            _solid(shown, window, mark.target, _TARGET_COLOUR)
            _solid(shown, window, mark.handle, colour)
        if mark.easier is not None:
            _hollow(shown, window, mark.easier, _EASIER_COLOUR)
    return shown


def _trail(shown: GdkPixbuf.Pixbuf, window: Bounds, start: Point, end: Point) -> None:
    for step in range(1, _TRAIL_DOTS):
        share = step / _TRAIL_DOTS
        between = start.shifted(share * (end.x - start.x), share * (end.y - start.y))
        _dot(shown, window, between, _TRAIL_PX, _TARGET_COLOUR)


def _solid(shown: GdkPixbuf.Pixbuf, window: Bounds, place: Point, colour: int) -> None:
    _dot(shown, window, place, _RIM_PX, _RIM_COLOUR)
    _dot(shown, window, place, _DOT_PX, colour)


def _hollow(shown: GdkPixbuf.Pixbuf, window: Bounds, place: Point, colour: int) -> None:
    _solid(shown, window, place, colour)
    _dot(shown, window, place, _HOLE_PX, _RIM_COLOUR)


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
