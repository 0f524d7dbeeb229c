"""Runs inside gimp-console: what the plug-in reads and writes in real images.

Everything is checked by asking GIMP itself. The outcome is a JSON file, because the streams carry
much that is not ours.
"""

import importlib
import json
import os
import sys
import traceback
import unittest
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("GimpUi", "3.0")
from gi.repository import Gegl, Gimp  # noqa: E402

PLUGIN = Path(os.environ["GIMP3_DIRECTORY"]) / "plug-ins" / "draglayer"
sys.path.insert(0, str(PLUGIN))

import fake_gi  # noqa: E402 - the fast tests' fake, beside this file
from draglayer_gimp import canvas  # noqa: E402
from draglayer_gimp._vendor.bridge_client import (  # noqa: E402
    Bounds,
    ClientError,
    LayerResult,
    Point,
    PointPair,
    ResultForm,
)

RGBA = "R'G'B'A u8"
BASE = Gimp.ImageBaseType


def pattern(width, height, alpha=255):
    """Pixels of which no two rows or columns are alike."""
    rows = (
        (x * 5 % 256, y * 7 % 256, (x * y) % 256, alpha)
        for y in range(height)
        for x in range(width)
    )
    return b"".join(bytes(pixel) for pixel in rows)


def write(layer, pixels):
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height()), RGBA, pixels)
    buffer.flush()
    del buffer


def native_bytes(drawable):
    """Everything in the drawable's own format: what must not change in a source."""
    area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)


def cut(pixels, width, left, top, right, bottom, channels=4):
    """A part of tightly packed pixels."""
    return b"".join(
        pixels[channels * (width * y + left) : channels * (width * y + right)]
        for y in range(top, bottom)
    )


class HostCase(unittest.TestCase):
    """A test with images that go away again."""

    def image(self, width=64, height=48, base=BASE.RGB):
        image = Gimp.Image.new(width, height, base)
        self.addCleanup(image.delete)
        return image

    def layer(self, image, *, name="layer", place=(0, 0), size=(20, 10), pixels=None, parent=None):
        is_gray = image.get_base_type() == BASE.GRAY
        kind = Gimp.ImageType.GRAYA_IMAGE if is_gray else Gimp.ImageType.RGBA_IMAGE
        layer = Gimp.Layer.new(image, name, *size, kind, 100.0, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, parent, 0)
        layer.set_offsets(*place)
        write(layer, pixels or pattern(*size))
        return layer

    def refused(self, words, call, *arguments):
        with self.assertRaises(ClientError) as caught:
            call(*arguments)
        self.assertIn(words, f"{caught.exception.message} {caught.exception.hint}")


class ChoosingALayer(HostCase):
    def test_one_layer_is_taken(self):
        image = self.image()
        layer = self.layer(image)
        self.assertEqual(canvas.chosen_layer(image, [layer]).get_id(), layer.get_id())

    def test_a_mask_stands_for_its_layer(self):
        image = self.image()
        layer = self.layer(image)
        layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
        chosen = canvas.chosen_layer(image, [layer.get_mask()])
        self.assertEqual(chosen.get_id(), layer.get_id())

    def test_what_cannot_be_edited_is_told(self):
        image = self.image()
        one, two = self.layer(image), self.layer(image)
        self.refused("No image", canvas.chosen_layer, None, [])
        self.refused("0 layers", canvas.chosen_layer, image, [])
        self.refused("2 layers", canvas.chosen_layer, image, [one, two])
        self.refused("channel", canvas.chosen_layer, image, [image.get_selection()])

    def test_a_palette_image_is_refused(self):
        image = self.image()
        layer = self.layer(image)
        image.convert_indexed(
            Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, ""
        )
        self.refused("Image > Mode > RGB", canvas.chosen_layer, image, [layer])


