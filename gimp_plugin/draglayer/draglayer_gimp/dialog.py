"""The dialog: shows what the model says, and hands the artist's clicks on. It decides nothing."""

from collections.abc import Callable
from dataclasses import replace

from gi.repository import GdkPixbuf, Gimp, GimpUi, GLib, Gtk

from . import preview
from ._vendor.bridge_client import (
    CHECK_HINT,
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
from .widgets import GAP_PX, Slider, choice, column, form, label, row, set_tip

TITLE = "Drag Layer"
# Reading a path and a selection's bounds costs under a millisecond: what is drawn in GIMP's
# window shows here while it is drawn.
REFRESH_MS = 250
FULL_AMOUNT_PERCENT = 100
MOST_PERCENT = round(MAX_AMOUNT * FULL_AMOUNT_PERCENT)
# Of a line beside the picture, and of one below it.
SIDE_CHARS, LINE_CHARS = 44, 84
BORDER_PX = 12

HINT = (
    "With the Paths tool (B), click on a spot to move, then click where it should go. "
    "Shift+click starts the next pair; a point left alone stays where it is. Select what may move: "
    "the rest stays as it is."
)
RESPONSE_START, RESPONSE_CANCEL, RESPONSE_INSERT, RESPONSE_PAUSE, RESPONSE_CHECK = 1, 2, 3, 4, 5


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
        self._build()

    def _build(self) -> None:
        GimpUi.init("draglayer")
        self._dialog = GimpUi.Dialog(title=TITLE, role="draglayer")
        GimpUi.window_set_transient(self._dialog)
        self._add_buttons()
        self._picture = Gtk.Image()
        self._picture.set_size_request(preview.SIDE_PX, preview.SIDE_PX)
        self._picture.set_valign(Gtk.Align.START)
        self._bar = Gtk.ProgressBar()
        self._status_label = label("", LINE_CHARS)
        content = self._dialog.get_content_area()
        content.set_border_width(BORDER_PX)
        content.set_spacing(GAP_PX)
        side = self._make_side()
        side.set_margin_start(GAP_PX)
        for widget in (row(self._picture, side), self._bar, self._status_label):
            content.pack_start(widget, False, False, 0)
        content.show_all()

    def _add_buttons(self) -> None:
        buttons = {
            response: self._dialog.add_button(text, response)
            for text, response in (
                ("_Start", RESPONSE_START),
                ("Chec_k", RESPONSE_CHECK),
                ("_Pause", RESPONSE_PAUSE),
                ("C_ancel", RESPONSE_CANCEL),
                ("_Insert", RESPONSE_INSERT),
                ("_Close", Gtk.ResponseType.CLOSE),
            )
        }
        self._pause, self._check_button = buttons[RESPONSE_PAUSE], buttons[RESPONSE_CHECK]

    def _make_side(self) -> Gtk.Box:
        """What stands beside the picture."""
        self._drawn_label = label("", SIDE_CHARS)
        self._amount = Slider(MOST_PERCENT, lambda percent, _most: f"{percent} %", self._ask_amount)
        self._step = Slider(1, _step_text, self._ask_step)
        return column(
            label(f"Layer: {self._edit.layer_name}.", SIDE_CHARS),
            label(HINT, SIDE_CHARS),
            self._drawn_label,
            self._make_history(),
            form(
                {
                    "Amount": self._amount.scale,
                    "Step": self._step.scale,
                    "Model sees": self._make_seen(),
                    "Reading": self._make_profile(),
                }
            ),
        )

    def _make_history(self) -> Gtk.Box:
        """What goes on from a drag that has ended, and back and forth."""
        self._further = Gtk.Button.new_with_mnemonic("_Drag on")
        self._undo = Gtk.Button.new_with_mnemonic("_Undo drag")
        self._redo = Gtk.Button.new_with_mnemonic("_Redo drag")
        self._further.connect("clicked", lambda _button: self._do(self._drag_on))
        self._undo.connect("clicked", lambda _button: self._do(self._controls.undo))
        self._redo.connect("clicked", lambda _button: self._do(self._controls.redo))
        return row(self._further, self._undo, self._redo)

    def _make_seen(self) -> Gtk.ComboBoxText:
        seen = choice(SEEN_NAMES, self.settings.seen)
        seen.set_tooltip_text(SEEN_HINT)
        seen.connect("changed", lambda box: self._choose(seen=Seen(box.get_active_id())))
        return seen

    def _make_profile(self) -> Gtk.ComboBoxText:
        profile = choice(PROFILE_NAMES, self.settings.profile)
        profile.connect(
            "changed", lambda box: self._choose(profile=InversionProfile(box.get_active_id()))
        )
        return profile

    def run(self) -> Gimp.Layer | None:
        """Show it until the artist closes it, and give the layer inserted last."""
        pump = Pump(self._worker, self._take)
        refresh = GLib.timeout_add(REFRESH_MS, self._refresh)
        actions = {
            RESPONSE_START: self._start,
            RESPONSE_CHECK: self._check,
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
        self._worker.start(request)
        self._edit.begin(request)

    def _check(self) -> None:
        model, drawn = self._edit.model, self._drawn_now()
        if model.has_history:
            self._edit.refresh(drawn, self.settings)
            self._controls.check_on()
        else:
            self._worker.check(self._edit.request(drawn, self.settings))
            model.mark_checking()

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

    def _ask_amount(self, percent: int) -> None:
        self._do(lambda: self._controls.show_amount(percent / FULL_AMOUNT_PERCENT))

    def _ask_step(self, position: int) -> None:
        self._do(lambda: self._controls.show_position(position))

    # What happens.

    def _take(self, event: WorkerEvent) -> None:
        self._edit.model.apply(event)
        self._show()

    def _refresh(self) -> bool:
        model = self._edit.model
        if not model.is_busy:
            drawn = self._read_pairs()
            self._edit.refresh(drawn.pairs, self.settings)
            self._show_drawn(drawn)
        elif model.takes_pairs:
            self._hand_on(self._read_pairs())
        return GLib.SOURCE_CONTINUE

    def _hand_on(self, drawn: DrawnPairs) -> None:
        """Have the drag that runs go on with what is drawn now. What cannot be read, or is not yet
        what it is to be, leaves it as it is."""
        if drawn.pairs and not drawn.remark:
            self._controls.set_pairs(drawn.pairs)
            self._show_drawn(drawn)

    def _read_pairs(self) -> DrawnPairs:
        if not self._edit.image.is_valid():
            return DrawnPairs(())
        try:
            return self.settings.drawn_pairs(self._edit.image)
        except ClientError as problem:
            return DrawnPairs((), sentence(problem))

    # What it looks like.

    def _show_drawn(self, drawn: DrawnPairs) -> None:
        has_selection = self._edit.model.selection_canvas is not None
        self._drawn_label.set_text(_drawn_text(drawn, has_selection))
        self._show()

    def _show(self) -> None:
        model = self._edit.model
        for response, can_press in (
            (RESPONSE_START, model.can_start),
            (RESPONSE_CHECK, model.can_check),
            (RESPONSE_PAUSE, model.can_pause or model.can_resume),
            (RESPONSE_CANCEL, model.can_cancel),
            (RESPONSE_INSERT, model.can_insert),
        ):
            self._dialog.set_response_sensitive(response, can_press)
        self._pause.set_label(f"_{model.pause_text}")
        set_tip(self._check_button, model.why_not_check or CHECK_HINT)
        # An inserted edit is over: its progress is of no interest any more. A check is no edit.
        has_drag = model.is_busy or model.result is not None
        self._bar.set_fraction(model.progress if has_drag else 0.0)
        # What is missing is said until there is an edit to tell of.
        has_news = model.has_edit or model.failure is not None
        first = "" if has_news else model.why_not_start
        self._status_label.set_text(_two_lines(self._notice or first or model.status_text))
        self._show_history()
        self._show_picture()

    def _show_history(self) -> None:
        model = self._edit.model
        self._further.set_sensitive(model.can_drag_on)
        set_tip(self._further, model.why_not_drag_on)
        self._undo.set_sensitive(model.can_undo)
        self._redo.set_sensitive(model.can_redo)
        self._show_sliders()

    def _show_sliders(self) -> None:
        model, history = self._edit.model, self._edit.model.history
        self._amount.scale.set_sensitive(model.can_show)
        self._step.scale.set_sensitive(model.can_show and history.last_position > 0)
        if not model.is_busy:
            self._amount.show(round(FULL_AMOUNT_PERCENT * history.amount), MOST_PERCENT)
            self._step.show(history.position, history.last_position)

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


def _two_lines(text: str) -> str:
    """The text with room for a second line, so that the dialog does not grow when there is one."""
    return text if "\n" in text else f"{text}\n"


def _step_text(step: int, last_step: int) -> str:
    return f"{step} of {last_step}" if last_step else ""


def _drawn_text(drawn: DrawnPairs, has_selection: bool) -> str:
    pin_count = sum(pair.is_pin for pair in drawn.pairs)
    counted = _counted(len(drawn.pairs) - pin_count, "pair")
    if pin_count:
        counted += f" and {_counted(pin_count, 'pin')}"
    area = "The selection may move." if has_selection else "Nothing is selected: all may move."
    return f"{counted} drawn. {area} {drawn.remark}".strip()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
