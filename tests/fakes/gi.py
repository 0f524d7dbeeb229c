"""A working fake of the `gi` names that the GIMP plug-in uses, with real pixels and real strokes.

Only names that the real API has: `tests/gimp/inside/suite.py` compares. What a test needs besides
them (a layer with given pixels, the artist's clicks) is in `Desk` and in underscored names.
"""

import itertools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

CHANNELS = {"R'G'B'A u8": 4, "A u8": 1, "Y u8": 1}


@dataclass
class Desk:
    """Everything of the fake host that outlasts a call; a fixture makes it new for each test.

    Args:
        artist: Gives the dialog's responses one by one; a clock tick passes before each.
        timers: Callbacks that are due at every tick.
        messages: What was said in the status bar.
        progress: What the progress bar was set to.
        fills: Colour and place of every rectangle that was painted on a picture.
        dialogs: The dialogs that were opened.
    """

    artist: Iterator[int] = field(default_factory=lambda: iter(()))
    timers: dict[int, Callable[[], bool]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    fills: list[tuple[int, int, int]] = field(default_factory=list)
    dialogs: list[object] = field(default_factory=list)

    def tick(self) -> None:
        """Let every timer fire once, as GLib does: one that says False is forgotten."""
        for number, callback in list(self.timers.items()):
            if not callback():
                self.timers.pop(number, None)


desk = Desk()
_numbers = itertools.count(1)


def reset() -> Desk:
    """A fresh desk."""
    desk.__init__()
    return desk


class _Gegl:
    """Gegl."""

    class AbyssPolicy(Enum):
        NONE = 0

    class Rectangle:
        def __init__(self, x: int, y: int, width: int, height: int) -> None:
            self.x, self.y, self.width, self.height = x, y, width, height

        @classmethod
        def new(cls, x: int, y: int, width: int, height: int) -> "_Gegl.Rectangle":
            return cls(x, y, width, height)

    class Buffer:
        def __init__(self, drawable: "_Gimp.Drawable") -> None:
            self._drawable = drawable
            self._unwritten = bytearray(drawable._pixels)

        def get(
            self, area: "_Gegl.Rectangle", scale: float, format_name: str, abyss: object
        ) -> bytes:
            # The real one ends the process at a name it does not know.
            channels = CHANNELS[format_name]
            assert scale == 1.0 and abyss is _Gegl.AbyssPolicy.NONE
            owner, read = self._drawable, bytearray()
            for y in range(area.y, area.y + area.height):
                for x in range(area.x, area.x + area.width):
                    read += owner._pixel(x, y)[-channels:]
            return bytes(read)

        def set(self, area: "_Gegl.Rectangle", format_name: str, pixels: bytes) -> None:
            assert CHANNELS[format_name] == self._drawable._channels and type(pixels) is bytes
            assert (area.width, area.height) == self._drawable._size
            self._unwritten = bytearray(pixels)

        def copy(
            self,
            area: "_Gegl.Rectangle",
            abyss: object,
            target: "_Gegl.Buffer",
            place: "_Gegl.Rectangle",
        ) -> None:
            owner = self._drawable
            assert area.height == 1 and owner._channels == target._drawable._channels
            row = b"".join(owner._pixel(area.x + x, area.y) for x in range(area.width))
            start = owner._channels * (place.y * target._drawable._size[0] + place.x)
            target._unwritten[start : start + len(row)] = row

        def flush(self) -> None:
            self._drawable._pixels = bytes(self._unwritten)


class _Gimp:
    """Gimp."""

    ImageBaseType = Enum("ImageBaseType", "RGB GRAY INDEXED")
    ImageType = Enum("ImageType", "RGBA_IMAGE GRAYA_IMAGE")
    AddMaskType = Enum("AddMaskType", "WHITE")
    LayerColorSpace = Enum("LayerColorSpace", "AUTO RGB_PERCEPTUAL")
    LayerCompositeMode = Enum("LayerCompositeMode", "AUTO UNION CLIP_TO_BACKDROP")
    LayerMode = Enum("LayerMode", "NORMAL NORMAL_LEGACY PASS_THROUGH MULTIPLY")
    MaskApplyMode = Enum("MaskApplyMode", "APPLY DISCARD")
    PDBStatusType = Enum("PDBStatusType", "EXECUTION_ERROR SUCCESS CANCEL")
    RunMode = Enum("RunMode", "INTERACTIVE NONINTERACTIVE WITH_LAST_VALS")

    class Drawable:
        _channels = 4

        def __init__(self, size: tuple[int, int], pixels: bytes | None = None) -> None:
            self._size, self._place, self._is_valid = size, (0, 0), True
            self._pixels = pixels or bytes(size[0] * size[1] * self._channels)

        def _pixel(self, x: int, y: int) -> bytes:
            width, height = self._size
            if not (0 <= x < width and 0 <= y < height):
                return bytes(self._channels)
            start = self._channels * (y * width + x)
            return self._pixels[start : start + self._channels]

        def is_valid(self) -> bool:
            return self._is_valid

        def get_width(self) -> int:
            return self._size[0]

        def get_height(self) -> int:
            return self._size[1]

        def get_offsets(self) -> tuple[bool, int, int]:
            return True, *self._place

        def get_buffer(self) -> _Gegl.Buffer:
            return _Gegl.Buffer(self)

        def has_alpha(self) -> bool:
            return self._channels == 4

        def delete(self) -> bool:
            self._is_valid = False
            return True

        def update(self, x: int, y: int, width: int, height: int) -> bool:
            return True

    class Channel(Drawable):
        _channels = 1

    class LayerMask(Channel):
        pass

    class Selection(Channel):
        @staticmethod
        def is_empty(image: "_Gimp.Image") -> bool:
            return not any(image._selection._pixels)

        @staticmethod
        def bounds(image: "_Gimp.Image") -> tuple[bool, bool, int, int, int, int]:
            width, height = image._size
            chosen = [i for i, value in enumerate(image._selection._pixels) if value]
            if not chosen:
                return True, False, 0, 0, width, height
            columns, rows = [i % width for i in chosen], [i // width for i in chosen]
            return True, True, min(columns), min(rows), max(columns) + 1, max(rows) + 1

    class Layer(Drawable):
        def __init__(self, name: str, size: tuple[int, int], pixels: bytes | None = None) -> None:
            super().__init__(size, pixels)
            self._name, self._opacity, self._mode = name, 100.0, _Gimp.LayerMode.NORMAL
            self._composite_mode = _Gimp.LayerCompositeMode.AUTO
            self._is_visible, self._is_visibility_locked, self._is_locked = True, False, False
            self._kind: object = None
            self._mask: _Gimp.LayerMask | None = None
            self._is_mask_edited = False
            self._filters: list[object] = []

        @classmethod
        def new(
            cls,
            image: "_Gimp.Image",
            name: str,
            width: int,
            height: int,
            kind: object,
            opacity: float,
            mode: object,
        ) -> "_Gimp.Layer":
            layer = cls(name, (width, height))
            layer._kind, layer._opacity, layer._mode = kind, opacity, mode
            return layer

        @staticmethod
        def from_mask(mask: "_Gimp.LayerMask") -> "_Gimp.Layer":
            return mask._layer

        def set_offsets(self, x: int, y: int) -> bool:
            self._place = (x, y)
            return True

        def get_name(self) -> str:
            return self._name

        def get_opacity(self) -> float:
            return self._opacity

        def get_mode(self) -> object:
            return self._mode

        def set_composite_space(self, space: object) -> bool:
            self._composite_space = space
            return True

        def get_composite_mode(self) -> object:
            return self._composite_mode

        def get_parent(self) -> None:
            return None

        def get_mask(self) -> "_Gimp.LayerMask | None":
            return self._mask

        def get_apply_mask(self) -> bool:
            return True

        def set_edit_mask(self, is_edited: bool) -> bool:
            self._is_mask_edited = is_edited
            return True

        def create_mask(self, kind: object) -> "_Gimp.LayerMask":
            width, height = self._size
            mask = _Gimp.LayerMask(self._size, b"\xff" * (width * height))
            mask._place = self._place
            return mask

        def get_filters(self) -> list[object]:
            return self._filters

        def merge_filters(self) -> bool:
            self._filters = []
            return True

        def copy(self) -> "_Gimp.Layer":
            twin = type(self)(f"{self._name} copy", self._size)
            for name, value in vars(self).items():
                if name not in ("_name", "_mask"):
                    setattr(twin, name, value)
            if self._mask is not None:
                twin._mask = _Gimp.LayerMask(self._size, self._mask._pixels)
                twin._mask._place = self._place
                twin._is_mask_edited = True
            return twin

        def set_name(self, name: str) -> bool:
            self._name = name
            return True

        def set_lock_content(self, is_locked: bool) -> bool:
            self._is_locked = is_locked
            return True

        def get_lock_visibility(self) -> bool:
            return self._is_visibility_locked

        def set_lock_visibility(self, is_locked: bool) -> bool:
            self._is_visibility_locked = is_locked
            return True

        def get_visible(self) -> bool:
            return self._is_visible

        def set_visible(self, is_visible: bool) -> bool:
            if not self._is_visibility_locked:
                self._is_visible = is_visible
            return True

        def resize(self, width: int, height: int, dx: int, dy: int) -> bool:
            grown = b"".join(
                self._pixel(x - dx, y - dy) for y in range(height) for x in range(width)
            )
            self._pixels, self._size = grown, (width, height)
            self._place = (self._place[0] - dx, self._place[1] - dy)
            return True

        def is_group_layer(self) -> bool:
            return False

    class Path:
        def __init__(self, strokes: list[tuple[list[tuple[float, float]], bool]]) -> None:
            self._strokes, self._is_valid = strokes, True

        def is_valid(self) -> bool:
            return self._is_valid

        def get_strokes(self) -> list[int]:
            return list(range(len(self._strokes)))

        def stroke_get_points(self, stroke: int) -> tuple[None, list[float], bool]:
            anchors, is_closed = self._strokes[stroke]
            return None, [n for anchor in anchors for n in anchor * 3], is_closed

    class Image:
        def __init__(self, width: int, height: int) -> None:
            self._size, self._is_valid = (width, height), True
            self._base = _Gimp.ImageBaseType.RGB
            self._layers: list[_Gimp.Layer] = []
            self._paths: list[_Gimp.Path] = []
            self._selection = _Gimp.Selection((width, height))
            self._open_groups = 0
            self._undo_steps = 0

        def is_valid(self) -> bool:
            return self._is_valid

        def get_width(self) -> int:
            return self._size[0]

        def get_height(self) -> int:
            return self._size[1]

        def get_base_type(self) -> object:
            return self._base

        def get_selection(self) -> "_Gimp.Selection":
            return self._selection

        def get_selected_paths(self) -> list["_Gimp.Path"]:
            return self._paths

        def get_layers(self) -> list["_Gimp.Layer"]:
            return self._layers

        def get_item_position(self, layer: "_Gimp.Layer") -> int:
            return self._layers.index(layer)

        def insert_layer(self, layer: "_Gimp.Layer", parent: None, position: int) -> bool:
            self._layers.insert(position, layer)
            self._undo_steps += not self._open_groups
            return True

        def remove_layer(self, layer: "_Gimp.Layer") -> bool:
            self._layers.remove(layer)
            layer._is_valid = False
            return True

        def undo_group_start(self) -> bool:
            self._open_groups += 1
            return True

        def undo_group_end(self) -> bool:
            self._open_groups -= 1
            self._undo_steps += not self._open_groups
            return True

    class PlugIn:
        __gtype__ = None

        @staticmethod
        def error_quark() -> int:
            return 1

    class Procedure:
        def new_return_values(self, status: object, error: object) -> "_Gimp.ValueArray":
            return _Gimp.ValueArray([status, error])

    class ImageProcedure(Procedure):
        pass

    class Choice:
        def __init__(self) -> None:
            self._names: list[str] = []

        @classmethod
        def new(cls) -> "_Gimp.Choice":
            return cls()

        def add(self, nick: str, number: int, label: str, help_text: str) -> None:
            self._names.append(nick)

    class ValueArray(list[object]):
        def remove(self, index: int) -> "_Gimp.ValueArray":
            del self[index]
            return self

    class ProcedureConfig:
        def __init__(self, values: dict[str, object]) -> None:
            self._values = values

        def get_property(self, name: str) -> object:
            return self._values[name]

        def set_property(self, name: str, value: object) -> None:
            self._values[name] = value

    @staticmethod
    def main(plugin_type: object, arguments: list[str]) -> int:
        return 0

    @staticmethod
    def displays_flush() -> None:
        pass

    @staticmethod
    def message(text: str) -> bool:
        desk.messages.append(text)
        return True

    @staticmethod
    def progress_init(text: str) -> bool:
        desk.messages.append(text)
        return True

    @staticmethod
    def progress_set_text(text: str) -> bool:
        desk.messages.append(text)
        return True

    @staticmethod
    def progress_update(share: float) -> bool:
        desk.progress.append(share)
        return True

    @staticmethod
    def progress_end() -> bool:
        return True


class _GLib:
    """GLib."""

    SOURCE_CONTINUE = True

    class Error(Exception):
        @staticmethod
        def new_literal(domain: int, message: str, code: int) -> "_GLib.Error":
            return _GLib.Error(message)

    class Bytes:
        @staticmethod
        def new(data: bytes) -> bytes:
            return data

    class MainLoop:
        def __init__(self) -> None:
            self._runs = False

        def run(self) -> None:
            self._runs = True
            while self._runs:
                desk.tick()

        def quit(self) -> None:
            self._runs = False

    @staticmethod
    def timeout_add(interval_ms: int, callback: Callable[[], bool]) -> int:
        number = next(_numbers)
        desk.timers[number] = callback
        return number

    @staticmethod
    def source_remove(number: int) -> bool:
        del desk.timers[number]
        return True


class _GObject:
    """GObject."""

    class ParamFlags(Enum):
        READWRITE = 3

    @staticmethod
    def Value(kind: object, value: object) -> object:  # noqa: N802
        return value


class _GdkPixbuf:
    """GdkPixbuf."""

    Colorspace = Enum("Colorspace", "RGB")
    InterpType = Enum("InterpType", "BILINEAR")

    class Pixbuf:
        def __init__(self, width: int, height: int, place: tuple[int, int] = (0, 0)) -> None:
            self._size, self._place = (width, height), place
            self._layers: list[tuple[int, ...]] = []

        @classmethod
        def new_from_bytes(
            cls,
            data: bytes,
            colorspace: object,
            has_alpha: bool,
            bits: int,
            width: int,
            height: int,
            rowstride: int,
        ) -> "_GdkPixbuf.Pixbuf":
            assert has_alpha and bits == 8 and len(data) == height * rowstride
            return cls(width, height)

        def composite_color_simple(
            self, width: int, height: int, interpolation: object, *_colours: int
        ) -> "_GdkPixbuf.Pixbuf":
            return _GdkPixbuf.Pixbuf(width, height)

        def composite(
            self, dest: "_GdkPixbuf.Pixbuf", x: int, y: int, width: int, height: int, *_rest: object
        ) -> None:
            # Outside the destination the real one only warns, and paints nothing.
            assert x >= 0 and y >= 0 and width > 0 and height > 0
            assert x + width <= dest._size[0] and y + height <= dest._size[1]
            dest._layers.append((x, y, width, height))

        def copy(self) -> "_GdkPixbuf.Pixbuf":
            copied = _GdkPixbuf.Pixbuf(*self._size)
            copied._layers = list(self._layers)
            return copied

        def new_subpixbuf(self, x: int, y: int, width: int, height: int) -> "_GdkPixbuf.Pixbuf":
            assert x >= 0 and y >= 0
            assert x + width <= self._size[0] and y + height <= self._size[1]
            return _GdkPixbuf.Pixbuf(width, height, (x, y))

        def fill(self, colour: int) -> None:
            desk.fills.append((colour, *self._place))

    class PixbufLoader:
        @classmethod
        def new_with_type(cls, kind: str) -> "_GdkPixbuf.PixbufLoader":
            assert kind == "jpeg"
            return cls()

        def write(self, data: bytes) -> bool:
            return True

        def close(self) -> bool:
            return True

        def get_pixbuf(self) -> "_GdkPixbuf.Pixbuf":
            return _GdkPixbuf.Pixbuf(64, 64)


class _Gtk:
    """Gtk."""

    Align = Enum("Align", "START")
    Orientation = Enum("Orientation", "HORIZONTAL VERTICAL")
    PositionType = Enum("PositionType", "RIGHT")

    class ResponseType:
        CLOSE = -7

    class Widget:
        def __init__(self) -> None:
            self._is_sensitive = True
            self._tooltip: str | None = None
            self._tooltips_set = 0
            self._handlers: dict[str, tuple[int, Callable[..., object]]] = {}
            self._blocked: set[int] = set()

        def set_sensitive(self, is_sensitive: bool) -> None:
            self._is_sensitive = is_sensitive

        def set_tooltip_text(self, text: str) -> None:
            self._tooltip = text or None
            self._tooltips_set += 1

        def get_tooltip_text(self) -> str | None:
            return self._tooltip

        def set_hexpand(self, is_wide: bool) -> None:
            pass

        def set_margin_start(self, width: int) -> None:
            pass

        def set_valign(self, align: object) -> None:
            pass

        def connect(self, signal: str, handler: Callable[..., object]) -> int:
            number = next(_numbers)
            self._handlers[signal] = number, handler
            return number

        @contextmanager
        def handler_block(self, number: int) -> Iterator[None]:
            self._blocked.add(number)
            yield
            self._blocked.remove(number)

        def _emit(self, signal: str, *arguments: object) -> object:
            number, handler = self._handlers.get(signal, (0, None))
            if handler is None or number in self._blocked:
                return None
            return handler(self, *arguments)

    class Button(Widget):
        def __init__(self, label: str = "") -> None:
            super().__init__()
            self._name = label

        @classmethod
        def new_with_mnemonic(cls, label: str) -> "_Gtk.Button":
            return cls(label)

        def set_label(self, label: str) -> None:
            self._name = label

        def _click(self) -> None:
            assert self._is_sensitive
            self._emit("clicked")

    class Scale(Widget):
        @classmethod
        def new_with_range(
            cls, orientation: object, least: float, most: float, step: float
        ) -> "_Gtk.Scale":
            assert least < most
            scale = cls()
            scale._value, scale._least, scale._most = least, least, most
            return scale

        def set_range(self, least: float, most: float) -> None:
            assert least <= most
            self._least, self._most = least, most
            self.set_value(self._value)

        def set_value(self, value: float) -> None:
            value = min(max(value, self._least), self._most)
            has_changed, self._value = value != self._value, value
            if has_changed:
                self._emit("value-changed")

        def get_value(self) -> float:
            return self._value

        def set_value_pos(self, position: object) -> None:
            pass

        def _text(self) -> str:
            return self._emit("format-value", self._value)

    class ComboBoxText(Widget):
        def __init__(self) -> None:
            super().__init__()
            self._ids: list[str] = []
            self._active = ""

        def append(self, name: str, text: str) -> None:
            self._ids.append(name)

        def set_active_id(self, name: str) -> bool:
            assert name in self._ids
            self._active = name
            self._emit("changed")
            return True

        def get_active_id(self) -> str:
            return self._active

    class Label(Widget):
        def __init__(self, label: str = "") -> None:
            super().__init__()
            self._text = label

        def set_text(self, text: str) -> None:
            self._text = text

        def set_line_wrap(self, wrap: bool) -> None:
            pass

        def set_max_width_chars(self, count: int) -> None:
            pass

        def set_xalign(self, share: float) -> None:
            pass

    class Image(Widget):
        def __init__(self) -> None:
            super().__init__()
            self._shown: object = None

        def set_size_request(self, width: int, height: int) -> None:
            pass

        def set_from_pixbuf(self, picture: object) -> None:
            self._shown = picture

        def clear(self) -> None:
            self._shown = None

    class ProgressBar(Widget):
        def __init__(self) -> None:
            super().__init__()
            self._share = 0.0

        def set_fraction(self, share: float) -> None:
            self._share = share

    class Grid(Widget):
        def __init__(self, row_spacing: int = 0, column_spacing: int = 0) -> None:
            super().__init__()
            self._children: list[_Gtk.Widget] = []

        def attach(
            self, child: "_Gtk.Widget", left: int, top: int, width: int, height: int
        ) -> None:
            self._children.append(child)

    class Box(Widget):
        def __init__(self, orientation: object = None, spacing: int = 0) -> None:
            super().__init__()
            self._children: list[_Gtk.Widget] = []

        def set_border_width(self, width: int) -> None:
            pass

        def set_spacing(self, width: int) -> None:
            pass

        def pack_start(self, child: "_Gtk.Widget", expand: bool, fill: bool, padding: int) -> None:
            self._children.append(child)

        def show_all(self) -> None:
            pass


class _GimpUi:
    """GimpUi."""

    class Dialog:
        def __init__(self, title: str, role: str) -> None:
            self._box = _Gtk.Box()
            self._sensitive: dict[int, bool] = {}
            self._buttons: dict[int, _Gtk.Button] = {}
            desk.dialogs.append(self)

        def add_button(self, label: str, response: int) -> _Gtk.Button:
            self._sensitive[response] = True
            self._buttons[response] = _Gtk.Button(label)
            return self._buttons[response]

        def set_response_sensitive(self, response: int, is_sensitive: bool) -> None:
            self._sensitive[response] = is_sensitive

        def get_content_area(self) -> _Gtk.Box:
            return self._box

        def run(self) -> int:
            desk.tick()
            return next(desk.artist, _Gtk.ResponseType.CLOSE)

        def destroy(self) -> None:
            pass

    @staticmethod
    def init(name: str) -> None:
        pass

    @staticmethod
    def window_set_transient(window: object) -> None:
        pass


NAMESPACES = {
    "Gegl": _Gegl,
    "Gimp": _Gimp,
    "GimpUi": _GimpUi,
    "GLib": _GLib,
    "GObject": _GObject,
    "GdkPixbuf": _GdkPixbuf,
    "Gtk": _Gtk,
}


def modules() -> dict[str, types.ModuleType]:
    """What to put into `sys.modules` so that `from gi.repository import Gimp` finds the fake."""
    gi, repository = types.ModuleType("gi"), types.ModuleType("gi.repository")
    gi.require_version = lambda namespace, version: None  # type: ignore[attr-defined]
    for name, namespace in NAMESPACES.items():
        setattr(repository, name, namespace)
    return {"gi": gi, "gi.repository": repository}
