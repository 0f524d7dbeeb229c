"""A GIMP image as plain values: layer pixels, selection, drawn pairs; and a result put back.

Everything here runs on the main thread: libgimp speaks to GIMP over one pipe, and a second thread
in it ends the plug-in. Only the format names below are used: babl ends the process at a name that
it does not know.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gi.repository import Gegl, Gimp

from ._vendor.bridge_client import Bounds, ClientError, Extent, LayerResult, Point, PointPair

# Named formats are sRGB whatever the image's profile is: GEGL converts both ways.
PIXEL_FORMAT = "R'G'B'A u8"
ALPHA_FORMAT = "A u8"
# Linear Y: with "Y' u8" a soft selection would read too bright.
SELECTION_FORMAT = "Y u8"


@dataclass(frozen=True)
class DrawnPairs:
    """What the strokes of a path say.

    Args:
        pairs: One pair or pin for each usable stroke, canvas px.
        remark: A sentence about the strokes that are none, empty where all are.
    """

    pairs: tuple[PointPair, ...]
    remark: str = ""


def chosen_layer(image: Gimp.Image | None, drawables: Iterable[Gimp.Drawable]) -> Gimp.Layer:
    """The one layer to edit.

    Raises:
        ClientError: No image, no or several layers, a channel, or a kind that cannot be edited.
    """
    if image is None:
        raise ClientError("No image is open: open one and select a layer.")
    chosen = list(drawables)
    if len(chosen) != 1:
        raise ClientError(f"{len(chosen)} layers are selected: select the one layer to edit.")
    layer = chosen[0]
    if isinstance(layer, Gimp.LayerMask):
        # While a mask is being painted on, GIMP names the mask and not its layer.
        layer = Gimp.Layer.from_mask(layer)
    if not isinstance(layer, Gimp.Layer):
        raise ClientError("A channel is selected: select a layer.")
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        # A new layer would take the palette, and the result with it, without a word.
        raise ClientError(
            "This image has a palette, which would coarsen the result.",
            "Choose Image > Mode > RGB first.",
        )
    if layer.is_group_layer() and _shown_mask(layer) is not None:
        raise ClientError(
            "A layer group with a mask cannot be read.", "Disable the mask, or merge the group."
        )
    return layer


def canvas_extent(image: Gimp.Image) -> Extent:
    """The canvas' size."""
    return Extent(image.get_width(), image.get_height())


def layer_bounds(layer: Gimp.Layer) -> Bounds:
    """Where the layer lies on the canvas; may reach over its edges."""
    _, x, y = layer.get_offsets()
    return Bounds(x, y, layer.get_width(), layer.get_height())


def content_bounds(layer: Gimp.Layer) -> Bounds:
    """The part of the layer that is not fully transparent, canvas px; empty where there is none."""
    place = layer_bounds(layer)
    if not layer.has_alpha():
        return place
    alpha = _read(layer, place, ALPHA_FORMAT)
    rows = [alpha[start : start + place.width] for start in range(0, len(alpha), place.width)]
    filled = [index for index, row in enumerate(rows) if any(row)]
    if not filled:
        return Bounds(place.x, place.y, 0, 0)
    rows = rows[filled[0] : filled[-1] + 1]
    left = min(place.width - len(row.lstrip(b"\0")) for row in rows)
    right = max(len(row.rstrip(b"\0")) for row in rows)
    return Bounds(place.x + left, place.y + filled[0], right - left, len(rows))


def selection_bounds(image: Gimp.Image) -> Bounds | None:
    """The selection's rectangle, canvas px; None where nothing is selected."""
    _, is_there, left, top, right, bottom = Gimp.Selection.bounds(image)
    return Bounds(left, top, right - left, bottom - top) if is_there else None


def read_selection(image: Gimp.Image, window: Bounds) -> bytes | None:
    """The selection in the window, 8 bits, 255 = may move; None where nothing is selected."""
    if Gimp.Selection.is_empty(image):
        return None
    # The selection's buffer is as large as the canvas and lies at its corner.
    return _read(image.get_selection(), window, SELECTION_FORMAT)


