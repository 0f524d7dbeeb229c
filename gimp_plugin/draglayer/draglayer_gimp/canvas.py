"""A GIMP image as plain values: layer pixels, selection, drawn pairs; and a result put back.

Everything here runs on the main thread: libgimp speaks to GIMP over one pipe, and a second thread
in it ends the plug-in. Only the format names below are used: babl ends the process at a name that
it does not know.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gi.repository import Gegl, Gimp

from ._vendor.bridge_client import (
    Bounds,
    ClientError,
    Extent,
    LayerFacts,
    LayerResult,
    Point,
    PointPair,
    ResultForm,
    changed_runs,
)

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
    if path is None or not path.is_valid():
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


def layer_facts(layer: Gimp.Layer) -> LayerFacts:
    """How the layer lies on what is below it."""
    return LayerFacts(
        has_normal_blending=layer.get_mode() in _PLAIN_MODES,
        opacity=layer.get_opacity() / 100.0,
        has_mask=_shown_mask(layer) is not None,
        has_effects=bool(layer.get_filters()),
        is_clipped=layer.get_composite_mode() not in _PLAIN_COMPOSITES,
    )


def check_replaceable(layer: Gimp.Layer) -> None:
    """Refuses what no layer can take the place of.

    Raises:
        ClientError: It is a group whose layers blend with what is below the group.
    """
    if layer.is_group_layer() and layer.get_mode() == Gimp.LayerMode.PASS_THROUGH:
        raise ClientError(
            "A layer group that passes through to what is below cannot be replaced by one layer.",
            "Set its mode to Normal, or merge it.",
        )


def insert_result(
    image: Gimp.Image,
    source: Gimp.Layer,
    result: LayerResult,
    *,
    sent: bytes,
    instead_of: Gimp.Layer | None = None,
) -> Gimp.Layer:
    """Put the result above its source, or in its place, in one undo step.

    Args:
        image: The image.
        source: The layer that was edited.
        result: What came of it.
        sent: The source's pixels in the result's bounds, as they were sent.
        instead_of: What was inserted of the same edit before; it goes.

    Raises:
        ClientError: The image was closed meanwhile, or the source that was to be replaced deleted.
    """
    if not image.is_valid():
        raise ClientError("The image was closed: there is nothing to insert the result into.")
    if result.form is ResultForm.REPLACEMENT and not source.is_valid():
        raise ClientError(
            "The layer was deleted: there is nothing to put the result in the place of."
        )
    image.undo_group_start()
    try:
        if result.form is ResultForm.REPLACEMENT:
            layer = _replace(image, source, result, sent)
        else:
            layer = _lay_above(image, source, result)
        if instead_of is not None and instead_of.is_valid():
            image.remove_layer(instead_of)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return layer


def _lay_above(image: Gimp.Image, source: Gimp.Layer, result: LayerResult) -> Gimp.Layer:
    bounds = result.bounds_canvas
    layer = _new_layer(image, _result_name(source), bounds.width, bounds.height)
    parent = source.get_parent() if source.is_valid() else None
    position = image.get_item_position(source) if source.is_valid() else 0
    image.insert_layer(layer, parent, position)
    layer.set_offsets(bounds.x, bounds.y)
    # As the preview mixes what is half transparent; GIMP 3 by itself does it in linear light.
    layer.set_composite_space(Gimp.LayerColorSpace.RGB_PERCEPTUAL)
    _fill(layer, result.pixels)
    return layer


def _replace(image: Gimp.Image, source: Gimp.Layer, result: LayerResult, sent: bytes) -> Gimp.Layer:
    """Insert a copy of the source with the pixels that changed, and hide the source.

    The copy keeps the source's precision and mask; effects are merged.
    """
    bounds = result.bounds_canvas
    layer = _flattened(image, source) if source.is_group_layer() else source.copy()
    layer.set_name(_result_name(source))
    layer.set_lock_content(False)
    _show(layer, True)
    image.insert_layer(layer, source.get_parent(), image.get_item_position(source))
    layer.merge_filters()
    if not layer.has_alpha():
        layer.add_alpha()
    _make_room(layer, bounds)
    edited = _new_layer(image, "draglayer", bounds.width, bounds.height)
    _fill(edited, result.pixels)
    runs = list(changed_runs(sent, result.pixels, width=bounds.width))
    # From buffer to buffer of one format: what did not change is not even rounded.
    _copy_runs(edited, layer, bounds, runs)
    edited.delete()
    if layer.get_mask() is not None:
        _unmask(layer, bounds, runs)
    _show(source, False)
    return layer


def _new_layer(image: Gimp.Image, name: str, width: int, height: int) -> Gimp.Layer:
    is_gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if is_gray else Gimp.ImageType.RGBA_IMAGE
    return Gimp.Layer.new(image, name, width, height, kind, 100.0, Gimp.LayerMode.NORMAL)


def _result_name(source: Gimp.Layer) -> str:
    return f"{source.get_name()} dragged" if source.is_valid() else "dragged"


def _fill(layer: Gimp.Layer, pixels: bytes) -> None:
    width, height = layer.get_width(), layer.get_height()
    buffer = layer.get_buffer()
    # bytes, not a bytearray: 25 times slower on 3.0.4.
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), PIXEL_FORMAT, bytes(pixels))
    # A buffer that is written and still held when its layer goes away ends the plug-in.
    buffer.flush()
    del buffer
    layer.update(0, 0, width, height)


def _flattened(image: Gimp.Image, group: Gimp.Layer) -> Gimp.Layer:
    """What a group shows as one layer of its opacity and mode."""
    place = layer_bounds(group)
    layer = _new_layer(image, group.get_name(), place.width, place.height)
    layer.set_offsets(place.x, place.y)
    layer.set_opacity(group.get_opacity())
    layer.set_mode(group.get_mode())
    layer.set_blend_space(group.get_blend_space())
    layer.set_composite_mode(group.get_composite_mode())
    layer.set_composite_space(group.get_composite_space())
    _copy_runs(group, layer, place, [(0, y, place.width) for y in range(place.height)])
    return layer


def _make_room(layer: Gimp.Layer, bounds: Bounds) -> None:
    """Let the layer reach over these bounds too, transparent where it is new."""
    place = layer_bounds(layer)
    if not place.contains_bounds(bounds):
        room = place.union(bounds)
        # By its class: a text layer has a `resize` of its own, of its box.
        Gimp.Layer.resize(layer, room.width, room.height, place.x - room.x, place.y - room.y)


def _copy_runs(
    source: Gimp.Drawable,
    target: Gimp.Drawable,
    bounds: Bounds,
    runs: Iterable[tuple[int, int, int]],
) -> None:
    """Copy runs of a drawable that lies at these bounds' corner."""
    _, x, y = target.get_offsets()
    dx, dy = bounds.x - x, bounds.y - y
    read, written = source.get_buffer(), target.get_buffer()
    for left, top, length in runs:
        read.copy(
            Gegl.Rectangle.new(left, top, length, 1),
            Gegl.AbyssPolicy.NONE,
            written,
            Gegl.Rectangle.new(left + dx, top + dy, length, 1),
        )
    written.flush()
    del read, written
    target.update(dx, dy, bounds.width, bounds.height)


