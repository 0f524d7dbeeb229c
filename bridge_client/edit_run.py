"""One edit from the first byte to the layer: send, invert, drag, fetch."""

import logging
import secrets
from collections.abc import Callable
from contextlib import closing

from .client import BridgeClient
from .edit import (
    DragProgress,
    EditRequest,
    EditState,
    InversionProgress,
    PreviewReady,
    ResultReady,
    ResultReason,
    StateChanged,
    WorkerEvent,
)
from .errors import ClientError, JobFailed
from .follow import Stopped, StopSignal, follow_job
from .messages import (
    CreateSession,
    DragProgressEvent,
    EndEvent,
    EndReason,
    ImageRef,
    InversionProgressEvent,
    JobEvent,
    JobKind,
    JobState,
    PixelFormat,
    PreviewEvent,
    StartJob,
    StateEvent,
)

CLEANUP_TIMEOUT_S = 2.0

_REASONS: dict[EndReason, ResultReason] = {
    EndReason.REACHED: "reached",
    EndReason.STALLED: "stalled",
    EndReason.BUDGET: "budget",
    EndReason.CANCELLED: "cancelled",
}

_log = logging.getLogger("draglayer.client")


class EditRun:
    """One edit from the first byte to the layer."""

    def __init__(
        self,
        request: EditRequest,
        connect: Callable[[], BridgeClient],
        signal: StopSignal,
        emit: Callable[[WorkerEvent], None],
    ) -> None:
        self._request = request
        self._connect = connect
        self._signal = signal
        self._emit = emit
        self._shown_etag = ""

    def run(self) -> list[WorkerEvent]:
        """Does it all; gives the events that tell of the end."""
        self._enter(EditState.CONNECTING)
        client = self._connect()
        self._enter(EditState.SENDING)
        session_id = client.create_session(self._session_request(client)).id
        try:
            return self._invert_and_drag(client, session_id)
        finally:
            _free_session(client, session_id)

    def _enter(self, state: EditState, queue_position: int | None = None) -> None:
        if self._signal.is_set and state not in (EditState.CANCELLING, EditState.FETCHING):
            raise Stopped
        self._emit(StateChanged(state, queue_position))

    def _session_request(self, client: BridgeClient) -> CreateSession:
        mask = self._request.mask
        return CreateSession(
            image=self._put(client, self._request.pixels, self._request.pixel_order),
            bounds_canvas=self._request.window_canvas,
            editable_mask=None if mask is None else self._put(client, mask, "l8"),
            model=self._request.model,
        )

    def _put(self, client: BridgeClient, pixels: bytes, pixel_format: PixelFormat) -> ImageRef:
        window = self._request.window_canvas
        return ImageRef(
            sha256=client.put_blob(pixels),
            width=window.width,
            height=window.height,
            format=pixel_format,
        )

    def _invert_and_drag(self, client: BridgeClient, session_id: str) -> list[WorkerEvent]:
        inversion = StartJob(id=secrets.token_hex(16), kind=JobKind.INVERT)
        end = self._follow(client, session_id, inversion, EditState.INVERTING)
        if end.state is JobState.CANCELLED:
            raise Stopped
        drag = StartJob(
            id=secrets.token_hex(16),
            kind=JobKind.DRAG,
            pairs=self._request.pairs,
            step_budget=self._request.step_budget,
        )
        end = self._follow(client, session_id, drag, EditState.DRAGGING)
        if not end.has_result or self._signal.is_closing:
            raise Stopped
        self._enter(EditState.FETCHING)
        result = client.result(drag.id)
        if end.state is JobState.CANCELLED:
            return [ResultReady(result, "cancelled"), StateChanged(EditState.CANCELLED)]
        reason = _REASONS[end.end_reason or EndReason.BUDGET]
        return [ResultReady(result, reason), StateChanged(EditState.DONE)]

    def _follow(
        self, client: BridgeClient, session_id: str, job: StartJob, running: EditState
    ) -> EndEvent:
        """Starts the job and passes its news on until it ends.

        Raises:
            JobFailed: The bridge could not finish it.
        """
        if self._signal.is_set:
            raise Stopped
        client.start_job(session_id, job)
        with closing(follow_job(client, job.id, self._signal)) as events:
            for event in events:
                if isinstance(event, EndEvent):
                    return _checked(event)
                self._pass_on(client, job.id, event, running)
        raise AssertionError("follow_job ends with an EndEvent or raises")

    def _pass_on(
        self, client: BridgeClient, job_id: str, event: JobEvent, running: EditState
    ) -> None:
        if isinstance(event, StateEvent):
            states = {
                JobState.QUEUED: EditState.QUEUED,
                JobState.RUNNING: running,
                JobState.CANCELLING: EditState.CANCELLING,
            }
            if event.state in states:
                self._emit(StateChanged(states[event.state], event.queue_position))
        elif isinstance(event, InversionProgressEvent):
            self._emit(InversionProgress(event.step_index, event.step_budget, event.loss))
        elif isinstance(event, DragProgressEvent):
            self._emit(
                DragProgress(
                    event.step_index, event.step_budget, event.handles_canvas, event.distance_px
                )
            )
        elif isinstance(event, PreviewEvent) and event.etag != self._shown_etag:
            latest = client.preview(job_id, known_etag=self._shown_etag)
            if latest is not None:
                self._shown_etag, jpeg = latest
                self._emit(PreviewReady(jpeg))


def _checked(end: EndEvent) -> EndEvent:
    if end.state is not JobState.FAILED:
        return end
    if end.problem is None:
        raise JobFailed("The bridge could not finish the edit.")
    problem = end.problem
    raise JobFailed(problem.detail or problem.title, problem.hint, code=problem.code)


def _free_session(client: BridgeClient, session_id: str) -> None:
    try:
        client.delete_session(session_id, timeout_s=CLEANUP_TIMEOUT_S)
    except ClientError as error:
        # The layer is here or the edit has failed already; the bridge's lease frees the session.
        _log.info("the session could not be freed: %s", error)
