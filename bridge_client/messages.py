"""Every request, reply and event between a client and the bridge.

Frozen dataclasses with plain JSON inside: the client reads them with `json_codec`, the server with
msgspec, and both check the same rules here. A rule about one field stands beside it in the words
of JSON Schema: it is checked from there, and docs/openapi.json shows it. Every point and bound is
in canvas pixels. Readers ignore fields that they don't know, so a newer side may say more.
"""

import re
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Literal

from .geometry import Bounds, Extent, Point, PointPair

PROTOCOL_VERSION = "1.0"
MAX_PAIRS = 256
MAX_STEP_BUDGET = 10_000
MAX_AMOUNT = 1.5
MAX_WINDOW_SIDE_PX = 1 << 14

Rule = dict[str, Any]  # keywords of JSON Schema; the description completes "NAME must be ..."
SHA256: Rule = {"pattern": "^[0-9a-f]{64}$", "description": "64 lower-case hexadecimal digits"}
IDENTIFIER: Rule = {"pattern": "^[0-9a-f]{32}$", "description": "32 lower-case hexadecimal digits"}
_MODEL: Rule = {"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", "description": "a plain name"}
_SIDE_PX: Rule = {"minimum": 1, "maximum": MAX_WINDOW_SIDE_PX}
_PAIRS: Rule = {"maxItems": MAX_PAIRS}
_SHARE: Rule = {"minimum": 0, "maximum": 1}

PixelFormat = Literal["rgba8", "bgra8", "l8"]
BYTES_PER_PIXEL = {"rgba8": 4, "bgra8": 4, "l8": 1}


