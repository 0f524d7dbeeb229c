"""The dialog: shows what the model says, and hands the artist's clicks on. It decides nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from gi.repository import GdkPixbuf, Gimp, GimpUi, GLib, Gtk

from . import preview
from ._vendor.bridge_client import (
    MAX_AMOUNT,
    PROFILE_NAMES,
    SEEN_HINT,
    SEEN_NAMES,
    Bounds,
    ClientError,
    EditControls,
    EditWorker,
    InversionProfile,
    LayerResult,
    PointPair,
    ResultForm,
    Seen,
    WorkerEvent,
)
from .canvas import DrawnPairs
from .layer_edit import LayerEdit
from .pump import Pump
from .settings import Settings
from .status import sentence

Choice = TypeVar("Choice", InversionProfile, Seen)

TITLE = "Drag Layer"
# Reading a path and a selection's bounds costs under a millisecond: what is drawn in GIMP's
# window shows here while it is drawn.
REFRESH_MS = 250
FULL_AMOUNT_PERCENT = 100

HINT = (
    "With the Paths tool (B), click on a spot to move, then click where it should go. "
    "Shift+click starts the next pair; a point left alone stays where it is. Select what may move: "
    "the rest stays as it is."
)
RESPONSE_START, RESPONSE_CANCEL, RESPONSE_INSERT, RESPONSE_PAUSE = 1, 2, 3, 4


class DragDialog:
    """One open dialog.

    Args:
        edit: The layer and its model.
        settings: Where the pairs come from, and how they are dragged.
        worker: Does the edit; its events are fetched by a timer.
    """

    def __init__(self, edit: LayerEdit, settings: Settings, worker: EditWorker) -> None:
        self.settings = settings
        self._edit = edit
        self._worker = worker
        self._controls = EditControls(edit.model, worker)
        self._source: tuple[Bounds, GdkPixbuf.Pixbuf] | None = None
        self._replaced: tuple[LayerResult, GdkPixbuf.Pixbuf] | None = None
        self._inserted: Gimp.Layer | None = None
        self._notice = ""
        self._percent_shown = FULL_AMOUNT_PERCENT
        self._build()

    def _build(self) -> None:
        GimpUi.init("draglayer")
        self._dialog = GimpUi.Dialog(title=TITLE, role="draglayer")
        GimpUi.window_set_transient(self._dialog)
        buttons = {
            response: self._dialog.add_button(label, response)
            for label, response in (
                ("_Start", RESPONSE_START),
                ("_Pause", RESPONSE_PAUSE),
                ("C_ancel", RESPONSE_CANCEL),
                ("_Insert", RESPONSE_INSERT),
                ("_Close", Gtk.ResponseType.CLOSE),
            )
        }
        self._pause = buttons[RESPONSE_PAUSE]
        self._drawn_label, self._status_label = _label(""), _label("")
        self._picture = Gtk.Image()
        self._picture.set_size_request(preview.SIDE_PX, preview.SIDE_PX)
        self._bar = Gtk.ProgressBar()
        content = self._dialog.get_content_area()
        content.set_border_width(12)
        content.set_spacing(8)
        for widget in (
            _label(f"Layer: {self._edit.layer_name}."),
            _label(HINT),
            self._drawn_label,
            self._picture,
            self._bar,
            self._status_label,
            self._make_history(),
            self._make_amount(),
            self._make_seen(),
            self._make_profile(),
        ):
            content.pack_start(widget, False, False, 0)
        content.show_all()

    def _make_history(self) -> Gtk.Box:
        """What goes on from a drag that has ended, and back and forth."""
        self._further = Gtk.Button.new_with_mnemonic("_Drag on")
        self._undo = Gtk.Button.new_with_mnemonic("_Undo drag")
        self._redo = Gtk.Button.new_with_mnemonic("_Redo drag")
        self._further.connect("clicked", lambda _button: self._do(self._drag_on))
        self._undo.connect("clicked", lambda _button: self._do(self._controls.undo))
        self._redo.connect("clicked", lambda _button: self._do(self._controls.redo))
        return _row(self._further, self._undo, self._redo)

    def _make_amount(self) -> Gtk.Box:
        self._amount = Gtk.Scale.new_with_range(
            Gtk.Orientation.HORIZONTAL, 0, round(MAX_AMOUNT * FULL_AMOUNT_PERCENT), 1
        )
        self._amount.set_value(FULL_AMOUNT_PERCENT)
        self._amount.set_value_pos(Gtk.PositionType.RIGHT)
        self._amount.connect("format-value", lambda _scale, percent: f"{percent:.0f} %")
        self._amount.connect("value-changed", lambda _scale: self._show_amount())
        row = _row(Gtk.Label(label="Amount"))
        row.pack_start(self._amount, True, True, 0)
        return row

    def _make_seen(self) -> Gtk.Box:
        seen = _choice(SEEN_NAMES, self.settings.seen)
        seen.set_tooltip_text(SEEN_HINT)
        seen.connect("changed", lambda box: self._choose(seen=Seen(box.get_active_id())))
        return _row(Gtk.Label(label="Model sees"), seen)

    def _make_profile(self) -> Gtk.Box:
        profile = _choice(PROFILE_NAMES, self.settings.profile)
        profile.connect(
            "changed", lambda box: self._choose(profile=InversionProfile(box.get_active_id()))
        )
        return _row(Gtk.Label(label="Reading"), profile)

    def run(self) -> Gimp.Layer | None:
        """Show it until the artist closes it, and give the layer inserted last."""
        pump = Pump(self._worker, self._take)
        refresh = GLib.timeout_add(REFRESH_MS, self._refresh)
        actions = {
            RESPONSE_START: self._start,
            RESPONSE_PAUSE: self._controls.toggle_pause,
            RESPONSE_CANCEL: self._controls.cancel,
            RESPONSE_INSERT: self._insert,
        }
        try:
            self._refresh()
            while (action := actions.get(self._dialog.run())) is not None:
                self._do(action)
        finally:
            GLib.source_remove(refresh)
            pump.close()
            self._dialog.destroy()
        return self._inserted

    # What the artist does.

    def _do(self, action: Callable[[], None]) -> None:
        self._notice = ""
        try:
            action()
        except ClientError as problem:
            self._notice = sentence(problem)
        self._show()

    def _start(self) -> None:
        request = self._edit.request(self._drawn_now(), self.settings)
        self._edit.model.mark_started()
        self._worker.start(request)

    def _drag_on(self) -> None:
        self._edit.refresh(self._drawn_now(), self.settings)
        self._controls.drag_on(self.settings.step_budget)

    def _insert(self) -> None:
        result = self._edit.model.result
        self._inserted = self._edit.insert()
        place = "as a new layer"
        if result is not None and result.form is ResultForm.REPLACEMENT:
            place = "in place of the layer, which is hidden now"
            self._source = None
        self._notice = f"Inserted {place}; Ctrl+Z in the image takes it back."

    def _drawn_now(self) -> tuple[PointPair, ...]:
        return self.settings.drawn_pairs(self._edit.image).pairs

    def _choose(self, **chosen: Seen | InversionProfile) -> None:
        self.settings = replace(self.settings, **chosen)

    def _show_amount(self) -> None:
        percent = round(self._amount.get_value())
        if percent != self._percent_shown:
            self._percent_shown = percent
            self._do(lambda: self._controls.show_amount(percent / FULL_AMOUNT_PERCENT))

    # What happens.

    def _take(self, event: WorkerEvent) -> None:
        self._edit.model.apply(event)
        self._show()

    def _refresh(self) -> bool:
        model = self._edit.model
        if not model.is_busy:
            drawn = self._read_pairs()
            self._edit.refresh(drawn.pairs, self.settings)
            self._drawn_label.set_text(_drawn_text(drawn, model.selection_canvas is not None))
            self._show()
        return GLib.SOURCE_CONTINUE

    def _read_pairs(self) -> DrawnPairs:
        if not self._edit.image.is_valid():
            return DrawnPairs(())
        try:
            return self.settings.drawn_pairs(self._edit.image)
        except ClientError as problem:
            return DrawnPairs((), sentence(problem))

    # What it looks like.

    def _show(self) -> None:
        model = self._edit.model
        for response, can_press in (
            (RESPONSE_START, model.can_start),
            (RESPONSE_PAUSE, model.can_pause or model.can_resume),
            (RESPONSE_CANCEL, model.can_cancel),
            (RESPONSE_INSERT, model.can_insert),
        ):
            self._dialog.set_response_sensitive(response, can_press)
        self._pause.set_label(f"_{model.pause_text}")
        # An inserted edit is over: its progress is of no interest any more.
        self._bar.set_fraction(model.progress if model.has_edit else 0.0)
        # What is missing is said until there is an edit to tell of.
        has_news = model.has_edit or model.failure is not None
        first = "" if has_news else model.why_not_start
        self._status_label.set_text(_two_lines(self._notice or first or model.status_text))
        self._show_history()
        self._show_picture()

    def _show_history(self) -> None:
        model = self._edit.model
        self._further.set_sensitive(model.can_drag_on)
        self._further.set_tooltip_text(model.why_not_drag_on)
        self._undo.set_sensitive(model.can_undo)
        self._redo.set_sensitive(model.can_redo)
        self._amount.set_sensitive(model.can_show)
        if not model.is_busy:
            # The artist's hand alone asks for another amount.
            self._percent_shown = round(FULL_AMOUNT_PERCENT * model.history.amount)
            self._amount.set_value(self._percent_shown)

    def _show_picture(self) -> None:
        model = self._edit.model
        window = model.shown_window_canvas
        if window is None:
            self._picture.clear()
            return
        try:
            picture = self._picture_of(window)
        except ClientError as problem:
            self._picture.clear()
            self._notice = sentence(problem)
            return
        self._picture.set_from_pixbuf(preview.with_marks(picture, window, model.marks))

    def _picture_of(self, window: Bounds) -> GdkPixbuf.Pixbuf:
        """What Insert would give, else the edit as it stands, else the layer."""
        model = self._edit.model
        if model.is_busy and model.preview_jpeg is not None:
            return preview.from_jpeg(model.preview_jpeg)
        result = model.result
        if result is not None and result.form is ResultForm.REPLACEMENT:
            if self._replaced is None or self._replaced[0] is not result:
                pixels = self._edit.replaced_pixels(result)
                self._replaced = result, preview.of_window(pixels, window)
            return self._replaced[1]
        # The layer is read again only when the window is another.
        if self._source is None or self._source[0] != window:
            self._source = window, preview.of_window(self._edit.read_pixels(window), window)
        if result is None:
            return self._source[1]
        return preview.with_result(self._source[1], window, result)


def _label(text: str) -> Gtk.Label:
    label = Gtk.Label(label=text)
    label.set_line_wrap(True)
    label.set_max_width_chars(48)
    label.set_xalign(0.0)
    return label


def _two_lines(text: str) -> str:
    """The text with room for a second line, so that the dialog does not grow when there is one."""
    return text if "\n" in text else f"{text}\n"


def _row(*widgets: Gtk.Widget) -> Gtk.Box:
    row = Gtk.Box(spacing=8)
    for widget in widgets:
        row.pack_start(widget, False, False, 0)
    return row


def _choice(names: Mapping[Choice, str], chosen: Choice) -> Gtk.ComboBoxText:
    box = Gtk.ComboBoxText()
    for choice, text in names.items():
        box.append(choice.value, text)
    box.set_active_id(chosen.value)
    return box


def _drawn_text(drawn: DrawnPairs, has_selection: bool) -> str:
    pin_count = sum(pair.is_pin for pair in drawn.pairs)
    counted = _counted(len(drawn.pairs) - pin_count, "pair")
    if pin_count:
        counted += f" and {_counted(pin_count, 'pin')}"
    area = "The selection may move." if has_selection else "Nothing is selected: all may move."
    return f"{counted} drawn. {area} {drawn.remark}".strip()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