def _unmask(layer: Gimp.Layer, bounds: Bounds, runs: Iterable[tuple[int, int, int]]) -> None:
    """Open the layer's mask where its pixels are those that shall show."""
    white = layer.create_mask(Gimp.AddMaskType.WHITE)
    place = layer_bounds(layer)
    dx, dy = bounds.x - place.x, bounds.y - place.y
    shifted = [(left + dx, top + dy, length) for left, top, length in runs]
    _copy_runs(white, layer.get_mask(), place, shifted)
    white.delete()
    # Or the artist's next stroke would go into the mask.
    layer.set_edit_mask(False)


def _show(layer: Gimp.Layer, is_shown: bool) -> None:
    is_locked = layer.get_lock_visibility()
    layer.set_lock_visibility(False)
    layer.set_visible(is_shown)
    layer.set_lock_visibility(is_locked)


_PLAIN_MODES = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY, Gimp.LayerMode.PASS_THROUGH)
_PLAIN_COMPOSITES = (Gimp.LayerCompositeMode.AUTO, Gimp.LayerCompositeMode.UNION)


def _shown_mask(layer: Gimp.Layer) -> Gimp.LayerMask | None:
    return layer.get_mask() if layer.get_mask() is not None and layer.get_apply_mask() else None


def _read(drawable: Gimp.Drawable, window: Bounds, format_name: str) -> bytes:
    """The drawable's pixels in a rectangle of the canvas; zeros where it has none."""
    _, x, y = drawable.get_offsets()
    area = Gegl.Rectangle.new(window.x - x, window.y - y, window.width, window.height)
    return drawable.get_buffer().get(area, 1.0, format_name, Gegl.AbyssPolicy.NONE)
