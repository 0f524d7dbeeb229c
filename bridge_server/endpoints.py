"""The table of endpoints: what each one takes, gives and may refuse.

The views do the work; docs/protocol.md, docs/openapi.json and the tests are held to this table, and
the table to the views. A new view gets its row here first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge_client.messages import (
    SHA256,
    CreateSession,
    EmptyRequest,
    EventPage,
    JobReply,
    LivenessReply,
    ModelList,
    ProposeRegion,
    ReadinessReply,
    RegionReply,
    ServerInfo,
    SessionReply,
    SetPairs,
    ShutDown,
    StartJob,
)
from bridge_client.proof import NONCE_BYTES
from bridge_client.wire_headers import (
    ALPHA_HEADER,
    BLOB_MEDIA_TYPE,
    DIGEST_HEADER,
    END_REASON_HEADER,
    EVENT_STREAM_MEDIA_TYPE,
    FORM_HEADER,
    IMAGE_MEDIA_TYPE,
    JSON_MEDIA_TYPE,
    OFFSET_HEADER,
    PREVIEW_MEDIA_TYPE,
    SNAPSHOT_MEDIA_TYPE,
)
from bridge_server.problems import PROBLEMS

Body = type[Any] | str | tuple[type[Any] | str, ...] | None
"""A message, the media type of bytes that are none, one of several, or nothing."""

Method = Literal["GET", "HEAD", "PUT", "POST", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a request may say beside its path and body."""

    name: str
    place: Literal["query", "header"]
    summary: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of the table."""

    name: str
    """Unique; a client generated from the specification calls its method so."""
    method: Method
    path: str
    """Its parts in braces are named as the view names them."""
    summary: str
    request: Body = None
    replies: Mapping[int, Body]
    """By status."""
    reply_headers: tuple[str, ...] = ()
    """Of ``REPLY_HEADERS``."""
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    """Codes of ``PROBLEMS`` beyond those that any request may meet (``problem_codes``)."""
    is_public: bool = False
    """Whether it answers without the token."""

    @property
    def statuses(self) -> tuple[int, ...]:
        """Its own, as docs/protocol.md lists them; without those that any request may meet."""
        refusals = {PROBLEMS[code].status for code in self.problems}
        if isinstance(self.request, type):
            refusals.add(PROBLEMS["invalid-request"].status)
        return tuple(sorted({*self.replies, *refusals}))

    @property
    def problem_codes(self) -> frozenset[str]:
        """Every code that it may refuse a request with."""
        codes = {*self.problems, "host-not-allowed", "origin-not-allowed", "internal"}
        if not self.is_public:
            codes |= {"unauthorized", "too-many-attempts", "body-too-large"}
        if self.request is not None:
            codes |= {"unsupported-media"}
        if isinstance(self.request, type):
            codes |= {"invalid-request"}
        return frozenset(codes)


PATH_PARTS: Mapping[str, Mapping[str, Any]] = {
    "digest": {"type": "string", **SHA256},
    "session_id": {"type": "string", "description": "As POST /v1/sessions gave it."},
    "job_id": {"type": "string", "description": "As the client made it."},
}

REPLY_HEADERS: Mapping[str, str] = {
    "ETag": "Tag of what is sent.",
    "Location": "Path of what was made.",
    ALPHA_HEADER: "Always straight.",
    DIGEST_HEADER: "SHA-256 of the body (RFC 9530).",
    END_REASON_HEADER: "Why the drag stopped.",
    FORM_HEADER: "patch: lies above the source; replacement: takes its place.",
    OFFSET_HEADER: "x,y of the layer's corner on the canvas.",
}

_NONCE = Parameter(
    name="nonce",
    place="query",
    summary="Fresh random bytes in lower-case hexadecimal.",
    schema={"type": "string", "pattern": f"^[0-9a-f]{{{2 * NONCE_BYTES}}}$"},
    is_required=True,
)
_LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    place="header",
    summary="Id of the last event that the reader has; without it the log is read from its start.",
    schema={"type": "string", "pattern": "^[0-9]{1,18}$"},
)
_AFTER = Parameter(
    name="after",
    place="query",
    summary="The same as Last-Event-ID, and stronger.",
    schema={"type": "string", "pattern": "^[0-9]{1,18}$"},
)
_WAIT_S = Parameter(
    name="wait_s",
    place="query",
    summary="Asks for one page of events, and for how long to wait for the first of them.",
    schema={"type": "number", "minimum": 0, "maximum": 30},
)
_IF_NONE_MATCH = Parameter(
    name="If-None-Match", place="header", summary="Tag of what the reader has already."
)

_SESSION = ("session-missing", "session-expired")
_JOB = ("job-missing", "job-expired")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="prove",
        method="GET",
        path="/health/live",
        summary="Prove that this is the bridge, before a client tells it the token.",
        parameters=(_NONCE,),
        replies={200: LivenessReply},
        problems=("invalid-request",),
        is_public=True,
    ),
    Endpoint(
        name="read_readiness",
        method="GET",
        path="/health/ready",
        summary="Tell whether the engine is loaded; jobs may be sent before.",
        replies={200: ReadinessReply, 503: ReadinessReply},
    ),
    Endpoint(
        name="read_server",
        method="GET",
        path="/v1/server",
        summary="Shake hands: versions, limits, capabilities, devices, pixel formats.",
        replies={200: ServerInfo},
    ),
    Endpoint(
        name="read_specification",
        method="GET",
        path="/v1/openapi.json",
        summary="Fetch this specification.",
        replies={200: JSON_MEDIA_TYPE},
    ),
    Endpoint(
        name="shut_down",
        method="POST",
        path="/v1/server/shutdown",
        summary="Stop the bridge, unless somebody works with it.",
        request=ShutDown,
        replies={202: None},
        problems=("sessions-in-use",),
    ),
    Endpoint(
        name="list_models",
        method="GET",
        path="/v1/models",
        summary="List the models that a session may ask for.",
        replies={200: ModelList},
    ),
    Endpoint(
        name="propose_region",
        method="POST",
        path="/v1/region",
        summary="Decide the window for a client that cannot.",
        request=ProposeRegion,
        replies={200: RegionReply},
        problems=("model-missing", "no-region"),
    ),
    Endpoint(
        name="ask_blob",
        method="HEAD",
        path="/v1/blobs/{digest}",
        summary="Ask whether the bridge has these pixels, before sending them.",
        replies={200: None},
        problems=("not-found",),
    ),
    Endpoint(
        name="put_blob",
        method="PUT",
        path="/v1/blobs/{digest}",
        summary="Send pixels; 201 when they are new, 200 when they are known.",
        request=BLOB_MEDIA_TYPE,
        replies={200: None, 201: None},
        problems=("not-found", "hash-mismatch"),
    ),
    Endpoint(
        name="create_session",
        method="POST",
        path="/v1/sessions",
        summary="Open a session over pixels that were sent before.",
        request=CreateSession,
        replies={201: SessionReply},
        reply_headers=("Location",),
        problems=(
            "blob-missing",
            "image-too-large",
            "model-missing",
            "session-limit",
            "server-stopping",
        ),
    ),
    Endpoint(
        name="read_session",
        method="GET",
        path="/v1/sessions/{session_id}",
        summary="Tell what is true of the session now, and renew its lease.",
        replies={200: SessionReply},
        problems=_SESSION,
    ),
    Endpoint(
        name="close_session",
        method="DELETE",
        path="/v1/sessions/{session_id}",
        summary="Close the session, cancel its jobs, free its memory; twice is all right.",
        replies={204: None},
    ),
    Endpoint(
        name="read_snapshot",
        method="GET",
        path="/v1/sessions/{session_id}/snapshot",
        summary="Fetch where the session stands, to open it again when the bridge has gone.",
        parameters=(_IF_NONE_MATCH,),
        replies={200: SNAPSHOT_MEDIA_TYPE, 304: None},
        reply_headers=("ETag", DIGEST_HEADER),
        problems=(*_SESSION, "snapshot-missing"),
    ),
    Endpoint(
        name="start_job",
        method="POST",
        path="/v1/sessions/{session_id}/jobs",
        summary="Start a job under an id that the client made; again is the same job.",
        request=StartJob,
        replies={202: JobReply},
        reply_headers=("Location",),
        problems=(
            *_SESSION,
            "job-conflict",
            "job-expired",
            "revision-conflict",
            "queue-full",
            "server-stopping",
        ),
    ),
    Endpoint(
        name="read_job",
        method="GET",
        path="/v1/jobs/{job_id}",
        summary="Tell what is true of the job now.",
        replies={200: JobReply},
        problems=_JOB,
    ),
    Endpoint(
        name="cancel_job",
        method="POST",
        path="/v1/jobs/{job_id}/cancel",
        summary="Cancel before, during or after the run, as often as you like.",
        request=EmptyRequest,
        replies={200: JobReply, 202: JobReply},
        problems=_JOB,
    ),
    Endpoint(
        name="pause_job",
        method="POST",
        path="/v1/jobs/{job_id}/pause",
        summary="Begin no further step until the job is resumed; again is all right.",
        request=EmptyRequest,
        replies={200: JobReply},
        problems=(*_JOB, "job-state"),
    ),
    Endpoint(
        name="resume_job",
        method="POST",
        path="/v1/jobs/{job_id}/resume",
        summary="Go on after a pause; again is all right.",
        request=EmptyRequest,
        replies={200: JobReply},
        problems=(*_JOB, "job-state"),
    ),
    Endpoint(
        name="set_pairs",
        method="POST",
        path="/v1/jobs/{job_id}/pairs",
        summary="Move, add, pin or let go points of a drag, from its next step on.",
        request=SetPairs,
        replies={200: JobReply},
        problems=(*_JOB, "job-state"),
    ),
    Endpoint(
        name="follow_job",
        method="GET",
        path="/v1/jobs/{job_id}/events",
        summary="Follow the job's log as Server-Sent Events, or page by page with wait_s.",
        parameters=(_LAST_EVENT_ID, _AFTER, _WAIT_S),
        replies={200: (EVENT_STREAM_MEDIA_TYPE, EventPage)},
        problems=(*_JOB, "invalid-request", "stream-limit"),
    ),
    Endpoint(
        name="read_preview",
        method="GET",
        path="/v1/jobs/{job_id}/preview",
        summary="Fetch the latest preview.",
        parameters=(_IF_NONE_MATCH,),
        replies={200: PREVIEW_MEDIA_TYPE, 304: None},
        reply_headers=("ETag",),
        problems=(*_JOB, "preview-missing"),
    ),
    Endpoint(
        name="read_result",
        method="GET",
        path="/v1/jobs/{job_id}/result",
        summary="Fetch the edited layer.",
        replies={200: IMAGE_MEDIA_TYPE},
        reply_headers=(
            OFFSET_HEADER,
            FORM_HEADER,
            ALPHA_HEADER,
            DIGEST_HEADER,
            END_REASON_HEADER,
        ),
        problems=(*_JOB, "result-missing"),
    ),
)
