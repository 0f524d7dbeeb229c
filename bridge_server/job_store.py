"""JobRecord and JobStore: jobs with logs, previews and results, by the ids that clients made."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from bridge_client.geometry import PointPair
from bridge_client.messages import (
    EndEvent,
    EndReason,
    JobEvent,
    JobReply,
    JobState,
    PairsEvent,
    Problem,
    ServerStoppingEvent,
    StartJob,
    StateEvent,
)
from bridge_server.engine_port import LayerPixels
from bridge_server.jobs import IllegalMove, Job
from bridge_server.preview import PreviewSlot
from bridge_server.problems import ProblemError
from bridge_server.progress import EventLog
from bridge_server.sessions import Session

_DROPPED_IDS_KEPT = 4096


class JobRecord:
    """One job's live side: every change of state and its event happen under one lock."""

    def __init__(
        self,
        session: Session,
        request: StartJob,
        *,
        queue_position: int,
        preview_interval_s: float,
        clock: Callable[[], float],
        on_asked: Callable[[], None],
    ) -> None:
        """Args: whose job it is, what was asked, how many jobs wait before it, a clock, and whom to
        call when a client has asked for a change."""
        self.session = session
        self._clock = clock
        self._on_asked = on_asked
        self._ended_s: float | None = None
        self.log = EventLog()
        self.preview = PreviewSlot(request.id[:8], interval_s=preview_interval_s)
        self._lock = threading.Lock()
        self._job = Job(session_id=session.id, request=request)
        self._result: LayerPixels | None = None
        self.log.append(StateEvent(state=JobState.QUEUED, queue_position=queue_position))

    @property
    def id(self) -> str:
        """The id that the client made."""
        return self._job.request.id

    @property
    def job(self) -> Job:
        """What is true of it now."""
        with self._lock:
            return self._job

    @property
    def result(self) -> LayerPixels | None:
        """The layer, once the job has ended with one."""
        with self._lock:
            return self._result

    @property
    def is_cancel_asked(self) -> bool:
        """Whether the worker should stop asking for steps."""
        return self.job.state in (JobState.CANCELLING, JobState.CANCELLED)

    @property
    def is_paused(self) -> bool:
        """Whether the worker should wait with the next step."""
        return self.job.state is JobState.PAUSED

    @property
    def ended_s(self) -> float | None:
        """When it ended."""
        with self._lock:
            return self._ended_s

    def start(self) -> bool:
        """Go from queued to running; False when a cancel came first."""
        with self._lock:
            if self._job.state is not JobState.QUEUED:
                return False
            self._job = self._job.moved(JobState.RUNNING)
            self.log.append(StateEvent(state=JobState.RUNNING))
            return True

    def ask_cancel(self, problem: Problem | None = None) -> None:
        """Cancel before, during or after the run, as often as you like.

        Args:
            problem: why, where no client asked for it.
        """
        self._ask(lambda job: job.cancel_asked(problem))

    def ask_pause(self) -> None:
        """Begin no further step.

        Raises:
            ProblemError: ``job-state`` when the job does not run.
        """
        self._ask(Job.pause_asked)

    def ask_resume(self) -> None:
        """Go on after a pause.

        Raises:
            ProblemError: ``job-state`` when the job is not paused.
        """
        self._ask(Job.resume_asked)

    def set_pairs(self, pairs: tuple[PointPair, ...]) -> None:
        """Drag these from the next step on.

        Raises:
            ProblemError: ``job-state`` when the job is no drag, or has no next step.
        """
        self._ask(lambda job: job.with_pairs(pairs))

    def _ask(self, change: Callable[[Job], Job]) -> None:
        with self._lock:
            before = self._job
            try:
                self._job = change(before)
            except IllegalMove as error:
                raise ProblemError("job-state", str(error)) from error
            if self._job.pairs_revision != before.pairs_revision:
                self.log.append(
                    PairsEvent(pairs=self._job.pairs, pairs_revision=self._job.pairs_revision)
                )
            if self._job.state is not before.state:
                self._tell_state()
        self._on_asked()

    def report(self, event: JobEvent) -> None:
        """Tell of progress or of a preview."""
        self.log.append(event)

    def finish(self, end_reason: EndReason | None, result: LayerPixels | None) -> None:
        """End well: cancelled when a cancel was asked for, else succeeded.

        The state decides and not the caller, so that a cancel between the last step and this call
        is never lost.
        """
        with self._lock:
            is_cancelled = self._job.state is JobState.CANCELLING
            self._result = result
            self._job = self._job.moved(
                JobState.CANCELLED if is_cancelled else JobState.SUCCEEDED,
                end_reason=EndReason.CANCELLED if is_cancelled else end_reason,
                has_result=result is not None,
                problem=self._job.problem,
            )
            self._tell_state()

    def fail(self, problem: Problem) -> None:
        """End with a problem."""
        with self._lock:
            self._job = self._job.moved(JobState.FAILED, problem=problem)
            self._tell_state()

    def tell_stopping(self) -> None:
        """Close the log because the bridge stops; readers of an ended job have their end."""
        self.log.append(ServerStoppingEvent())

    def reply(self, *, queue_position: int | None) -> JobReply:
        """The job for the wire."""
        job = self.job
        return JobReply(
            id=self.id,
            session_id=job.session_id,
            kind=job.request.kind,
            state=job.state,
            seq=self.log.last_seq,
            queue_position=queue_position if job.state is JobState.QUEUED else None,
            pairs_revision=job.pairs_revision,
            end_reason=job.end_reason,
            has_result=job.has_result,
            problem=job.problem,
        )

    def _tell_state(self) -> None:
        job = self._job
        if not job.state.is_final:
            self.log.append(StateEvent(state=job.state))
            return
        self._ended_s = self._clock()
        self.log.append(
            EndEvent(
                state=job.state,
                end_reason=job.end_reason,
                has_result=job.has_result,
                problem=job.problem,
            )
        )


