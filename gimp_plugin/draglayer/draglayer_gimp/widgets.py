"""The dialog's widgets: GTK's own, as the dialog needs them."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from gi.repository import Gtk

from ._vendor.bridge_client import InversionProfile, Seen

GAP_PX = 8

Choice = TypeVar("Choice", InversionProfile, Seen)


class Slider:
    """A scale of whole numbers from 0 on. Only the artist's hand asks for something: what is
    shown otherwise stays silent.

    Args:
        most: The number at its end.
        text: How a number reads beside it; given the number and the one at the end.
        ask: Called with each number that the artist moves it to.
    """

    def __init__(
        self, most: int, text: Callable[[int, int], str], ask: Callable[[int], None]
    ) -> None:
        self._number, self._most, self._ask = 0, most, ask
        self.scale = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, most, 1)
        self.scale.set_value_pos(Gtk.PositionType.RIGHT)
        self.scale.connect("format-value", lambda _scale, value: text(round(value), self._most))
        self._moved = self.scale.connect("value-changed", lambda _scale: self._take_hand())

    def show(self, number: int, most: int) -> None:
        """Have it stand there, of so many."""
        self._number, self._most = number, most
        # A shorter range moves the scale by itself.
        with self.scale.handler_block(self._moved):
            self.scale.set_range(0, most)
            self.scale.set_value(number)

    def _take_hand(self) -> None:
        number = round(self.scale.get_value())
        if number != self._number:
            self._number = number
            self._ask(number)


def label(text: str, width_chars: int) -> Gtk.Label:
    """A text that begins a new line after so many letters."""
    made = Gtk.Label(label=text)
    made.set_line_wrap(True)
    made.set_max_width_chars(width_chars)
    made.set_xalign(0.0)
    return made


def choice(names: Mapping[Choice, str], chosen: Choice) -> Gtk.ComboBoxText:
    """A box to choose one of these from."""
    box = Gtk.ComboBoxText()
    for value, text in names.items():
        box.append(value.value, text)
    box.set_active_id(chosen.value)
    return box


def set_tip(widget: Gtk.Widget, text: str) -> None:
    """Have the widget say this under the mouse."""
    # Each time that it is set, GTK waits anew before it shows it: at a timer's pace, for ever.
    if (widget.get_tooltip_text() or "") != text:
        widget.set_tooltip_text(text)


def row(*widgets: Gtk.Widget) -> Gtk.Box:
    """Widgets from left to right."""
    return _packed(Gtk.Box(spacing=GAP_PX), widgets)


def column(*widgets: Gtk.Widget) -> Gtk.Box:
    """Widgets from top to bottom."""
    return _packed(Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=GAP_PX), widgets)


def form(fields: Mapping[str, Gtk.Widget]) -> Gtk.Grid:
    """Widgets below each other, each as wide as there is room, with its name before it."""
    grid = Gtk.Grid(row_spacing=GAP_PX, column_spacing=GAP_PX)
    for line, (name, widget) in enumerate(fields.items()):
        named = Gtk.Label(label=name)
        named.set_xalign(0.0)
        widget.set_hexpand(True)
        grid.attach(named, 0, line, 1, 1)
        grid.attach(widget, 1, line, 1, 1)
    return grid


def _packed(box: Gtk.Box, widgets: Iterable[Gtk.Widget]) -> Gtk.Box:
    for widget in widgets:
        box.pack_start(widget, False, True, 0)
    return box
