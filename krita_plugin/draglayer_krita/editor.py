"""What the buttons do: reads the canvas into the model, starts the worker, inserts its layer.

One for all windows, because Krita makes a docker for each window and the edit outlives them. It
knows neither Qt nor threads; decisions are the model's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ._vendor.bridge_client import (
    ClientError,
    EditControls,
    EditModel,
    EditRequest,
    EditWorker,
    Failed,
    HandlesChecked,
    LayerResult,
    ResultForm,
    ResultReady,
    WorkerEvent,
    choose_result_form,
)
from .canvas import PIXEL_ORDER, Canvas, DocumentClosed, Layer, LayersAtHand
from .settings import Settings
from .stand_ins import StandIns
from .svg import DrawnLines

# What is newer than anything that was said before it.
_NEWS = (ResultReady, HandlesChecked, Failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenEdit:
    canvas: Canvas
    source: Layer
    request: EditRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class _LinesLayer:
    canvas: Canvas
    id: str


class LayerEditor:
    """The edit of one layer, from the artist's arrows to the new layer.

    Args:
        model: What the UI shows and allows.
        worker: Talks to the bridge.
        read_canvas: Gives the document that the artist works on, or None.
        settings: The plug-in's settings.
        later: Calls a function when Krita's loop has run once more.
    """

    def __init__(
        self,
        *,
        model: EditModel,
        worker: EditWorker,
        read_canvas: Callable[[], Canvas | None],
        settings: Settings,
        later: Callable[[Callable[[], None]], Any],
    ) -> None:
        self.model = model
        self.controls = EditControls(model, worker)
        self.settings = settings
        self._worker = worker
        self._read_canvas = read_canvas
        self._later = later
        self._canvas: Canvas | None = None
        self._at_hand = LayersAtHand()
        self._lines = DrawnLines()
        self._notes: tuple[str, ...] = ()
        self._edit: _OpenEdit | None = None
        self._lines_dragged: _LinesLayer | None = None
        self._patch_ids: set[str] = set()
        self._inserted_id: str | None = None  # of the edit that is open
        self._stand_ins = StandIns()
        self._notice = ""

    def look(self) -> None:
        """Reads what Start would take. While an edit runs the model keeps what it has; only a drag
        goes on with its own lines as they are now."""
        self._stand_ins.look()
        if self.model.takes_pairs:
            self._look_at_lines_dragged()
        if self.model.is_busy:
            return
        self._canvas, self._at_hand = self._read_canvas(), LayersAtHand()
        self._lines, self._notes = DrawnLines(), ()
        if self._canvas is None:
            self.model.set_source_problem("Open a picture.")
            return
        try:
            self._read(self._canvas)
        except ClientError as error:
            self.model.set_source_problem(sentence(error))

    def _look_at_lines_dragged(self) -> None:
        """The artist may be on another layer by now, or in another document."""
        layer = self._lines_dragged
        if layer is None:
            return
        try:
            lines = layer.canvas.drawn_lines(layer.id)
            notes = tuple(_notes(layer.canvas, lines))
        except ClientError:
            return  # closed, deleted, or in the making: the drag keeps what it has
        self._lines, self._notes = lines, notes
        self.controls.set_pairs(lines.pairs)

    def _read(self, canvas: Canvas) -> None:
        self._at_hand = canvas.layers_at_hand(self._patch_ids)
        if self._at_hand.lines is not None:
            self._lines = canvas.drawn_lines(self._at_hand.lines.id)
        self.model.set_pairs(self._lines.pairs)
        self.model.set_seen(self.settings.seen)
        source = self._at_hand.source
        if self._at_hand.problem or source is None:
            self.model.set_source_problem(self._at_hand.problem)
            return
        self.model.set_source(
            canvas=canvas.extent,
            layer_content=canvas.content_bounds(source.id),
            selection=canvas.selection_bounds(),
        )
        self._notes = tuple(_notes(canvas, self._lines))

    def check(self) -> None:
        """Looks whether the points can be followed before they are dragged: from where the edit
        stands if something was dragged in it, else those that Start would take.

        Raises:
            ClientError: The layer could not be read.
        """
        self.look()
        if self.model.has_history:
            self.controls.check_on()
            return
        edit = self._read_edit()
        if edit is not None:
            self._worker.check(edit.request)
            self._take_up(edit)
            self.model.mark_checking()

    def start(self) -> None:
        """Begins the edit, if the model allows it.

        Raises:
            ClientError: The layer could not be read.
        """
        self.look()
        edit = self._read_edit()
        if edit is not None:
            self._worker.start(edit.request)
            self._take_up(edit)
            self._lines_dragged = self._lines_at_hand
            self.model.mark_started()

    def drag_on(self) -> None:
        """Drags the arrows that are there now from where the edit stands."""
        self.look()
        self._lines_dragged = self._lines_at_hand
        self.controls.drag_on(self.settings.step_budget)

    def _take_up(self, edit: _OpenEdit) -> None:
        # Of this edit nothing was inserted; what came of the one before stays.
        self._edit, self._inserted_id, self._notice = edit, None, ""

    @property
    def _lines_at_hand(self) -> _LinesLayer | None:
        canvas, lines = self._canvas, self._at_hand.lines
        return None if canvas is None or lines is None else _LinesLayer(canvas=canvas, id=lines.id)

    def _read_edit(self) -> _OpenEdit | None:
        """What Start takes; None where it does nothing.

        Raises:
            ClientError: The layer could not be read.
        """
        canvas, source = self._canvas, self._at_hand.source
        if not self.model.can_start or canvas is None or source is None:
            return None
        window_canvas = self.model.require_window()
        pixels = canvas.pixels(source.id, window_canvas)
        mask = canvas.editable_mask(window_canvas)
        request = EditRequest(
            window_canvas=window_canvas,
            pixels=pixels,
            pixel_order=PIXEL_ORDER,
            mask=mask,
            pairs=self.model.pairs,
            step_budget=self.settings.step_budget,
            profile=self.settings.profile,
            result_form=choose_result_form(
                canvas.facts(source.id),
                pixels=pixels,
                editable_mask=mask,
                window_canvas=window_canvas,
                canvas=canvas.extent,
            ),
        )
        return _OpenEdit(canvas=canvas, source=source, request=request)

    def insert(self) -> None:
        """Adds the result above the edited layer, or in its place, in one undo step. What was
        inserted of the same edit before goes, which is another one.

        Raises:
            DocumentClosed: There is nothing to insert it into.
            LayerGone: There is nothing to put it in the place of.
        """
        result, edit = self.model.result, self._edit
        if not self.model.can_insert or result is None or edit is None:
            return
        if not edit.canvas.is_open:
            raise DocumentClosed(
                "The edited document was closed, so there is nothing to insert the layer into.",
                "Open it again and press Start.",
            )
        active_id = edit.canvas.active_layer_id
        if result.form is ResultForm.REPLACEMENT:
            new_id = self._replace(edit, result)
            if active_id == edit.source.id:
                active_id = new_id
        else:
            new_id = self._lay_above(edit, result)
        if self._inserted_id is not None:
            edit.canvas.remove(self._inserted_id)
        self._inserted_id = new_id
        self.model.mark_inserted()
        # Krita makes the new layer active when its loop runs again; the artist stays where he was.
        if active_id is not None:
            self._later(lambda: edit.canvas.activate(active_id))

    def _replace(self, edit: _OpenEdit, result: LayerResult) -> str:
        new_id = edit.canvas.replace(
            edit.source.id,
            result.pixels,
            result.bounds_canvas,
            sent=edit.request.pixels_in(result.bounds_canvas),
            name=f"{edit.source.name} dragged",
        )
        self._stand_ins.add(edit.canvas, edit.source.id, new_id)
        self._notice = f"Inserted in place of “{edit.source.name}”, which is hidden now."
        return new_id

    def _lay_above(self, edit: _OpenEdit, result: LayerResult) -> str:
        is_source_there = edit.canvas.has_layer(edit.source.id)
        new_id = edit.canvas.insert(
            result.pixels,
            result.bounds_canvas,
            name=f"{edit.source.name} dragged",
            above_id=edit.source.id,
            inserted_ids=self._patch_ids,
        )
        self._patch_ids.add(new_id)
        self._notice = (
            f"Inserted above “{edit.source.name}”."
            if is_source_there
            else f"“{edit.source.name}” was deleted meanwhile; the new layer is on top."
        )
        return new_id

    def take(self, events: Sequence[WorkerEvent]) -> None:
        """Gives the worker's events to the model."""
        for event in events:
            self.model.apply(event)
            if isinstance(event, _NEWS):
                self._notice = ""

    def tell(self, text: str) -> None:
        """Shows a sentence until there is news of an edit, or the next one starts."""
        self._notice = text

    @property
    def status_text(self) -> str:
        """The line about now: how far the edit is, what came of it, or a notice."""
        if self.model.is_busy:
            return self.model.status_text
        has_news = self.model.has_edit or self.model.failure is not None
        if self._notice or not (has_news or self.model.can_start):
            return self._notice
        return self.model.status_text

    @property
    def input_text(self) -> str:
        """What Start would take, a line each, with remarks and why it can't be pressed."""
        source, lines = self._at_hand.source, self._at_hand.lines
        shown = []
        if source is not None:
            shown.append(f"Layer: {source.name}")
        if lines is not None:
            shown.append(f"{_counted(self._lines)} on {lines.name}")
        if source is not None and lines is not None:
            selection = self.model.selection_canvas
            may_move = "the whole layer"
            if selection is not None:
                may_move = f"the selection, {selection.width} × {selection.height} px"
            shown.append(f"May move: {may_move}")
        missing = "" if self.model.is_busy else self.model.why_not_start
        return "\n".join(line for line in (*shown, *self._notes, missing) if line)


def sentence(error: ClientError) -> str:
    """What an error says to the artist."""
    return f"{error.message} {error.hint}".strip()


def _counted(lines: DrawnLines) -> str:
    pin_count = sum(pair.is_pin for pair in lines.pairs)
    arrows = f"Arrows: {len(lines.pairs) - pin_count}"
    return f"{arrows}, pins: {pin_count}" if pin_count else arrows


def _notes(canvas: Canvas, lines: DrawnLines) -> list[str]:
    notes = []
    if lines.other_count:
        notes.append(f"{lines.other_count} × left out: no straight line and no circle")
    if canvas.is_deeper_than_8_bit_rgb:
        notes.append("The edit will be 8-bit sRGB")
    return notes