class ReadingPixels(HostCase):
    def test_the_window_is_read_exactly_and_clear_outside_the_layer(self):
        image = self.image()
        layer = self.layer(image, place=(-3, 6), size=(20, 10))
        before = native_bytes(layer)
        read = canvas.read_pixels(image, layer, Bounds(-5, 4, 30, 30))
        self.assertEqual(read[: 4 * 30 * 2], bytes(4 * 30 * 2))
        inside = cut(read, 30, 2, 2, 22, 12)
        self.assertEqual(inside, pattern(20, 10))
        self.assertEqual(native_bytes(layer), before)

    def test_a_layer_without_alpha_is_opaque(self):
        image = self.image()
        layer = self.layer(image, size=(64, 48))
        layer.flatten()
        read = canvas.read_pixels(image, layer, Bounds(0, 0, 64, 48))
        self.assertEqual(set(read[3::4]), {255})
        self.assertEqual(canvas.content_bounds(layer), Bounds(0, 0, 64, 48))

    def test_every_precision_reads_as_eight_bits(self):
        names = {each.value_nick: each for each in Gimp.Precision.__enum_values__.values()}
        self.assertGreaterEqual(len(names), 12)
        # Eight linear bits cannot hold eight encoded ones.
        del names["u8-linear"]
        for name, precision in names.items():
            with self.subTest(name):
                image = Gimp.Image.new_with_precision(64, 48, BASE.RGB, precision)
                self.addCleanup(image.delete)
                layer = self.layer(image)
                read = canvas.read_pixels(image, layer, Bounds(0, 0, 20, 10))
                self.assertEqual(read, pattern(20, 10))

    def test_gray_reads_as_equal_channels(self):
        image = self.image(base=BASE.GRAY)
        layer = self.layer(image, pixels=bytes((90, 90, 90, 255)) * 200)
        read = canvas.read_pixels(image, layer, Bounds(0, 0, 2, 2))
        self.assertEqual(read, bytes((90, 90, 90, 255)) * 4)

    def test_effects_show_and_the_source_stays(self):
        image = self.image()
        layer = self.layer(image, place=(4, 5), pixels=bytes((10, 20, 30, 255)) * 200)
        layer.append_filter(Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", "invert"))
        before = native_bytes(layer)
        read = canvas.read_pixels(image, layer, Bounds(4, 5, 3, 3))
        self.assertEqual(read, bytes((245, 235, 225, 255)) * 9)
        self.assertEqual(native_bytes(layer), before)
        self.assertEqual(len(layer.get_filters()), 1)

    def test_effects_that_grow_the_layer_are_refused(self):
        image = self.image()
        layer = self.layer(image)
        layer.append_filter(Gimp.DrawableFilter.new(layer, "gegl:dropshadow", "shadow"))
        self.refused("Merge", canvas.read_pixels, image, layer, Bounds(0, 0, 10, 10))

    def test_a_shown_mask_is_part_of_the_picture_and_a_hidden_one_is_not(self):
        image = self.image()
        layer = self.layer(image)
        layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
        window = Bounds(0, 0, 20, 10)
        self.assertEqual(set(canvas.read_pixels(image, layer, window)[3::4]), {0})
        layer.set_apply_mask(False)
        self.assertEqual(canvas.read_pixels(image, layer, window), pattern(20, 10))

    def test_a_group_reads_as_what_it_shows_unless_masked(self):
        image = self.image()
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        self.layer(image, place=(7, 8), parent=group)
        self.assertEqual(canvas.read_pixels(image, group, Bounds(7, 8, 20, 10)), pattern(20, 10))
        group.add_mask(group.create_mask(Gimp.AddMaskType.BLACK))
        self.refused("group with a mask", canvas.chosen_layer, image, [group])

    def test_content_is_where_alpha_is(self):
        image = self.image()
        pixels = bytearray(4 * 20 * 10)
        pixels[4 * (20 * 2 + 3) + 3] = 1
        pixels[4 * (20 * 6 + 11) + 3] = 255
        layer = self.layer(image, place=(5, 1), pixels=bytes(pixels))
        self.assertEqual(canvas.content_bounds(layer), Bounds(8, 3, 9, 5))
        write(layer, bytes(4 * 20 * 10))
        self.assertTrue(canvas.content_bounds(layer).is_empty)


class ReadingTheSelection(HostCase):
    def test_nothing_selected_is_no_mask(self):
        image = self.image()
        self.assertIsNone(canvas.read_selection(image, Bounds(0, 0, 4, 4)))
        self.assertIsNone(canvas.selection_bounds(image))

    def test_a_rectangle_is_read_in_the_window_and_clear_outside_the_canvas(self):
        image = self.image()
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 2, 3, 6, 4)
        self.assertEqual(canvas.selection_bounds(image), Bounds(2, 3, 6, 4))
        read = canvas.read_selection(image, Bounds(-2, -2, 12, 12))
        self.assertEqual(cut(read, 12, 4, 5, 10, 9, 1), b"\xff" * 24)
        self.assertEqual(read.count(b"\xff"), 24)
        self.assertEqual(read.count(b"\0"), 12 * 12 - 24)

    def test_a_soft_selection_stays_soft(self):
        image = self.image()
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 20, 20)
        Gimp.Selection.feather(image, 6.0)
        bounds = canvas.selection_bounds(image)
        read = canvas.read_selection(image, bounds)
        area = Gegl.Rectangle.new(bounds.x, bounds.y, bounds.width, bounds.height)
        native = image.get_selection().get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)
        self.assertEqual(read, native)
        self.assertGreater(len(set(read)), 10)


