"""One command from its first byte to the layer: an edit, a further drag, a step in the history."""

import secrets
from collections.abc import Callable
from contextlib import closing

from .edit import (
    ChangeRefused,
    DragProgress,
    EditCommand,
    EditRequest,
    EditState,
    HandleCheck,
    HandlesChecked,
    HistoryChanged,
    HistoryMove,
    InversionProgress,
    MatchMeasured,
    PairsTaken,
    PreviewReady,
    ResultReady,
    ResultReason,
    StateChanged,
    WorkerEvent,
)
from .errors import ClientError, JobFailed, LaunchFailed, RequestRejected, ServerUnreachable
from .follow import EditSignal, JobChange, SetPaused, Stopped, follow_job
from .geometry import PointPair
from .messages import (
    DragProgressEvent,
    EndEvent,
    EndReason,
    HintsEvent,
    InversionProgressEvent,
    JobEvent,
    JobKind,
    JobState,
    Match,
    PairsEvent,
    PreviewEvent,
    SnapshotEvent,
    StartJob,
    StateEvent,
)
from .open_edit import OpenEdit

# A bridge that ends because of a lost device may answer for a moment longer.
REOPEN_PAUSES_S = (0.2, 0.5, 1.0)

_REASONS: dict[EndReason, ResultReason] = {
    EndReason.REACHED: "reached",
    EndReason.STALLED: "stalled",
    EndReason.BUDGET: "budget",
    EndReason.CANCELLED: "cancelled",
}
_RUNNING_STATES = {
    JobKind.INVERT: EditState.INVERTING,
    JobKind.CHECK: EditState.CHECKING,
    JobKind.DRAG: EditState.DRAGGING,
}
# Not to be done twice; an inversion, a check and a show may be.
_CHANGES = frozenset({JobKind.DRAG, JobKind.UNDO, JobKind.REDO})
# The session is not there any more: the bridge was started anew, or nobody came for long.
_GONE = frozenset({"session-missing", "session-expired", "job-missing", "unauthorized"})


