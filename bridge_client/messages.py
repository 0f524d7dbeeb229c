"""Every request, reply and event between a client and the bridge.

Frozen dataclasses with plain JSON inside: the client reads them with `json_codec`, the server with
msgspec, and both check the same rules here. Every point and bound is in canvas pixels. Readers
ignore fields that they don't know, so a newer side may say more.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from .geometry import Bounds, Point, PointPair

PROTOCOL_VERSION = "1.0"
MAX_PAIRS = 256
MAX_STEP_BUDGET = 10_000
MAX_WINDOW_SIDE_PX = 1 << 14

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)

PixelFormat = Literal["rgba8", "bgra8", "l8"]
BYTES_PER_PIXEL = {"rgba8": 4, "bgra8": 4, "l8": 1}


class JobKind(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """What a job does to its session."""

    INVERT = "invert"
    DRAG = "drag"


class JobState(str, Enum):  # noqa: UP042 - StrEnum came with Python 3.11
    """Where a job is on its one-way road."""

    QUEUED = "queued"
    RUNNING = "running"
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
    return _SHA256.fullmatch(text) is not None


def is_identifier(text: str) -> bool:
    """Whether the text is a session's or job's id: 128 bits in lower-case hexadecimal."""
    return _ID.fullmatch(text) is not None


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


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
class ImageRef:
    """Pixels that were put as a blob: rows from the top, no padding between them."""

    sha256: str
    width: int
    height: int
    format: PixelFormat

    def __post_init__(self) -> None:
        _require(is_sha256(self.sha256), "sha256 must be 64 lower-case hexadecimal digits")
        for name, side in (("width", self.width), ("height", self.height)):
            _require(1 <= side <= MAX_WINDOW_SIDE_PX, f"{name} must be in 1..{MAX_WINDOW_SIDE_PX}")

    @property
    def byte_count(self) -> int:
        """How long the blob must be."""
        return self.width * self.height * BYTES_PER_PIXEL[self.format]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSession:
    """POST /v1/sessions: a window of the canvas to edit.

    The result comes back in the image's own pixel format.
    """

    image: ImageRef  # rgba8 or bgra8, straight alpha, sRGB, window-sized
    bounds_canvas: Bounds  # the window
    editable_mask: ImageRef | None = None  # l8, window-sized, 255 = may move; None = all may move
    model: str = "default"

    def __post_init__(self) -> None:
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
        _require(_MODEL.fullmatch(self.model) is not None, "model must be a plain name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReply:
    """A session as the bridge sees it. The revision grows by one with each finished job."""

    id: str
    model: str
    bounds_canvas: Bounds
    revision: int
    is_inverted: bool
    lease_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StartJob:
    """POST /v1/sessions/{sid}/jobs. The client makes the id, so that a lost reply can be retried:
    the same id with the same content gives the same job, with other content 409."""

    id: str
    kind: JobKind
    pairs: tuple[PointPair, ...] = ()  # canvas px; at least one for a drag, none for an inversion
    step_budget: int | None = None  # None = the engine's default
    base_revision: int | None = None  # 409 revision-conflict when the session has moved on

    def __post_init__(self) -> None:
        _require(is_identifier(self.id), "id must be 32 lower-case hexadecimal digits")
        if self.kind is JobKind.DRAG:
            _require(len(self.pairs) >= 1, "a drag needs at least one pair")
        else:
            _require(not self.pairs, "an inversion takes no pairs")
        _require(len(self.pairs) <= MAX_PAIRS, f"at most {MAX_PAIRS} pairs are allowed")
        if self.step_budget is not None:
            _require(
                1 <= self.step_budget <= MAX_STEP_BUDGET,
                f"step_budget must be in 1..{MAX_STEP_BUDGET}",
            )


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
    end_reason: EndReason | None = None
    has_result: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEvent:
    """event: state. Never dropped."""

    state: JobState
    queue_position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionProgressEvent:
    """event: inversion-progress. The latest replaces the ones before it."""

    step_index: int
    step_budget: int
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DragProgressEvent:
    """event: drag-progress. The latest replaces the ones before it."""

    step_index: int  # 0 = before the first update
    step_budget: int
    handles_canvas: tuple[Point, ...]  # where tracking found them, in the order of the pairs
    distance_px: float  # mean handle to target, canvas px


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewEvent:
    """event: preview. A newer JPEG waits at /preview under this ETag."""

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


JobEvent = (
    StateEvent
    | InversionProgressEvent
    | DragProgressEvent
    | PreviewEvent
    | HeartbeatEvent
    | EndEvent
    | ServerStoppingEvent
)

# The SSE `event:` names.
EVENT_TYPES: dict[str, type[JobEvent]] = {
    "state": StateEvent,
    "inversion-progress": InversionProgressEvent,
    "drag-progress": DragProgressEvent,
    "preview": PreviewEvent,
    "heartbeat": HeartbeatEvent,
    "end": EndEvent,
    "server-stopping": ServerStoppingEvent,
}
EVENT_NAMES: dict[type[JobEvent], str] = {kind: name for name, kind in EVENT_TYPES.items()}