class JobStore:
    """Jobs by id; all methods may be called from any thread."""

    def __init__(
        self,
        *,
        max_queued: int,
        max_kept: int,
        max_result_bytes: int,
        kept_s: float,
        preview_interval_s: float,
        clock: Callable[[], float],
        on_asked: Callable[[], None],
    ) -> None:
        """Args: bounds on waiting jobs, on ended ones, on the bytes of all results and on how long
        ended jobs stay, a clock, and whom to call when a client has asked a job for a change."""
        self._max_queued = max_queued
        self._max_kept = max_kept
        self._max_result_bytes = max_result_bytes
        self._kept_s = kept_s
        self._preview_interval_s = preview_interval_s
        self._clock = clock
        self._on_asked = on_asked
        self._lock = threading.Lock()
        self._records: OrderedDict[str, JobRecord] = OrderedDict()
        self._dropped: OrderedDict[str, None] = OrderedDict()

    def submit(self, session: Session, request: StartJob) -> tuple[JobRecord, bool]:
        """The job of this id, and whether it is new; asking again with the same content is safe.

        Raises:
            ProblemError: ``job-conflict``, ``job-expired``, ``revision-conflict``, ``queue-full``.
        """
        with self._lock:
            known = self._records.get(request.id)
            if known is not None:
                if known.session is not session or known.job.request != request:
                    raise ProblemError("job-conflict", "This job id belongs to another request.")
                return known, False
            self._refuse_unless_admissible(session, request)
            record = JobRecord(
                session,
                request,
                queue_position=len(self._queued()),
                preview_interval_s=self._preview_interval_s,
                clock=self._clock,
                on_asked=self._on_asked,
            )
            self._records[request.id] = record
        return record, True

    def get(self, job_id: str) -> JobRecord:
        """The job.

        Raises:
            ProblemError: ``job-expired`` when its record was dropped, ``job-missing`` when unknown.
        """
        with self._lock:
            if job_id in self._records:
                return self._records[job_id]
            if job_id in self._dropped:
                raise ProblemError("job-expired", "This job ended long ago.")
        raise ProblemError("job-missing", "The bridge does not know this job.")

    def reply(self, record: JobRecord) -> JobReply:
        """The job for the wire, with its place in the queue."""
        with self._lock:
            queued = self._queued()
        position = queued.index(record) if record in queued else None
        return record.reply(queue_position=position)

    def active(self, session: Session | None = None) -> tuple[JobRecord, ...]:
        """Jobs that have not ended, of one session or of all."""
        with self._lock:
            return tuple(
                record
                for record in self._records.values()
                if not record.job.state.is_final and session in (None, record.session)
            )

    def all(self) -> tuple[JobRecord, ...]:
        """Every job that is still readable."""
        with self._lock:
            return tuple(self._records.values())

    def drop_oldest(self) -> None:
        """Forget the oldest ended jobs beyond the bounds; their ids are not used again."""
        with self._lock:
            ended = [record for record in self._records.values() if record.job.state.is_final]
            held_bytes = sum(_result_bytes(record) for record in ended)
            for position, record in enumerate(ended):
                # The newest result stays, or a large window could never be fetched.
                is_newest = position == len(ended) - 1
                too_many = len(ended) - position > self._max_kept
                too_large = held_bytes > self._max_result_bytes and not is_newest
                if too_many or too_large or self._is_old(record):
                    held_bytes -= _result_bytes(record)
                    self._drop(record)

    def _is_old(self, record: JobRecord) -> bool:
        ended_s = record.ended_s
        return ended_s is not None and self._clock() - ended_s > self._kept_s

    def _drop(self, record: JobRecord) -> None:
        del self._records[record.id]
        self._dropped[record.id] = None
        while len(self._dropped) > _DROPPED_IDS_KEPT:
            self._dropped.popitem(last=False)

    def _refuse_unless_admissible(self, session: Session, request: StartJob) -> None:
        if request.id in self._dropped:
            raise ProblemError("job-expired", "A job of this id ended long ago.")
        session.check_revision(request.base_revision)
        if len(self._queued()) >= self._max_queued:
            raise ProblemError("queue-full", f"{self._max_queued} jobs are waiting already.")

    def _queued(self) -> list[JobRecord]:
        return [record for record in self._records.values() if record.job.state is JobState.QUEUED]


def _result_bytes(record: JobRecord) -> int:
    result = record.result
    return 0 if result is None else len(result.pixels)