def read_pixels(image: Gimp.Image, layer: Gimp.Layer, window: Bounds) -> bytes:
    """The layer as it shows in the window, its effects and mask included: straight RGBA, sRGB.

    Opacity and blend mode belong to the layer's place in the stack and are left out. Outside the
    layer everything is transparent. The layer itself is not touched.

    Raises:
        ClientError: Effects make the layer larger than it is.
    """
    if layer.is_group_layer() or not (layer.get_filters() or _shown_mask(layer)):
        return _read(layer, window, PIXEL_FORMAT)
    # Neither effects nor the mask are in the layer's buffer, so that a copy is read in which
    # both are merged; it lives in an image of its own, unseen by the artist.
    aside = Gimp.Image.new_with_precision(1, 1, image.get_base_type(), image.get_precision())
    try:
        # Without a profile of its own the image is sRGB, as the new one is.
        if image.get_color_profile() is not None:
            aside.set_color_profile(image.get_color_profile())
        copy = Gimp.Layer.new_from_drawable(layer, aside)
        aside.insert_layer(copy, None, 0)
        copy.merge_filters()
        if copy.get_mask() is not None:
            is_shown = layer.get_apply_mask()
            mode = Gimp.MaskApplyMode
            copy.remove_mask(mode.APPLY if is_shown else mode.DISCARD)
        if (copy.get_width(), copy.get_height()) != (layer.get_width(), layer.get_height()):
            # GIMP 3.0.4 then loses the copy's offsets, and 3.2.6 does not.
            raise ClientError(
                "The effects on this layer make it larger than it is.",
                "Merge them first: Layer > Merge Layer Effects.",
            )
        return _read(copy, window, PIXEL_FORMAT)
    finally:
        aside.delete()


def selected_path(image: Gimp.Image) -> Gimp.Path | None:
    """The path whose strokes are the pairs: the selected one, which the Paths tool works on."""
    paths = image.get_selected_paths()
    return paths[0] if paths else None


def drawn_pairs(path: Gimp.Path | None) -> DrawnPairs:
    """Each open stroke's first anchor as handle and its last one as target, canvas px; a stroke of
    one anchor is a pin."""
    if path is None:
        return DrawnPairs(())
    pairs: list[PointPair] = []
    closed = 0
    for stroke in path.get_strokes():
        _, numbers, is_closed = path.stroke_get_points(stroke)
        # Six numbers for each anchor: the curve's handle before it, itself, the one after it.
        anchors = [Point(*numbers[start + 2 : start + 4]) for start in range(0, len(numbers), 6)]
        if is_closed:
            closed += 1
        elif anchors:
            pairs.append(PointPair(anchors[0], anchors[-1]))
    remark = f"{closed} closed stroke(s) are not used: leave them open." if closed else ""
    return DrawnPairs(tuple(pairs), remark)


def stacking_remark(layer: Gimp.Layer) -> str:
    """A sentence where a layer above cannot look like an edit of this one, else nothing."""
    if layer.get_opacity() < 100.0 or layer.get_mode() not in _PLAIN_MODES:
        return "This layer is translucent or blends with what is below: the result adds to it."
    return ""


def insert_result(image: Gimp.Image, source: Gimp.Layer, result: LayerResult) -> Gimp.Layer:
    """Put the result directly above its source as a new layer, in one undo step.

    Raises:
        ClientError: The image was closed meanwhile.
    """
    if not image.is_valid():
        raise ClientError("The image was closed: there is nothing to insert the result into.")
    bounds = result.bounds_canvas
    is_gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    image.undo_group_start()
    try:
        layer = Gimp.Layer.new(
            image,
            f"{source.get_name()} dragged" if source.is_valid() else "dragged",
            bounds.width,
            bounds.height,
            Gimp.ImageType.GRAYA_IMAGE if is_gray else Gimp.ImageType.RGBA_IMAGE,
            100.0,
            Gimp.LayerMode.NORMAL,
        )
        parent = source.get_parent() if source.is_valid() else None
        position = image.get_item_position(source) if source.is_valid() else 0
        image.insert_layer(layer, parent, position)
        layer.set_offsets(bounds.x, bounds.y)
        buffer = layer.get_buffer()
        # bytes, not a bytearray: 25 times slower on 3.0.4.
        area = Gegl.Rectangle.new(0, 0, bounds.width, bounds.height)
        buffer.set(area, PIXEL_FORMAT, bytes(result.pixels))
        # A buffer that is written and still held when its layer goes away ends the plug-in.
        buffer.flush()
        del buffer
        layer.update(0, 0, bounds.width, bounds.height)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return layer


_PLAIN_MODES = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY, Gimp.LayerMode.PASS_THROUGH)


def _shown_mask(layer: Gimp.Layer) -> Gimp.LayerMask | None:
    return layer.get_mask() if layer.get_mask() is not None and layer.get_apply_mask() else None


def _read(drawable: Gimp.Drawable, window: Bounds, format_name: str) -> bytes:
    """The drawable's pixels in a rectangle of the canvas; zeros where it has none."""
    _, x, y = drawable.get_offsets()
    area = Gegl.Rectangle.new(window.x - x, window.y - y, window.width, window.height)
    return drawable.get_buffer().get(area, 1.0, format_name, Gegl.AbyssPolicy.NONE)