class ReadingStrokes(HostCase):
    def path(self, image):
        path = Gimp.Path.new(image, "pairs")
        image.insert_path(path, None, 0)
        image.set_selected_paths([path])
        return path

    def test_open_strokes_are_pairs_from_their_first_to_their_last_anchor(self):
        image = self.image()
        path = self.path(image)
        first = path.bezier_stroke_new_moveto(3.25, 4.5)
        path.bezier_stroke_lineto(first, 10.0, 12.75)
        second = path.bezier_stroke_new_moveto(1.0, 2.0)
        path.bezier_stroke_lineto(second, 30.0, 30.0)
        path.bezier_stroke_lineto(second, 5.0, 6.0)
        read = canvas.drawn_pairs(canvas.selected_path(image))
        expected = (
            PointPair(Point(3.25, 4.5), Point(10.0, 12.75)),
            PointPair(Point(1.0, 2.0), Point(5.0, 6.0)),
        )
        self.assertEqual(read.pairs, expected)
        self.assertEqual(read.remark, "")

    def test_one_anchor_is_a_pin_and_a_closed_stroke_is_nothing(self):
        image = self.image()
        path = self.path(image)
        path.bezier_stroke_new_moveto(3.0, 4.0)
        closed = path.bezier_stroke_new_moveto(1.0, 1.0)
        path.bezier_stroke_lineto(closed, 2.0, 2.0)
        path.stroke_close(closed)
        read = canvas.drawn_pairs(path)
        self.assertEqual(read.pairs, (PointPair(Point(3.0, 4.0), Point(3.0, 4.0)),))
        self.assertIn("closed", read.remark)

    def test_no_path_is_no_pair(self):
        self.assertEqual(canvas.drawn_pairs(canvas.selected_path(self.image())).pairs, ())


class InsertingTheResult(HostCase):
    def result(self, place=(9, 4), size=(6, 5)):
        return LayerResult(Bounds(*place, *size), pattern(*size, alpha=200), "rgba8")

    def test_it_lies_above_its_source_at_its_place(self):
        image = self.image()
        source = self.layer(image, name="portrait")
        self.layer(image, name="top")
        before = native_bytes(source)
        layer = canvas.insert_result(image, source, self.result(), sent=bytes(120))
        names = [each.get_name() for each in image.get_layers()]
        self.assertEqual(names, ["top", "portrait dragged", "portrait"])
        self.assertEqual(canvas.layer_bounds(layer), Bounds(9, 4, 6, 5))
        self.assertEqual(canvas.read_pixels(image, layer, Bounds(9, 4, 6, 5)), self.result().pixels)
        self.assertEqual(native_bytes(source), before)

    def test_where_it_is_soft_it_mixes_as_the_preview_does(self):
        for base in (BASE.RGB, BASE.GRAY):
            image, bounds = self.image(base=base), Bounds(0, 0, 16, 16)
            below = bytes(200 if index % 4 < 3 else 255 for index in range(1024))
            above = b"".join(bytes((20, 20, 20, alpha)) for alpha in range(256))
            source = self.layer(image, size=(16, 16), pixels=below)
            canvas.insert_result(image, source, LayerResult(bounds, above, "rgba8"), sent=below)
            shown = canvas.read_pixels(
                image, Gimp.Layer.new_from_visible(image, image, "s"), bounds
            )
            for alpha in range(256):
                mixed = 200 + (20 - 200) * alpha / 255
                self.assertLessEqual(abs(shown[4 * alpha] - mixed), 1.0)

    def test_in_a_group_it_stays_in_the_group(self):
        image = self.image()
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        source = self.layer(image, parent=group)
        layer = canvas.insert_result(image, source, self.result(), sent=bytes(120))
        self.assertEqual(layer.get_parent().get_id(), group.get_id())

    def test_in_a_gray_image_it_is_gray(self):
        image = self.image(base=BASE.GRAY)
        layer = canvas.insert_result(image, self.layer(image), self.result(), sent=bytes(120))
        self.assertTrue(layer.is_gray())

    def test_without_its_source_it_lies_on_top(self):
        image = self.image()
        source = self.layer(image)
        self.layer(image, name="other")
        image.remove_layer(source)
        layer = canvas.insert_result(image, source, self.result(), sent=bytes(120))
        self.assertEqual(image.get_layers()[0].get_id(), layer.get_id())

    def test_a_closed_image_is_told(self):
        image = Gimp.Image.new(8, 8, BASE.RGB)
        source = self.layer(image, size=(8, 8))
        image.delete()
        with self.assertRaisesRegex(ClientError, "closed"):
            canvas.insert_result(image, source, self.result(), sent=bytes(120))


