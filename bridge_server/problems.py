"""The table of what can go wrong on the wire: code, HTTP status, title, hint (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bridge_client.messages import FieldError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One row of the table: what clients may rely on for a code."""

    status: int
    title: str
    hint: str
    retry_after_s: int | None = None

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later without being changed."""
        return self.retry_after_s is not None


_RESTART = "Restart the bridge with `draglayer serve` and try again."
_CLIENT_BUG = "This is a fault of the plug-in: please report it with the bridge's log."
_REOPEN = "Start the edit again; the layer is sent once more."

PROBLEMS: Mapping[str, ProblemKind] = MappingProxyType(
    {
        "host-not-allowed": ProblemKind(
            status=400, title="Host header not allowed", hint="Address the bridge as 127.0.0.1."
        ),
        "origin-not-allowed": ProblemKind(
            status=403, title="Web pages may not use the bridge", hint="Use a plug-in or the CLI."
        ),
        "unauthorized": ProblemKind(
            status=401,
            title="Token missing or wrong",
            hint="The bridge was restarted: connect again to read its new token.",
        ),
        "not-found": ProblemKind(status=404, title="No such endpoint", hint=_CLIENT_BUG),
        "method-not-allowed": ProblemKind(
            status=405, title="Method not allowed here", hint=_CLIENT_BUG
        ),
        "unsupported-media": ProblemKind(
            status=415, title="Media type not accepted", hint=_CLIENT_BUG
        ),
        "body-too-large": ProblemKind(
            status=413, title="Body too large", hint="Select a smaller part of the layer."
        ),
        "image-too-large": ProblemKind(
            status=422, title="Window too large", hint="Select a smaller part of the layer."
        ),
        "hash-mismatch": ProblemKind(
            status=422, title="Bytes do not match their sha256", hint="Send the layer again."
        ),
        "blob-missing": ProblemKind(
            status=409, title="Pixels not uploaded, or already dropped", hint=_REOPEN
        ),
        "session-missing": ProblemKind(status=404, title="No such session", hint=_REOPEN),
        "session-expired": ProblemKind(status=410, title="The session has ended", hint=_REOPEN),
        "session-limit": ProblemKind(
            status=429,
            title="Too many open sessions",
            hint="Close an edit in one of your editors.",
            retry_after_s=5,
        ),
        "job-missing": ProblemKind(status=404, title="No such job", hint="Start the drag again."),
        "job-expired": ProblemKind(
            status=410, title="The job's record was dropped", hint="Start the drag again."
        ),
        "job-conflict": ProblemKind(
            status=409, title="This job id was used for another request", hint=_CLIENT_BUG
        ),
        "job-state": ProblemKind(
            status=409,
            title="The job's state does not allow this",
            hint="Look at the edit again: it has ended or waits; then start anew if you want more.",
        ),
        "cancelled-by-server": ProblemKind(
            status=409,
            title="The bridge cancelled this job",
            hint="Press Start again; what the edit was before is still there.",
        ),
        "history-end": ProblemKind(
            status=409, title="Nothing to undo or redo", hint="Drag something first."
        ),
        "no-region": ProblemKind(
            status=422,
            title="Layer, selection and points make no window",
            hint="Draw a line from where a part is to where it should be.",
        ),
        "snapshot-missing": ProblemKind(
            status=409,
            title="No snapshot of this session yet",
            hint="Wait until the layer was found in the model.",
        ),
        "snapshot-rejected": ProblemKind(
            status=422, title="The snapshot does not fit this session", hint=_REOPEN
        ),
        "sessions-in-use": ProblemKind(
            status=409,
            title="Somebody works with this bridge",
            hint="Close the edits in your editors first, or stop it all the same with force.",
        ),
        "preview-missing": ProblemKind(
            status=404, title="No preview yet", hint="Wait for the job's first preview event."
        ),
        "result-missing": ProblemKind(
            status=409,
            title="No result to fetch",
            hint="A result exists once a drag has made at least one step and has ended.",
        ),
        "invalid-request": ProblemKind(
            status=422, title="The request breaks a rule", hint="Check the points and the layer."
        ),
        "revision-conflict": ProblemKind(
            status=409,
            title="The session has moved on",
            hint="Another window changed this edit: look at its result, then start again.",
        ),
        "model-missing": ProblemKind(
            status=422,
            title="No such model",
            hint="Choose one of the models that are installed.",
        ),
        "model-rejected": ProblemKind(
            status=422,
            title="The model's file is not usable",
            hint="Install the model again, or choose another one.",
        ),
        "queue-full": ProblemKind(
            status=503,
            title="Too many jobs are waiting",
            hint="Wait for a running edit to end, or cancel one.",
            retry_after_s=2,
        ),
        "stream-limit": ProblemKind(
            status=503,
            title="Too many event streams are open",
            hint="Close an edit in one of your editors.",
            retry_after_s=2,
        ),
        "engine-unavailable": ProblemKind(
            status=500,
            title="The engine could not be loaded",
            hint="Run `draglayer demo` in a terminal: it says what is missing.",
        ),
        "out-of-vram": ProblemKind(
            status=500,
            title="The device ran out of memory",
            hint="Close other programs that use the GPU, or use a smaller model.",
        ),
        "device-lost": ProblemKind(
            status=500,
            title="The graphics device stopped working",
            hint="Press Start again: the bridge ends and starts anew, which frees the device.",
        ),
        "too-many-attempts": ProblemKind(
            status=429,
            title="Too many wrong tokens in a short time",
            hint="Wait a little, then connect again to read the bridge's token.",
            retry_after_s=10,
        ),
        "inversion-diverged": ProblemKind(
            status=500,
            title="The model could not draw this layer",
            hint="Select the whole subject, or choose a model made for it.",
        ),
        "engine-failed": ProblemKind(
            status=500, title="The engine could not do this", hint="Change the points or the layer."
        ),
        "server-stopping": ProblemKind(
            status=503, title="The bridge is stopping", hint=_RESTART, retry_after_s=2
        ),
        "internal": ProblemKind(status=500, title="Unexpected fault in the bridge", hint=_RESTART),
    }
)


class ProblemError(Exception):
    """A refusal with a code of ``PROBLEMS``; the app turns it into an RFC 9457 body."""

    def __init__(
        self, code: str, detail: str, *, hint: str = "", errors: tuple[FieldError, ...] = ()
    ) -> None:
        """Args: the code must be in the table; ``detail`` is one sentence for a person, and the
        hint stands in place of the table's where it can be more to the point."""
        if code not in PROBLEMS:
            raise ValueError(f"{code!r} is not in the problem table.")
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.errors = errors

    @property
    def kind(self) -> ProblemKind:
        """The table's row for this problem."""
        return PROBLEMS[self.code]

    def message(self, request_id: str = "") -> Problem:
        """The body for the wire."""
        return Problem(
            code=self.code,
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            hint=self.hint or self.kind.hint,
            retryable=self.kind.is_retryable,
            request_id=request_id,
            errors=self.errors,
        )
