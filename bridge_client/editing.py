"""EditModel: what the artist has given, how far the edit is, and what a host may offer next.

Pure state without thread, clock or host, so that a docker and a dialog make no decision of their
own. Hosts call it on their main thread only.
"""

from collections.abc import Sequence
from enum import Enum, auto

from .edit import (
    ChangeRefused,
    DragProgress,
    EditState,
    Failed,
    HandlesChecked,
    HistoryChanged,
    InversionProgress,
    LayerResult,
    MatchMeasured,
    PairsTaken,
    PreviewReady,
    ResultReady,
    ResultReason,
    StateChanged,
    WorkerEvent,
)
from .errors import InputProblem
from .geometry import Bounds, Extent, PointPair
from .marks import PairMark, PointBook, check_text, lost_text
from .messages import (
    MAX_PAIRS,
    HistoryState,
    InversionProfile,
    Match,
    MatchLevel,
)
from .region import Seen, propose_window

# Of the whole bar, how much finding the picture in the generator takes before the drag begins.
INVERSION_SHARE = 0.5

_AS_DRAGGED = 1.0  # amount of a drag that is shown neither weaker nor stronger

# The artist's choice, in the order in which it is offered.
PROFILE_NAMES: dict[InversionProfile, str] = {
    InversionProfile.INSTANT: "Instant: a guess",
    InversionProfile.FAST: "Fast",
    InversionProfile.BALANCED: "Balanced: finer, slower",
    InversionProfile.BEST: "Best: the model learns the picture",
}

# As `PROFILE_NAMES`.
SEEN_NAMES: dict[Seen, str] = {
    Seen.SELECTION: "The selection",
    Seen.LAYER: "The whole layer",
}
SEEN_HINT = "What the model takes the picture from. Only what is selected may move, either way."

CHECK_HINT = "Looks whether the model can follow the points, before they are dragged."

_NOTHING_MOVES = (
    "Every point is a pin, so nothing would move.",
    "Draw a line from where a part is to where it should be.",
)

_STATE_TEXTS = {
    EditState.IDLE: "Ready.",
    EditState.CONNECTING: "Looking for the bridge …",
    EditState.SENDING: "Sending the layer …",
    EditState.QUEUED: "Waiting for the bridge to begin …",
    EditState.INVERTING: "Finding the picture in the model …",
    EditState.CHECKING: "Looking at the points …",
    EditState.DRAGGING: "Dragging …",
    EditState.PAUSED: "Paused.",
    EditState.SHOWING: "Showing …",
    EditState.CANCELLING: "Stopping …",
    EditState.FETCHING: "Fetching the new layer …",
    EditState.DONE: "Ready.",
    EditState.CANCELLED: "Cancelled.",
    EditState.FAILED: "The edit failed.",
}

_RESULT_TEXTS: dict[ResultReason, str] = {
    "reached": "The points have arrived.",
    "stalled": "The points came no closer; this is the best that was found.",
    "budget": "All steps are used; this is the best that was found.",
    "cancelled": "Stopped early; this is the best so far.",
    "shown": "This is the edit as it is shown.",
    "restored": "The bridge was lost and started again; this is the best that was written down.",
}


class _Task(Enum):
    """What the edit is busy with, or was last."""

    DRAG = auto()
    CHECK = auto()
    MOVE = auto()  # through the history
    SHOW = auto()  # otherwise: a slider


