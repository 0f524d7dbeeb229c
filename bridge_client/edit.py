"""What the worker takes and what it gives: one command in, events and one layer out."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from .geometry import Bounds, Point, PointPair
from .messages import (
    MAX_PAIRS,
    HandleHint,
    HistoryState,
    InversionProfile,
    JobKind,
    Match,
    ResultForm,
)
from .pixels import check_pixel_count, cut_pixels
from .region import check_handles

PixelOrder = Literal["rgba8", "bgra8"]
ResultReason = Literal["reached", "stalled", "budget", "cancelled", "shown", "restored"]


class EditState(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """Where an edit is."""

    IDLE = "idle"
    CONNECTING = "connecting"
    SENDING = "sending"
    QUEUED = "queued"
    INVERTING = "inverting"
    CHECKING = "checking"
    DRAGGING = "dragging"
    PAUSED = "paused"
    SHOWING = "showing"
    CANCELLING = "cancelling"
    FETCHING = "fetching"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_busy(self) -> bool:
        """Whether the worker is at it."""
        return self not in (
            EditState.IDLE,
            EditState.DONE,
            EditState.CANCELLED,
            EditState.FAILED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """One edit: the window's pixels, what may move, and where to.

    Args:
        window_canvas: The window, square.
        pixels: The layer's pixels in the window, straight alpha; transparent outside the layer.
        pixel_order: Channel order of `pixels`, and of the result.
        mask: One byte per pixel of the window, 255 = may move; None = everything may move.
        pairs: Handle and target points, at least one.
        step_budget: Most steps of the drag; None = the engine's default.
        profile: How long finding the picture in the model may take.
        model: Name of the generator.
        result_form: How the result is to be laid in; `choose_result_form` says which.

    Raises:
        InputProblem: An arrow begins where nothing may move.
        ValueError: The values do not fit together.
    """

    window_canvas: Bounds
    pixels: bytes = field(repr=False)
    pixel_order: PixelOrder
    mask: bytes | None = field(default=None, repr=False)
    pairs: tuple[PointPair, ...]
    step_budget: int | None = None
    profile: InversionProfile = InversionProfile.FAST
    model: str = "default"
    result_form: ResultForm = ResultForm.PATCH

    def __post_init__(self) -> None:
        if self.window_canvas.is_empty:
            raise ValueError("the window is empty")
        check_pixel_count(self.pixels, self.window_canvas.extent, self.pixel_order)
        if self.mask is not None:
            check_pixel_count(self.mask, self.window_canvas.extent, "l8")
        if not 1 <= len(self.pairs) <= MAX_PAIRS:
            raise ValueError(f"an edit has 1 to {MAX_PAIRS} pairs, not {len(self.pairs)}")
        check_handles(self.pairs, self.mask, self.window_canvas)

    def has_source_of(self, other: "EditRequest") -> bool:
        """Whether both edit the same pixels, found in the same model in the same way, the same may
        move, and the result is laid in in the same way."""
        return (
            self.window_canvas == other.window_canvas
            and self.pixel_order == other.pixel_order
            and self.model == other.model
            and self.profile == other.profile
            and self.result_form == other.result_form
            and self.mask == other.mask
            and self.pixels == other.pixels
        )

    def pixels_in(self, bounds_canvas: Bounds) -> bytes:
        """The pixels of a part of the window, as they were sent."""
        return cut_pixels(self.pixels, self.window_canvas, bounds_canvas)


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherDrag:
    """A drag from where the open edit stands.

    Args:
        pairs: As `EditRequest`.
        step_budget: As `EditRequest`.
    """

    pairs: tuple[PointPair, ...]
    step_budget: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.pairs) <= MAX_PAIRS:
            raise ValueError(f"a drag has 1 to {MAX_PAIRS} pairs, not {len(self.pairs)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMove:
    """A step through the history of the open edit.

    Args:
        kind: UNDO, REDO or SHOW.
        position: Of the present drag, to show; None = as it is.
        amount: Of the present drag, to show; None = as it is.
    """

    kind: JobKind
    position: int | None = None
    amount: float | None = None

    def after(self, waiting: "HistoryMove | None") -> "HistoryMove":
        """Both in one: what this one leaves as it is stands as the waiting one says."""
        if waiting is None:
            return self
        return HistoryMove(
            kind=self.kind,
            position=waiting.position if self.position is None else self.position,
            amount=waiting.amount if self.amount is None else self.amount,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleCheck:
    """A look at handles before they are dragged.

    Args:
        pairs: As `EditRequest`.
        request: The edit that they are of; None = the open one, as it is shown.
    """

    pairs: tuple[PointPair, ...]
    request: EditRequest | None = None


EditCommand = EditRequest | HandleCheck | FurtherDrag | HistoryMove


@dataclass(frozen=True, slots=True)
class LayerResult:
    """The layer to insert with its corner at (bounds_canvas.x, bounds_canvas.y).

    Args:
        bounds_canvas: Where it goes; inside the request's window.
        pixels: Straight alpha, rows from the top. Of a replacement, what the layer holds in these
            bounds from now on; where nothing changed, byte for byte what was sent.
        pixel_order: The request's.
        form: How it is to be laid in.
    """

    bounds_canvas: Bounds
    pixels: bytes = field(repr=False)
    pixel_order: PixelOrder
    form: ResultForm = ResultForm.PATCH


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The edit is now here. IDLE never comes; DONE, CANCELLED and FAILED come last."""

    state: EditState
    queue_position: int | None = None


@dataclass(frozen=True, slots=True)
class InversionProgress:
    """How far finding the picture in the generator is; step 0 is before the first update."""

    step_index: int
    step_budget: int
    loss: float


@dataclass(frozen=True, slots=True)
class MatchMeasured:
    """How well the model can draw the picture; comes before the drag."""

    match: Match


@dataclass(frozen=True, slots=True)
class DragProgress:
    """How far the drag is: the handles' places now, and their mean distance to the targets.

    Step 0 is the picture before the first update, step `step_budget` the last. Beside each handle
    stands how sure its place is, from 0 to 1; empty where the engine can't say. The pairs' revision
    counts how often they were set since the drag began.
    """

    step_index: int
    step_budget: int
    handles_canvas: tuple[Point, ...]
    distance_px: float
    confidences: tuple[float, ...] = ()
    pairs_revision: int = 0


@dataclass(frozen=True, slots=True)
class PreviewReady:
    """A small picture of the window as it is now; only the latest counts."""

    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResultReady:
    """The layer is here. "cancelled" = the best of the steps that were made, "shown" = after a move
    through the history, "restored" = as last written down, because the bridge was lost."""

    result: LayerResult
    reason: ResultReason


@dataclass(frozen=True, slots=True)
class HistoryChanged:
    """Where the open edit stands now: what can be undone, redone and shown."""

    history: HistoryState


@dataclass(frozen=True, slots=True)
class PairsTaken:
    """The drag goes on with these pairs, or begins with them: revision 0."""

    pairs: tuple[PointPair, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class HandlesChecked:
    """How well the handles of these pairs could be followed."""

    pairs: tuple[PointPair, ...]
    hints: tuple[HandleHint, ...]


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """The edit goes on, but without what was asked of it: a pause, a resume, or other pairs."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The edit ended without a layer: what happened, and what to do next."""

    message: str
    hint: str


WorkerEvent = (
    StateChanged
    | InversionProgress
    | MatchMeasured
    | DragProgress
    | PreviewReady
    | ResultReady
    | HistoryChanged
    | PairsTaken
    | HandlesChecked
    | ChangeRefused
    | Failed
)