class JobKind(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """What a job does: find the picture, look at handles, drag, or go through the history."""

    INVERT = "invert"
    CHECK = "check"
    DRAG = "drag"
    UNDO = "undo"
    REDO = "redo"
    SHOW = "show"


class InversionProfile(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """How long finding the picture in the model may take: a guess alone, some steps from there,
    more of them for the finer rows too, or until the model itself has learnt the picture."""

    INSTANT = "instant"
    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


class ResultForm(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """How the result is to be laid in: above the layer, showing what changed; or in the layer's
    place, because a layer above can take nothing away from it."""

    PATCH = "patch"
    REPLACEMENT = "replacement"


class MatchLevel(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """What to expect of a drag."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


class JobState(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """Where a job is on its road; only a pause leads back."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class EndReason(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """Why a drag stopped."""

    REACHED = "reached"
    STALLED = "stalled"
    BUDGET = "budget"
    CANCELLED = "cancelled"


def is_sha256(text: str) -> bool:
    """Whether the text is the lower-case hexadecimal form of a SHA-256 digest."""
    return _matches(text, SHA256)


def is_identifier(text: str) -> bool:
    """Whether the text is a session's or job's id: 128 bits in lower-case hexadecimal."""
    return _matches(text, IDENTIFIER)


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


def _matches(text: str, rule: Rule) -> bool:
    return re.fullmatch(rule["pattern"], text, re.ASCII) is not None


def _check_fields(message: Any) -> None:
    """Hold the message to the rules beside its fields."""
    for each in fields(message):
        value, rule = getattr(message, each.name), dict(each.metadata)
        if value is None:
            continue
        if "pattern" in rule:
            _require(_matches(value, rule), f"{each.name} must be {rule['description']}")
        if "minimum" in rule:
            least, most = rule["minimum"], rule["maximum"]
            _require(least <= value <= most, f"{each.name} must be in {least}..{most}")
        if "maxItems" in rule:
            most = rule["maxItems"]
            _require(len(value) <= most, f"{each.name} must have at most {most} items")
        if "enum" in rule:
            names = rule["enum"]
            _require(value in names, f"{each.name} must be one of {', '.join(names)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryRecord:
    """bridge.json: where the bridge listens, and the token that opens it."""

    api: str
    url: str
    pid: int
    instance_id: str
    started: str  # ISO 8601, UTC
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessReply:
    """GET /health/live?nonce=HEX: the proof that the server knows the token (`proof.py`)."""

    status: Literal["live"]
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessReply:
    """GET /health/ready: whether jobs can run, and what is missing."""

    is_ready: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the bridge accepts."""

    max_blob_bytes: int
    max_window_side_px: int = MAX_WINDOW_SIDE_PX
    max_pairs: int = MAX_PAIRS
    max_streams: int
    max_queued_jobs: int
    max_sessions: int
    max_snapshot_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """GET /v1/server: the handshake. Capabilities are tested by name, never by version."""

    api: str
    instance_id: str
    limits: Limits
    versions: dict[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    formats: tuple[PixelFormat, ...] = ("rgba8", "bgra8", "l8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutDown:
    """POST /v1/server/shutdown: 409 while somebody works, unless forced."""

    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One generator of the catalogue."""

    id: str  # the name that a session asks for
    title: str
    licence: str
    resolution_px: int  # side of the picture that it draws
    feature_side_px: int  # side of the map on which points are held and followed
    aspect: float = 1.0  # width by height of the window that it wants
    weights_sha256: str = ""
    is_installed: bool = True
    is_loaded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """GET /v1/models: the catalogue."""

    models: tuple[ModelInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeRegion:
    """POST /v1/region: what the artist has given, for a client that can't decide the window."""

    canvas: Extent
    layer_content: Bounds  # of the layer's pixels that are not transparent
    selection: Bounds | None = None  # of the selected pixels; None = nothing is selected
    points: tuple[Point, ...] = field(metadata={"maxItems": 2 * MAX_PAIRS})
    model: str = field(default="default", metadata=_MODEL)

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionReply:
    """The window to send, and how fine the model sees in it."""

    bounds_canvas: Bounds
    px_per_feature: float  # canvas px; two points closer than this are one to the model


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """Pixels that were put as a blob: rows from the top, no padding between them."""

    sha256: str = field(metadata=SHA256)
    width: int = field(metadata=_SIDE_PX)
    height: int = field(metadata=_SIDE_PX)
    format: PixelFormat

    def __post_init__(self) -> None:
        _check_fields(self)

    @property
    def byte_count(self) -> int:
        """How long the blob must be."""
        return self.width * self.height * BYTES_PER_PIXEL[self.format]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSession:
    """POST /v1/sessions: a window of the canvas to edit.

    The result comes back in the image's own pixel format, and in the form that is asked for. With
    a snapshot, put as a blob before, the session stands where the one stood that the snapshot was
    fetched from.
    """

    image: ImageRef  # rgba8 or bgra8, straight alpha, sRGB, window-sized
    bounds_canvas: Bounds  # the window
    editable_mask: ImageRef | None = None  # l8, window-sized, 255 = may move; None = all may move
    result_form: ResultForm = ResultForm.PATCH
    model: str = field(default="default", metadata=_MODEL)
    snapshot: str | None = field(default=None, metadata=SHA256)

    def __post_init__(self) -> None:
        _check_fields(self)
        window = (self.bounds_canvas.width, self.bounds_canvas.height)
        _require(self.image.format != "l8", "image must be rgba8 or bgra8")
        _require(
            (self.image.width, self.image.height) == window,
            "image and bounds_canvas must have one size",
        )
        if self.editable_mask is not None:
            _require(self.editable_mask.format == "l8", "editable_mask must be l8")
            _require(
                (self.editable_mask.width, self.editable_mask.height) == window,
                "editable_mask and bounds_canvas must have one size",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryState:
    """Where a session stands: each finished drag is one entry, and the present is one of them, at
    a position on its way and by an amount."""

    undo_depth: int = 0
    redo_depth: int = 0
    position: int = 0  # 0 = before the present drag, last_position = its last step
    last_position: int = 0
    amount: float = 1.0  # of the present drag: 0 = as before it, 1 = as dragged, more = further


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How well the model can draw the window: measured when the picture was found in it."""

    share: float = field(metadata=_SHARE)  # of what there is to see, how much the model draws
    level: MatchLevel
    sentence: str  # what that means, for the artist

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReply:
    """A session as the bridge sees it. The revision grows by one with each job that changed it."""

    id: str
    model: str
    bounds_canvas: Bounds
    revision: int
    is_inverted: bool
    lease_s: float
    history: HistoryState = HistoryState()
    match: Match | None = None  # None = not measured yet


@dataclass(frozen=True, slots=True, kw_only=True)
class StartJob:
    """POST /v1/sessions/{sid}/jobs. The client makes the id, so that a lost reply can be retried:
    the same id with the same content gives the same job, with other content 409."""

    id: str = field(metadata=IDENTIFIER)
    kind: JobKind
    # Canvas px; at least one for a drag or a check, none for the others.
    pairs: tuple[PointPair, ...] = field(default=(), metadata=_PAIRS)
    # Of a drag; None = the engine's default.
    step_budget: int | None = field(
        default=None, metadata={"minimum": 1, "maximum": MAX_STEP_BUDGET}
    )
    # Of the inversion, where the job does one.
    profile: str = field(
        default=InversionProfile.FAST.value,
        metadata={"enum": [profile.value for profile in InversionProfile]},
    )
    base_revision: int | None = None  # 409 revision-conflict when the session has moved on
    # What to show: a step of the present drag, and how much of the edit; None = as it is.
    position: int | None = field(default=None, metadata={"minimum": 0, "maximum": MAX_STEP_BUDGET})
    amount: float | None = field(default=None, metadata={"minimum": 0, "maximum": MAX_AMOUNT})

    def __post_init__(self) -> None:
        _check_fields(self)
        if self.kind in (JobKind.DRAG, JobKind.CHECK):
            _require(len(self.pairs) >= 1, f"a {self.kind.value} needs at least one pair")
        else:
            _require(not self.pairs, "only a drag and a check take pairs")
        if self.kind is not JobKind.DRAG:
            _require(self.step_budget is None, "only a drag takes a step_budget")
        if self.kind is not JobKind.SHOW:
            is_plain = self.position is None and self.amount is None
            _require(is_plain, "only show takes a position and an amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPairs:
    """POST /v1/jobs/{jid}/pairs: all pairs of a drag from its next step on, canvas px.

    A pair is known by its handle as it was first sent: with another target its target is moved,
    with itself as target it is pinned where it is now, left out it is let go, and a handle that is
    new is a point of the picture as it is now.
    """

    pairs: tuple[PointPair, ...] = field(metadata=_PAIRS)

    def __post_init__(self) -> None:
        _check_fields(self)
        _require(len(self.pairs) >= 1, "a drag needs at least one pair")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyRequest:
    """The body of a POST that has nothing to say: {}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One refused field of a request, by JSON pointer."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The body of every error (RFC 9457, application/problem+json) and of a failed job."""

    code: str
    title: str
    status: int
    detail: str = ""
    hint: str = ""
    retryable: bool = False
    request_id: str = ""
    type: str = "about:blank"
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReply:
    """GET /v1/jobs/{jid}: what is true of the job now; events only tell about it sooner."""

    id: str
    session_id: str
    kind: JobKind
    state: JobState
    seq: int  # of the last event in the job's log
    queue_position: int | None = None
    pairs_revision: int = 0  # grows by one each time the pairs are set
    end_reason: EndReason | None = None
    has_result: bool = False
    problem: Problem | None = None  # of a failed job, or of one that the bridge itself cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEvent:
    """event: state. Kept, but for the oldest of very many."""

    state: JobState
    queue_position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionProgressEvent:
    """event: inversion-progress. The latest replaces the ones before it."""

    step_index: int
    step_budget: int
    loss: float
    match: Match | None = None  # with the last step


@dataclass(frozen=True, slots=True, kw_only=True)
class DragProgressEvent:
    """event: drag-progress. The latest replaces the ones before it."""

    step_index: int  # 0 = before the first update
    step_budget: int
    handles_canvas: tuple[Point, ...]  # where tracking found them, in the order of the pairs
    distance_px: float  # mean handle to target, canvas px
    confidences: tuple[float, ...] = ()  # beside the handles: how sure of each, from 0 to 1
    pairs_revision: int = 0  # of the pairs that the handles belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleHint:
    """How well a handle could be followed, and where near it one could be followed best."""

    confidence: float  # from 0 to 1
    is_trackable: bool  # whether that is enough
    best_place_canvas: Point  # the handle itself where no place near it is better
    best_confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsEvent:
    """event: hints. What a check found, one hint for each pair."""

    hints: tuple[HandleHint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsEvent:
    """event: pairs. Somebody set the pairs; the latest replaces the ones before it."""

    pairs: tuple[PointPair, ...]
    pairs_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewEvent:
    """event: preview. A newer JPEG waits at /preview under this ETag."""

    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEvent:
    """event: snapshot. A newer one waits at the session's /snapshot under this ETag."""

    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatEvent:
    """event: heartbeat, without an id: only keeps the stream alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndEvent:
    """event: end. The last one of every job."""

    state: JobState
    end_reason: EndReason | None = None
    has_result: bool = False
    problem: Problem | None = None

    def __post_init__(self) -> None:
        _require(self.state.is_final, "an end event carries a final state")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStoppingEvent:
    """event: server-stopping. The bridge ends the stream because it shuts down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One event of the log as the long poll gives it: what a stream gives as id, event and data."""

    seq: int
    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """GET /v1/jobs/{jid}/events?after=N&wait_s=S: what came after N, waiting S for the first."""

    events: tuple[LoggedEvent, ...]
    is_closed: bool  # whether nothing will follow


JobEvent = (
    StateEvent
    | InversionProgressEvent
    | DragProgressEvent
    | HintsEvent
    | PairsEvent
    | PreviewEvent
    | SnapshotEvent
    | HeartbeatEvent
    | EndEvent
    | ServerStoppingEvent
)

# The SSE `event:` names.
EVENT_TYPES: dict[str, type[JobEvent]] = {
    "state": StateEvent,
    "inversion-progress": InversionProgressEvent,
    "drag-progress": DragProgressEvent,
    "hints": HintsEvent,
    "pairs": PairsEvent,
    "preview": PreviewEvent,
    "snapshot": SnapshotEvent,
    "heartbeat": HeartbeatEvent,
    "end": EndEvent,
    "server-stopping": ServerStoppingEvent,
}
EVENT_NAMES: dict[type[JobEvent], str] = {kind: name for name, kind in EVENT_TYPES.items()}
