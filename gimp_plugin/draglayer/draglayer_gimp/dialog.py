"""The dialog: shows what the model says, and hands the artist's clicks on. It decides nothing."""

from gi.repository import GdkPixbuf, Gimp, GimpUi, GLib, Gtk

from . import preview
from ._vendor.bridge_client import Bounds, ClientError, EditRequest, EditWorker, WorkerEvent
from .canvas import DrawnPairs
from .layer_edit import LayerEdit
from .pump import Pump
from .settings import Settings
from .status import sentence

TITLE = "Drag Layer"
# Reading a path and a selection's bounds costs under a millisecond: what is drawn in GIMP's
# window shows here while it is drawn.
REFRESH_MS = 250

HINT = (
    "With the Paths tool (B), click on a spot to move, then click where it should go. "
    "Shift+click starts the next pair. Select what may move: the rest stays as it is."
)
RESPONSE_START, RESPONSE_CANCEL, RESPONSE_INSERT = 1, 2, 3


class DragDialog:
    """One open dialog.

    Args:
        edit: The layer and its model.
        settings: Where the pairs come from, and for how many steps.
        worker: Does the edit; its events are fetched by a timer.
    """

    def __init__(self, edit: LayerEdit, settings: Settings, worker: EditWorker) -> None:
        self._edit = edit
        self._settings = settings
        self._worker = worker
        self._request: EditRequest | None = None
        self._source: tuple[Bounds, GdkPixbuf.Pixbuf] | None = None
        self._inserted: Gimp.Layer | None = None
        self._notice = ""
        self._build()

    def _build(self) -> None:
        GimpUi.init("draglayer")
        self._dialog = GimpUi.Dialog(title=TITLE, role="draglayer")
        GimpUi.window_set_transient(self._dialog)
        for label, response in (
            ("_Start", RESPONSE_START),
            ("C_ancel", RESPONSE_CANCEL),
            ("_Insert", RESPONSE_INSERT),
            ("_Close", Gtk.ResponseType.CLOSE),
        ):
            self._dialog.add_button(label, response)
        self._drawn_label, self._status_label = _label(""), _label("")
        self._picture = Gtk.Image()
        self._picture.set_size_request(preview.SIDE_PX, preview.SIDE_PX)
        self._bar = Gtk.ProgressBar()
        content = self._dialog.get_content_area()
        content.set_border_width(12)
        content.set_spacing(8)
        for widget in (
            _label(f"Layer: {self._edit.layer_name}. {self._edit.stacking_remark}".strip()),
            _label(HINT),
            self._drawn_label,
            self._picture,
            self._bar,
            self._status_label,
        ):
            content.pack_start(widget, False, False, 0)
        content.show_all()

    def run(self) -> Gimp.Layer | None:
        """Show it until the artist closes it, and give the layer inserted last."""
        pump = Pump(self._worker, self._take)
        refresh = GLib.timeout_add(REFRESH_MS, self._refresh)
        actions = {
            RESPONSE_START: self._start,
            RESPONSE_CANCEL: self._cancel,
            RESPONSE_INSERT: self._insert,
        }
        try:
            self._refresh()
            while (action := actions.get(self._dialog.run())) is not None:
                self._notice = ""
                try:
                    action()
                except ClientError as problem:
                    self._notice = sentence(problem)
                self._show()
        finally:
            GLib.source_remove(refresh)
            pump.close()
            self._dialog.destroy()
        return self._inserted

    # What the artist does.

    def _start(self) -> None:
        settings = self._settings
        pairs = settings.drawn_pairs(self._edit.image).pairs
        self._request = self._edit.request(pairs, settings.step_budget, settings.model)
        self._edit.model.mark_started()
        self._worker.start(self._request)

    def _cancel(self) -> None:
        self._edit.model.mark_cancelling()
        self._worker.cancel()

    def _insert(self) -> None:
        self._inserted = self._edit.insert()
        self._request = None
        self._notice = "Inserted as a new layer; Ctrl+Z in the image takes it back."

    # What happens.

    def _take(self, event: WorkerEvent) -> None:
        self._edit.model.apply(event)
        self._show()

    def _refresh(self) -> bool:
        model = self._edit.model
        if not model.is_busy:
            drawn = self._read_pairs()
            self._edit.refresh(drawn.pairs)
            self._drawn_label.set_text(_drawn_text(drawn, model.selection_canvas is not None))
            self._show()
        return GLib.SOURCE_CONTINUE

    def _read_pairs(self) -> DrawnPairs:
        if not self._edit.image.is_valid():
            return DrawnPairs(())
        try:
            return self._settings.drawn_pairs(self._edit.image)
        except ClientError as problem:
            return DrawnPairs((), sentence(problem))

    # What it looks like.

    def _show(self) -> None:
        model = self._edit.model
        self._dialog.set_response_sensitive(RESPONSE_START, model.can_start)
        self._dialog.set_response_sensitive(RESPONSE_CANCEL, model.can_cancel)
        self._dialog.set_response_sensitive(RESPONSE_INSERT, model.can_insert)
        # An inserted edit is over: its progress is of no interest any more.
        self._bar.set_fraction(0.0 if self._request is None else model.progress)
        # What is missing is said until there is an edit to tell of.
        first = model.why_not_start if self._request is None else ""
        self._status_label.set_text(self._notice or first or model.status_text)
        self._show_picture()

    def _show_picture(self) -> None:
        model = self._edit.model
        if self._request is not None and (model.is_busy or model.result is not None):
            window, pairs = self._request.window_canvas, self._request.pairs
            handles = model.handles_canvas
        elif model.window_canvas is not None:
            window, pairs = model.window_canvas, model.pairs
            handles = tuple(pair.handle for pair in pairs)
        else:
            self._picture.clear()
            return
        try:
            picture = self._picture_of(window)
        except ClientError as problem:
            self._picture.clear()
            self._notice = sentence(problem)
            return
        shown = preview.with_pairs(picture, window, pairs, handles)
        self._picture.set_from_pixbuf(shown)

    def _picture_of(self, window: Bounds) -> GdkPixbuf.Pixbuf:
        """What Insert would give, else the edit as it stands, else the layer."""
        model = self._edit.model
        if model.is_busy and model.preview_jpeg is not None:
            return preview.from_jpeg(model.preview_jpeg)
        # The layer is read again only when the window is another.
        if self._source is None or self._source[0] != window:
            pixels = self._edit.read_pixels(window)
            picture = preview.from_pixels(pixels, (window.width, window.height))
            self._source = (window, preview.fitted(picture))
        if model.result is None:
            return self._source[1]
        return preview.with_result(self._source[1], window, model.result)


def _label(text: str) -> Gtk.Label:
    label = Gtk.Label(label=text)
    label.set_line_wrap(True)
    label.set_max_width_chars(48)
    label.set_xalign(0.0)
    return label


def _drawn_text(drawn: DrawnPairs, has_selection: bool) -> str:
    count = len(drawn.pairs)
    area = "The selection may move." if has_selection else "Nothing is selected: all may move."
    return f"{count} pair{'' if count == 1 else 's'} drawn. {area} {drawn.remark}".strip()