class ReplacingTheLayer(HostCase):
    """The copy that takes a layer's place, in every precision, bare and masked."""

    PLACE, SIZE = (9, 4), (20, 12)
    BOX = Bounds(11, 6, 8, 5)
    CHANGED = (0, 3, 4, 21, 39)  # pixels of the box

    def soft(self, image, **options):
        """A layer of any opacity that is multiplied at 60 %, over an opaque one."""
        width, height = image.get_width(), image.get_height()
        self.layer(image, name="wall", size=(width, height), pixels=pattern(width, height))
        count = 4 * self.SIZE[0] * self.SIZE[1]
        pixels = bytes(31 * index % 251 for index in range(count))
        source = self.layer(image, place=self.PLACE, size=self.SIZE, pixels=pixels, **options)
        source.set_opacity(60.0)
        source.set_mode(Gimp.LayerMode.MULTIPLY)
        return source

    def replaced(self, image, source, box=BOX, changed=CHANGED, **options):
        sent = canvas.read_pixels(image, source, box)
        edited = bytearray(sent)
        for index in changed:
            edited[4 * index : 4 * index + 4] = bytes((90, 90, 90, 210))
        result = LayerResult(box, bytes(edited), "rgba8", ResultForm.REPLACEMENT)
        return canvas.insert_result(image, source, result, sent=sent, **options), bytes(edited)

    def shown(self, image):
        """What the image shows, pixel by pixel in its own format."""
        layer = Gimp.Layer.new_from_visible(image, image, "visible")
        content = native_bytes(layer)
        layer.delete()
        size = len(content) // (image.get_width() * image.get_height())
        return [content[place : place + size] for place in range(0, len(content), size)]

    def differing(self, image, before):
        pairs = enumerate(zip(before, self.shown(image), strict=True))
        return {place for place, (first, second) in pairs if first != second}

    def places(self, image, box=BOX, changed=CHANGED):
        return {
            image.get_width() * (box.y + index // box.width) + box.x + index % box.width
            for index in changed
        }

    def masked(self, source):
        mask = source.create_mask(Gimp.AddMaskType.ALPHA)
        source.add_mask(mask)
        return mask

    def test_not_one_byte_changes_but_where_it_differs(self):
        for base in (BASE.RGB, BASE.GRAY):
            for precision in Gimp.Precision.__enum_values__.values():
                for has_mask in (False, True):
                    with self.subTest(f"{base} {precision.value_nick} {has_mask}"):
                        self.check_replacement(base, precision, has_mask)

    def check_replacement(self, base, precision, has_mask):
        image = Gimp.Image.new_with_precision(40, 24, base, precision)
        self.addCleanup(image.delete)
        source = self.soft(image)
        if has_mask:
            self.masked(source)
        native, before = native_bytes(source), self.shown(image)
        layer, edited = self.replaced(image, source)
        self.assertEqual(self.differing(image, before), self.places(image))
        self.assertEqual(native_bytes(source), native)
        self.assertFalse(source.get_visible())
        read = canvas.read_pixels(image, layer, self.BOX)
        for index in self.CHANGED:
            off = max(abs(read[4 * index + c] - edited[4 * index + c]) for c in range(4))
            self.assertLessEqual(off, 4)

    def test_the_copy_has_the_layers_place_name_and_properties(self):
        image = self.image()
        source = self.soft(image, name="portrait")
        self.layer(image, name="top")
        source.set_lock_content(True)
        source.set_lock_visibility(True)
        source.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
        self.masked(source)
        self.assertTrue(canvas.layer_facts(source).is_clipped)
        layer, _ = self.replaced(image, source)
        names = [each.get_name() for each in image.get_layers()]
        self.assertEqual(names, ["top", "portrait dragged", "portrait", "wall"])
        self.assertEqual((layer.get_opacity(), layer.get_mode()), (60.0, Gimp.LayerMode.MULTIPLY))
        self.assertEqual(layer.get_composite_mode(), source.get_composite_mode())
        self.assertTrue(layer.get_visible() and source.get_lock_visibility())
        self.assertFalse(source.get_visible() or layer.get_edit_mask())

    def test_a_second_one_takes_the_place_of_the_first(self):
        image = self.image()
        source = self.soft(image)
        first, _ = self.replaced(image, source)
        second, _ = self.replaced(image, source, instead_of=first)
        self.assertFalse(first.is_valid())
        self.assertEqual(len(image.get_layers()), 3)
        self.assertEqual(image.get_item_position(second), image.get_item_position(source) - 1)

    def test_it_reaches_over_the_layers_edge(self):
        image, box = self.image(), Bounds(5, 2, 8, 5)
        source = self.soft(image)
        self.masked(source)
        before = self.shown(image)
        layer, _ = self.replaced(image, source, box, (0, 12, 39))
        self.assertEqual(canvas.layer_bounds(layer), Bounds(5, 2, 24, 14))
        self.assertEqual(self.differing(image, before), self.places(image, box, (0, 12, 39)))

    def test_a_layer_without_alpha_gets_it(self):
        image = self.image()
        source = Gimp.Layer.new(
            image, "flat", 64, 48, Gimp.ImageType.RGB_IMAGE, 60.0, Gimp.LayerMode.NORMAL
        )
        self.layer(image, name="wall", size=(64, 48))
        image.insert_layer(source, None, 0)
        before = self.shown(image)
        layer, _ = self.replaced(image, source)
        self.assertTrue(layer.has_alpha() and not source.has_alpha())
        self.assertEqual(self.differing(image, before), self.places(image))

    def test_a_group_becomes_one_layer(self):
        image = self.image()
        self.layer(image, name="wall", size=(64, 48), pixels=pattern(64, 48))
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        self.layer(image, place=self.PLACE, size=self.SIZE, parent=group)
        group.set_opacity(60.0)
        before = self.shown(image)
        layer, _ = self.replaced(image, group)
        self.assertFalse(layer.is_group_layer() or group.get_visible())
        self.assertEqual(self.differing(image, before), self.places(image))

    def test_effects_are_merged(self):
        image = self.image()
        source = self.soft(image)
        source.append_filter(Gimp.DrawableFilter.new(source, "gegl:invert-gamma", ""))
        self.assertTrue(canvas.layer_facts(source).has_effects)
        before = self.shown(image)
        layer, _ = self.replaced(image, source)
        self.assertEqual((len(layer.get_filters()), len(source.get_filters())), (0, 1))
        self.assertLessEqual(self.places(image), self.differing(image, before))


class TheProcedure(HostCase):
    """Runs without a window, against a bridge whose engine turns the window's colours round."""

    def call(self, image, layers, **arguments):
        procedure = Gimp.get_pdb().lookup_procedure("plug-in-draglayer")
        config = procedure.create_config()
        config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
        config.set_property("image", image)
        config.set_core_object_array("drawables", layers)
        for name, value in arguments.items():
            config.set_property(name.replace("_", "-"), value)
        return procedure.run(config)

    def refused_call(self, words, *arguments, **options):
        given = self.call(*arguments, **options)
        self.assertEqual(given.index(0), Gimp.PDBStatusType.EXECUTION_ERROR)
        told = Gimp.get_pdb().get_last_error()
        self.assertIn(words, told)
        self.assertNotIn("Traceback", told)

    def picture(self):
        image = self.image()
        return image, self.layer(image, place=(4, 6), size=(32, 32))

    def test_points_become_a_layer_over_the_selection(self):
        image, source = self.picture()
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 12, 16, 16)
        before = native_bytes(source)
        given = self.call(
            image, [source], points="[[12, 14, 20, 20]]", step_budget=9, profile="balanced"
        )
        self.assertEqual(given.index(0), Gimp.PDBStatusType.SUCCESS)
        layer = given.index(1)
        above = image.get_layers()[image.get_item_position(source) - 1]
        self.assertEqual(layer.get_id(), above.get_id())
        # The fake engine leaves out the window's first row and column.
        self.assertEqual(canvas.layer_bounds(layer), Bounds(11, 13, 15, 15))
        turned = bytes(
            value if index % 4 == 3 else 255 - value
            for index, value in enumerate(cut(pattern(32, 32), 32, 7, 7, 22, 22))
        )
        self.assertEqual(canvas.read_pixels(image, layer, Bounds(11, 13, 15, 15)), turned)
        self.assertEqual(native_bytes(source), before)

    def test_a_model_that_sees_the_layer_changes_no_more_than_the_selection(self):
        image, source = self.picture()
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 12, 16, 16)
        given = self.call(image, [source], points="[[12, 14, 20, 20]]", model_sees="layer")
        self.assertEqual(given.index(0), Gimp.PDBStatusType.SUCCESS)
        layer = given.index(1)
        # The fake engine leaves out the window's first row and column.
        self.assertEqual(canvas.layer_bounds(layer), Bounds(5, 7, 31, 31))
        self.assertEqual(canvas.content_bounds(layer), Bounds(10, 12, 16, 16))

    def test_the_selected_path_and_a_named_one_are_read(self):
        image, source = self.picture()
        for select in (True, False):
            path = Gimp.Path.new(image, "pairs")
            image.insert_path(path, None, 0)
            stroke = path.bezier_stroke_new_moveto(8.0, 8.0)
            path.bezier_stroke_lineto(stroke, 12.0, 12.0)
            image.set_selected_paths([path] if select else [])
            given = self.call(image, [source], **({} if select else {"path": path}))
            self.assertEqual(given.index(0), Gimp.PDBStatusType.SUCCESS)

    def test_gray_images_get_a_gray_layer(self):
        image = self.image(base=BASE.GRAY)
        source = self.layer(image, size=(30, 30))
        given = self.call(image, [source], points="[[5, 5, 9, 9]]")
        self.assertTrue(given.index(1).is_gray())

    def test_bad_input_is_one_sentence(self):
        image, source = self.picture()
        points = "[[12, 14, 20, 20]]"
        self.refused_call("no points yet", image, [source])
        self.refused_call("four numbers", image, [source], points="[[1, 2]]")
        self.refused_call("four numbers", image, [source], points="[[NaN, 1, 2, 3]]")
        self.refused_call("outside the canvas", image, [source], points="[[1, 2, 3, 999]]")
        self.refused_call("2 layers", image, [source, self.layer(image)], points=points)
        self.refused_call("channel", image, [image.get_selection()], points=points)
        self.refused_call("model", image, [source], points=points, model="nobody")
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 50, 0, 9, 4)
        self.refused_call("empty where the selection is", image, [source], points=points)

    def test_without_a_bridge_it_says_how_to_start_one(self):
        image, source = self.picture()
        found = Path(os.environ["DRAGLAYER_RUNTIME_DIR"]) / "bridge.json"
        hidden = found.with_name("hidden.json")
        found.rename(hidden)
        self.addCleanup(hidden.rename, found)
        self.refused_call("draglayer serve", image, [source], points="[[12, 14, 20, 20]]")
        self.assertEqual(len(image.get_layers()), 1)


class TheFake(unittest.TestCase):
    def test_it_has_only_names_that_gimp_has(self):
        strangers = []
        for name, namespace in fake_gi.NAMESPACES.items():
            real = importlib.import_module(f"gi.repository.{name}")
            strangers += self.unknown_names(namespace, real, name)
        self.assertEqual(strangers, [])

    def unknown_names(self, fake, real, place):
        for name, part in vars(fake).items():
            if name.startswith("_"):
                continue
            if not hasattr(real, name):
                yield f"{place}.{name}"
            elif isinstance(part, type):
                yield from self.unknown_names(part, getattr(real, name), f"{place}.{name}")


def run_to_file(path):
    """Runs all tests and writes what became of each."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    outcome = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    problems = {str(test): text for test, text in outcome.failures + outcome.errors}
    Path(path).write_text(json.dumps({"count": outcome.testsRun, "problems": problems}))


try:
    run_to_file(os.environ["DRAGLAYER_SUITE_RESULT"])
except Exception:
    traceback.print_exc()
    raise