class EditRun:
    """One command.

    Args:
        command: What to do.
        edit: The session that it is done in.
        signal: What is asked meanwhile.
        emit: Takes the events.
    """

    def __init__(
        self,
        command: EditCommand,
        edit: OpenEdit,
        signal: EditSignal,
        emit: Callable[[WorkerEvent], None],
    ) -> None:
        self._command = command
        self._edit = edit
        self._signal = signal
        self._emit = emit
        self._shown_etag = ""
        # The edit of which a session is needed; None where the open one is meant.
        self._request = command.request if isinstance(command, HandleCheck) else None
        if isinstance(command, EditRequest):
            self._request = command
        self._is_open = self._request is None
        self._taken: JobKind | None = None  # what the bridge has taken of what changes the edit
        self._job: StartJob | None = None
        self._is_paused = False  # as the artist wants it; a job may end before it hears of that
        self._pairs: tuple[PointPair, ...] = ()
        if not isinstance(command, HistoryMove):
            self._pairs = command.pairs

    def run(self) -> list[WorkerEvent]:
        """Does it all; gives the events that tell of the end.

        Raises:
            ClientError: It could not be done.
            Stopped: It was cancelled before there was a layer.
        """
        try:
            return self._run_command()
        except ClientError as error:
            may_reopen = self._is_open and self._edit.can_be_restored and not self._signal.is_set
            if not (may_reopen and _is_loss(error)):
                raise
        return self._take_up_again()

    def _run_command(self) -> list[WorkerEvent]:
        command = self._command
        if isinstance(command, HistoryMove):
            return self._move(command)
        if self._request is not None and not self._is_open:
            self._enter(EditState.CONNECTING)
            self._edit.connect()
            self._enter(EditState.SENDING)
            self._edit.open(self._request)
            self._is_open = True
        self._invert()
        if isinstance(command, HandleCheck):
            return self._check()
        return self._drag(command.step_budget)

    def _take_up_again(self) -> list[WorkerEvent]:
        """Opens the session on the bridge that serves now. What the lost one had not taken is done
        there. What it had taken is not done again by itself, because a drag that ended one bridge
        may end the next, and an undo may be done already: then the best that was written down is
        the result."""
        self._enter(EditState.CONNECTING)
        self._open_again()
        taken = self._taken
        if taken is None:
            return self._run_command()
        final = self._move(HistoryMove(kind=JobKind.SHOW), "restored")
        if taken is JobKind.DRAG and self._edit.history.undo_depth == 0:
            raise JobFailed(
                "The bridge was lost in the middle of the drag and was started again.",
                "Press Start: the picture is found in the model already.",
            )
        return final

    def _open_again(self) -> None:
        for pause_s in REOPEN_PAUSES_S:
            try:
                return self._edit.open_again()
            except (RequestRejected, ServerUnreachable) as error:
                if isinstance(error, LaunchFailed):
                    raise
            self._signal.rest(pause_s)
            self._enter(EditState.CONNECTING)
        self._edit.open_again()

    def _enter(self, state: EditState, queue_position: int | None = None) -> None:
        if self._signal.is_set and state not in (EditState.CANCELLING, EditState.FETCHING):
            raise Stopped
        self._emit(StateChanged(state, queue_position))

    def _invert(self) -> None:
        session = self._edit.refresh()
        if session.is_inverted:
            self._pass_on_match(session.match)
            return
        inversion = StartJob(
            id=secrets.token_hex(16), kind=JobKind.INVERT, profile=self._edit.profile
        )
        if self._follow(inversion).state is JobState.CANCELLED:
            raise Stopped

    def _check(self) -> list[WorkerEvent]:
        check = StartJob(id=secrets.token_hex(16), kind=JobKind.CHECK, pairs=self._pairs)
        if self._follow(check).state is JobState.CANCELLED:
            raise Stopped
        return [StateChanged(EditState.DONE)]

    def _drag(self, step_budget: int | None) -> list[WorkerEvent]:
        for change in self._signal.take_changes():
            self._apply(change)
        drag = StartJob(
            id=secrets.token_hex(16),
            kind=JobKind.DRAG,
            pairs=self._pairs,
            step_budget=step_budget,
        )
        end = self._follow(drag)
        if not end.has_result or self._signal.is_closing:
            raise Stopped
        is_cancelled = end.state is JobState.CANCELLED
        reason = "cancelled" if is_cancelled else _REASONS[end.end_reason or EndReason.BUDGET]
        final = EditState.CANCELLED if is_cancelled else EditState.DONE
        return self._fetch(drag, reason, final)

    def _move(self, move: HistoryMove, reason: ResultReason = "shown") -> list[WorkerEvent]:
        self._enter(EditState.SHOWING)
        job = StartJob(
            id=secrets.token_hex(16), kind=move.kind, position=move.position, amount=move.amount
        )
        end = self._follow(job)
        if not end.has_result or self._signal.is_closing:
            raise Stopped
        return self._fetch(job, reason, EditState.DONE)

    def _fetch(self, job: StartJob, reason: ResultReason, final: EditState) -> list[WorkerEvent]:
        self._enter(EditState.FETCHING)
        result = self._edit.client.result(job.id)
        history = self._edit.refresh().history
        return [HistoryChanged(history), ResultReady(result, reason), StateChanged(final)]

    def _follow(self, job: StartJob) -> EndEvent:
        """Starts the job and passes its news on until it ends.

        Raises:
            JobFailed: The bridge could not finish it.
        """
        if self._signal.is_set:
            raise Stopped
        self._job = job
        client = self._edit.client
        self._start(job)
        if job.kind in _CHANGES:
            self._taken = job.kind
        with closing(follow_job(client, job.id, self._signal, self._apply)) as events:
            for event in events:
                if isinstance(event, EndEvent):
                    return _checked(event)
                self._pass_on(job, event)
        raise AssertionError("follow_job ends with an EndEvent or raises")

    def _start(self, job: StartJob) -> None:
        client, session_id = self._edit.client, self._edit.session_id
        try:
            client.start_job(session_id, job)
        except LaunchFailed:
            raise
        except ServerUnreachable:
            # The reply may have been lost and not the request: under its id it is the same job.
            client.start_job(session_id, job)

    def _apply(self, change: JobChange) -> None:
        job, client = self._job, self._edit.client
        try:
            if isinstance(change, SetPaused):
                self._set_paused(change)
            elif job is not None and job.kind is JobKind.DRAG:
                client.set_pairs(job.id, change.pairs)
            else:
                self._pairs = change.pairs  # of the drag that comes
                self._emit(PairsTaken(change.pairs, 0))
        except RequestRejected as error:
            self._emit(ChangeRefused(error.message, error.hint))

    def _set_paused(self, change: SetPaused) -> None:
        self._is_paused = change.is_paused
        job, client = self._job, self._edit.client
        if job is None:
            return
        ask = client.pause_job if change.is_paused else client.resume_job
        try:
            ask(job.id)
        except RequestRejected:
            # An inversion that has ended meanwhile: the drag after it will be paused.
            if job.kind is not JobKind.INVERT:
                raise

    def _pass_on(self, job: StartJob, event: JobEvent) -> None:
        if isinstance(event, StateEvent):
            self._pass_on_state(job, event)
        elif isinstance(event, InversionProgressEvent):
            self._emit(InversionProgress(event.step_index, event.step_budget, event.loss))
            self._pass_on_match(event.match)
        elif isinstance(event, DragProgressEvent):
            self._emit(
                DragProgress(
                    event.step_index,
                    event.step_budget,
                    event.handles_canvas,
                    event.distance_px,
                    event.confidences,
                    event.pairs_revision,
                )
            )
        elif isinstance(event, PreviewEvent) and event.etag != self._shown_etag:
            latest = self._edit.client.preview(job.id, known_etag=self._shown_etag)
            if latest is not None:
                self._shown_etag, jpeg = latest
                self._emit(PreviewReady(jpeg))
        elif isinstance(event, HintsEvent):
            self._emit(HandlesChecked(self._pairs, event.hints))
        elif isinstance(event, PairsEvent):
            self._emit(PairsTaken(event.pairs, event.pairs_revision))
        elif isinstance(event, SnapshotEvent):
            self._edit.fetch_snapshot()

    def _pass_on_match(self, match: Match | None) -> None:
        if match is not None:
            self._emit(MatchMeasured(match))

    def _pass_on_state(self, job: StartJob, event: StateEvent) -> None:
        states = {
            JobState.QUEUED: EditState.QUEUED,
            JobState.RUNNING: _RUNNING_STATES.get(job.kind, EditState.SHOWING),
            JobState.PAUSED: EditState.PAUSED,
            JobState.CANCELLING: EditState.CANCELLING,
        }
        if event.state in states:
            self._emit(StateChanged(states[event.state], event.queue_position))
        if event.state is JobState.RUNNING and self._is_paused:
            self._apply(SetPaused(True))


def _is_loss(error: ClientError) -> bool:
    """Whether the bridge has gone, or has forgotten the session: then another one can take it up.

    A bridge that was told to stop is not started against the will of whoever stopped it.
    """
    if isinstance(error, RequestRejected):
        return error.code in _GONE
    if isinstance(error, JobFailed):
        return error.code == "device-lost"
    return isinstance(error, ServerUnreachable) and not isinstance(error, LaunchFailed)


def _checked(end: EndEvent) -> EndEvent:
    problem = end.problem
    if end.state is JobState.FAILED and problem is None:
        raise JobFailed("The bridge could not finish the edit.")
    if problem is not None and not end.has_result:
        raise JobFailed(problem.detail or problem.title, problem.hint, code=problem.code)
    return end