class EditModel:
    """One edit as the UI sees it."""

    def __init__(self) -> None:
        self._pairs: tuple[PointPair, ...] = ()
        self._canvas: Extent | None = None
        self._layer_content: Bounds | None = None
        self._selection: Bounds | None = None
        self._seen = Seen.SELECTION
        self._source_problem = ""
        self._state = EditState.IDLE
        self._queue_position: int | None = None
        self._inversion: InversionProgress | None = None
        self._match: Match | None = None
        self._drag: DragProgress | None = None
        self._preview_jpeg: bytes | None = None
        self._result: LayerResult | None = None
        self._result_reason: ResultReason | None = None
        self._failure: Failed | None = None
        self._history: HistoryState | None = None
        self._task = _Task.DRAG
        self._window_dragged: Bounds | None = None
        self._pairs_dragged: tuple[PointPair, ...] = ()
        self._depth_dragged = 0  # of the history, by the drag of those
        self._refusal = ""
        self._book = PointBook()

    # What the artist gives.

    def set_source(
        self, *, canvas: Extent, layer_content: Bounds, selection: Bounds | None
    ) -> None:
        """Takes the layer's and the selection's bounds, as often as the host reads them."""
        self._canvas, self._layer_content, self._selection = canvas, layer_content, selection
        self._source_problem = ""

    def set_seen(self, seen: Seen) -> None:
        """Takes what the model shall see of the layer in the next edit; the one that is open keeps
        its window, and what is dragged on goes on in it."""
        self._seen = seen

    def set_source_problem(self, sentence: str) -> None:
        """Says why the host has no layer to give ("Choose a paint layer.")."""
        self._source_problem = sentence

    def set_pairs(self, pairs: Sequence[PointPair]) -> None:
        """Takes all pairs, in the order in which they were drawn."""
        self._pairs = tuple(pairs)

    @property
    def pairs(self) -> tuple[PointPair, ...]:
        """The pairs of the next edit."""
        return self._pairs

    @property
    def selection_canvas(self) -> Bounds | None:
        """Bounds of the selection; None = the whole window may move."""
        return self._selection

    @property
    def window_canvas(self) -> Bounds | None:
        """The window of the next edit; None while the input makes none."""
        try:
            return self.require_window()
        except InputProblem:
            return None

    def require_window(self) -> Bounds:
        """The window of the next edit.

        Raises:
            InputProblem: With the sentence that says what is missing.
        """
        if self._source_problem:
            raise InputProblem(self._source_problem)
        if self._canvas is None or self._layer_content is None:
            raise InputProblem("There is no layer yet.", "Open a picture and choose a layer.")
        if len(self._pairs) > MAX_PAIRS:
            raise InputProblem(
                f"There are {len(self._pairs)} lines; {MAX_PAIRS} is the most.", "Delete some."
            )
        if self._has_pins_only:
            raise InputProblem(*_NOTHING_MOVES)
        return propose_window(
            selection=self._selection,
            layer_content=self._layer_content,
            points=[point for pair in self._pairs for point in (pair.handle, pair.target)],
            canvas=self._canvas,
            seen=self._seen,
        )

    @property
    def _has_pins_only(self) -> bool:
        return bool(self._pairs) and all(pair.is_pin for pair in self._pairs)

    # What the UI allows.

    @property
    def state(self) -> EditState:
        """Where the edit is."""
        return self._state

    @property
    def is_busy(self) -> bool:
        """Whether an edit runs; the UI goes on polling the worker."""
        return self._state.is_busy

    @property
    def is_dragging(self) -> bool:
        """Whether a drag or a check runs or is on its way: busy with more than a moment's look at
        another step, for which nothing in the UI should come or go."""
        return self.is_busy and self._task in (_Task.DRAG, _Task.CHECK)

    @property
    def can_start(self) -> bool:
        """Whether Start does something."""
        return not self.why_not_start

    @property
    def why_not_start(self) -> str:
        """Why Start does nothing, for the artist; empty when it does."""
        if self.is_busy:
            return "An edit is running."
        try:
            self.require_window()
        except InputProblem as problem:
            return f"{problem.message} {problem.hint}".strip()
        return ""

    @property
    def can_check(self) -> bool:
        """Whether the points can be looked at before they are dragged."""
        return not self.why_not_check

    @property
    def why_not_check(self) -> str:
        """Why they can't, for the artist; empty when they can. Of an edit that is open those are
        looked at that would be dragged on."""
        return self.why_not_drag_on if self.has_history else self.why_not_start

    @property
    def can_cancel(self) -> bool:
        """Whether Cancel does something."""
        return self.is_busy and self._state not in (EditState.CANCELLING, EditState.FETCHING)

    @property
    def can_pause(self) -> bool:
        """Whether Pause does something."""
        return self._state in (EditState.INVERTING, EditState.DRAGGING)

    @property
    def can_resume(self) -> bool:
        """Whether Resume does something."""
        return self._state is EditState.PAUSED

    @property
    def can_set_pairs(self) -> bool:
        """Whether the edit that runs can go on with what is drawn now."""
        return self.takes_pairs and 0 < len(self._pairs) <= MAX_PAIRS and not self._has_pins_only

    @property
    def takes_pairs(self) -> bool:
        """Whether points may be moved, added, pinned and let go while the edit runs."""
        has_steps_left = (EditState.QUEUED, EditState.INVERTING, EditState.DRAGGING)
        return self._task is _Task.DRAG and self._state in (*has_steps_left, EditState.PAUSED)

    @property
    def has_history(self) -> bool:
        """Whether there is a drag, done or undone: what the controls of a finished edit are for."""
        return self.history.undo_depth + self.history.redo_depth > 0

    @property
    def can_undo(self) -> bool:
        """Whether there is a drag to undo."""
        return not self.is_busy and self.history.undo_depth > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone drag to redo."""
        return not self.is_busy and self.history.redo_depth > 0

    @property
    def can_show(self) -> bool:
        """Whether there is a drag to go through, to weaken and to strengthen. It stays so while one
        is being shown: a slider that went grey would lose the hand that moves it."""
        return self.history.undo_depth > 0 and (self._task is _Task.SHOW or not self.is_busy)

    @property
    def can_drag_on(self) -> bool:
        """Whether the pairs can be dragged from where the edit stands."""
        return not self.why_not_drag_on

    @property
    def why_not_drag_on(self) -> str:
        """Why they can't, for the artist; empty when they can."""
        if self.is_busy:
            return "An edit is running."
        window = self._window_dragged
        if not self.has_history or window is None:
            return "Nothing was dragged yet: press Start."
        if not self._pairs or self._pairs == self._pairs_dragged:
            return "Draw where to drag next."
        if self._has_pins_only:
            return " ".join(_NOTHING_MOVES)
        points = [point for pair in self._pairs for point in (pair.handle, pair.target)]
        if not all(window.contains(point) for point in points):
            return "A point lies outside of what is being edited: press Start to edit that part."
        return ""

    @property
    def has_edit(self) -> bool:
        """Whether there is an edit to look at: one that runs, one that can be inserted, or one of
        which the points were looked at."""
        return self.is_busy or self._result is not None or self._is_checked

    @property
    def can_insert(self) -> bool:
        """Whether a layer waits to be inserted; where all was undone it would be empty."""
        return self._result is not None and not self.is_busy and not self._is_undone

    @property
    def _is_undone(self) -> bool:
        return self.has_history and self.history.undo_depth == 0

    @property
    def _is_checked(self) -> bool:
        if not self._book.is_checked(self._pairs):
            return False
        return self.has_history or self.window_canvas == self._window_dragged

    # What happens.

    def mark_started(self) -> None:
        """Forgets the edit before; call it with `worker.start`."""
        self._forget_edit()
        self._preview_jpeg = None
        self._mark_dragging(EditState.CONNECTING)

    def mark_dragging_on(self) -> None:
        """Keeps the edit and forgets its result; call it with `worker.drag_on`."""
        self._mark_dragging(EditState.QUEUED)

    def mark_checking(self) -> None:
        """Keeps the edit that is open, and its result; call it with `worker.check`, or where there
        is a history with `worker.check_on`."""
        if not self.has_history:
            self._forget_edit()
        self._mark_busy(_Task.CHECK, EditState.QUEUED if self.has_history else EditState.CONNECTING)

    def _forget_edit(self) -> None:
        # Of a picture that was found in the model before, a check sends no other preview.
        if self._window_dragged != self.window_canvas:
            self._window_dragged, self._preview_jpeg = self.window_canvas, None
        self._inversion, self._match, self._history = None, None, None

    def _mark_dragging(self, state: EditState) -> None:
        self._mark_busy(_Task.DRAG, state)
        self._pairs_dragged = self._pairs
        self._book.begin_drag(self._pairs)
        self._drag, self._result, self._result_reason = None, None, None

    def _mark_busy(self, task: _Task, state: EditState) -> None:
        self._task, self._state, self._queue_position = task, state, None
        self._failure, self._refusal = None, ""

    def mark_moving(self) -> None:
        """Shows at once that the history is gone through; call it with `worker.undo` and `redo`.
        The result stays until the next one is there."""
        self._mark_busy(_Task.MOVE, EditState.SHOWING)

    def mark_showing(self) -> None:
        """As `mark_moving`, for `worker.show`, which takes the next wish before it is done."""
        self._mark_busy(_Task.SHOW, EditState.SHOWING)

    def mark_cancelling(self) -> None:
        """Shows at once that Cancel was pressed; call it with `worker.cancel`."""
        if self.is_busy:
            self._state = EditState.CANCELLING

    def mark_inserted(self) -> None:
        """Forgets the result after the host inserted it, so that it goes in once."""
        self._result, self._result_reason = None, None
        self._state = EditState.IDLE

    def apply(self, event: WorkerEvent) -> None:
        """Takes one event of `worker.drain()`."""
        if isinstance(event, StateChanged):
            self._apply_state(event)
        elif isinstance(event, InversionProgress):
            self._inversion = event
        elif isinstance(event, MatchMeasured):
            self._match = event.match
        elif isinstance(event, (DragProgress, PairsTaken, HandlesChecked)):
            self._apply_to_points(event)
        elif isinstance(event, PreviewReady):
            self._preview_jpeg = event.jpeg
        elif isinstance(event, ResultReady):
            self._result, self._result_reason = event.result, event.reason
            if self._task is _Task.DRAG:
                self._depth_dragged = self.history.undo_depth
        elif isinstance(event, HistoryChanged):
            self._history = event.history
        elif isinstance(event, ChangeRefused):
            self._refusal = f"{event.message} {event.hint}".strip()
        else:
            self._failure, self._state = event, EditState.FAILED
            self._pairs_dragged = ()  # they may be tried again

    def _apply_to_points(self, event: DragProgress | PairsTaken | HandlesChecked) -> None:
        if isinstance(event, DragProgress):
            self._drag = event
            self._book.track(event)
        elif isinstance(event, PairsTaken):
            self._pairs_dragged, self._refusal = event.pairs, ""
            self._book.set_pairs(event.pairs, event.revision)
        else:
            self._book.check(event.pairs, event.hints)

    def _apply_state(self, event: StateChanged) -> None:
        # The bridge needs a step to hear of a cancel; until then its news must not undo "Stopping".
        is_old_news = event.state in (
            EditState.QUEUED,
            EditState.INVERTING,
            EditState.CHECKING,
            EditState.DRAGGING,
        )
        if self._state is EditState.CANCELLING and is_old_news:
            return
        self._state, self._queue_position = event.state, event.queue_position

    # What the UI shows.

    @property
    def progress(self) -> float:
        """From 0 to 1, over inversion and drag together."""
        if self._result is not None or self._state is EditState.DONE:
            return 1.0
        inverted = (
            _share(self._inversion.step_index, self._inversion.step_budget)
            if (self._inversion)
            else 0.0
        )
        if self._drag is None:
            return INVERSION_SHARE * inverted
        dragged = _share(self._drag.step_index, self._drag.step_budget)
        return INVERSION_SHARE + (1.0 - INVERSION_SHARE) * dragged

    @property
    def status_text(self) -> str:
        """How well the model can draw the picture, and a line about now.

        A good match is said before and while the drag runs, any other one beside its result too.
        """
        now = self._now_text
        if self._match is None or self._failure is not None:
            return now
        is_told = self.is_busy or self._match.level is not MatchLevel.GOOD
        return f"{self._match.sentence}\n{now}" if is_told else now

    @property
    def _now_text(self) -> str:
        if self._failure is not None:
            return f"{self._failure.message} {self._failure.hint}".strip()
        if self._is_checked and not self.is_busy:
            return check_text(self.marks)
        if self._result_reason is not None and not self.is_busy:
            return self._result_text(self._result_reason)
        if self._refusal and self.is_busy:
            return self._refusal
        if self._state is EditState.DRAGGING and self._drag is not None:
            return self._with_losses(
                f"Dragging: step {self._drag.step_index} of at most {self._drag.step_budget}, "
                f"{self._drag.distance_px:.1f} px to go."
            )
        return _STATE_TEXTS[self._state]

    def _result_text(self, reason: ResultReason) -> str:
        if self._is_undone:
            return "This is the picture before the drag."
        return self._with_losses(_RESULT_TEXTS[reason])

    def _with_losses(self, text: str) -> str:
        return f"{text} {lost_text(self.marks)}".strip()

    @property
    def pause_text(self) -> str:
        """What the button says that pauses and resumes."""
        return "Resume" if self.can_resume else "Pause"

    @property
    def match(self) -> Match | None:
        """How well the model can draw the picture; None where that is not known yet."""
        return self._match

    @property
    def shown_window_canvas(self) -> Bounds | None:
        """The window of the edit that there is, else of the next one; None where there is none."""
        return self._window_dragged if self.has_edit else self.window_canvas

    @property
    def marks(self) -> tuple[PairMark, ...]:
        """How the pairs show on the picture that is shown."""
        is_dragged = self._task is _Task.DRAG if self.is_busy else self._is_as_dragged
        return self._book.marks(self._pairs, is_dragged=is_dragged)

    @property
    def _is_as_dragged(self) -> bool:
        """Whether the picture shown is the one to which these pairs were dragged."""
        history = self.history
        return (
            self._result is not None
            and self._pairs == self._pairs_dragged
            and (history.position, history.amount) == (history.last_position, _AS_DRAGGED)
            and history.undo_depth == self._depth_dragged
        )

    @property
    def history(self) -> HistoryState:
        """Where the open edit stands: what its sliders show."""
        return self._history or HistoryState()

    @property
    def preview_jpeg(self) -> bytes | None:
        """The latest preview of the window."""
        return self._preview_jpeg

    @property
    def result(self) -> LayerResult | None:
        """The layer that waits to be inserted."""
        return self._result

    @property
    def result_reason(self) -> ResultReason | None:
        """Why the drag ended."""
        return self._result_reason

    @property
    def failure(self) -> Failed | None:
        """Why the last edit failed."""
        return self._failure


def _share(step_index: int, step_budget: int) -> float:
    return min(1.0, step_index / step_budget) if step_budget > 0 else 0.0
