"""JobRun: one job on the engine, step by step, from its start to its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator

from bridge_client.messages import InversionProfile, JobKind, PreviewEvent, SnapshotEvent
from bridge_server import wire
from bridge_server.engine_port import (
    DEVICE_LOST,
    DragStep,
    EngineFailure,
    EngineSession,
    EngineStep,
    EngineTask,
    HintStep,
    InversionStep,
)
from bridge_server.job_store import JobRecord
from bridge_server.problems import ProblemError
from bridge_server.sessions import Session

_log = logging.getLogger(__name__)

# How much of a long drag is lost at most when the whole bridge is.
SNAPSHOT_INTERVAL_S = 5.0


class JobRun:
    """The run of one job; the worker's thread alone calls it.

    A pause lies between two calls of ``go_on``: what the engine has begun waits here.
    """

    def __init__(
        self,
        record: JobRecord,
        *,
        open_engine: Callable[[Session], EngineSession],
        on_device_lost: Callable[[], None],
        clock: Callable[[], float],
        max_snapshot_bytes: int,
    ) -> None:
        """Args: the job, who opens its session's engine, whom to tell that the device is lost for
        this process, a clock, and how large a snapshot may be."""
        self._record = record
        self._open_engine = open_engine
        self._on_device_lost = on_device_lost
        self._clock = clock
        self._max_snapshot_bytes = max_snapshot_bytes
        self._engine: EngineSession  # both since the beginning
        self._steps: Generator[EngineStep, None, None] | None = None
        self._last_step: EngineStep | None = None
        self._has_changed = False
        self._pairs_revision = 0
        self._written_down_s = clock()

    def is_ready(self) -> bool:
        """Whether it is not paused."""
        return not self._record.is_paused

    def go_on(self) -> bool:
        """Make steps until the job has ended (True) or is paused (False)."""
        try:
            if self._steps is None and not self._begin():
                return True
            return self._make_steps()
        except EngineFailure as failure:
            _log.info("Job %s failed: %s (%s).", self._record.id, failure.message, failure.code)
            self._record.fail(ProblemError(failure.code, failure.message).message())
            if failure.code == DEVICE_LOST:
                self._on_device_lost()
        except ProblemError as problem:
            self._record.fail(problem.message())
        except Exception:  # the worker's border: whatever an engine raises ends this job only
            _log.exception("Job %s failed unexpectedly.", self._record.id)
            self._record.fail(ProblemError("internal", "The engine failed unexpectedly.").message())
        return True

    def _begin(self) -> bool:
        record, session = self._record, self._record.session
        if session.is_closed:
            record.ask_cancel()
        if not record.start():
            return False
        # Asked again, because jobs that waited before this one have changed the session.
        session.check_revision(record.job.request.base_revision)
        self._engine = session.engine = session.engine or self._open_engine(session)
        self._steps = self._engine.run(self._task())
        return True

    def _task(self) -> EngineTask:
        job = self._record.job
        self._pairs_revision = job.pairs_revision
        return EngineTask(
            kind=JobKind(job.request.kind),
            pairs=job.pairs,
            step_budget=job.request.step_budget,
            profile=InversionProfile(job.request.profile),
            position=job.request.position,
            amount=job.request.amount,
        )

    def _make_steps(self) -> bool:
        is_over = True
        try:
            is_over = self._follow_steps()
        finally:
            if is_over:
                self._leave()
        if is_over:
            self._finish()
        return is_over

    def _follow_steps(self) -> bool:
        assert self._steps is not None
        while not self._record.is_cancel_asked:
            if self._record.is_paused:
                self._show_and_write_down()
                return False
            self._hand_over_pairs()
            step = next(self._steps, None)
            if step is None:
                break
            self._tell(step)
        return True

    def _show_and_write_down(self) -> None:
        """Who pauses looks at what there is, and may go and shut the machine down."""
        if self._last_step is not None:
            self._offer_preview()
        if isinstance(self._last_step, DragStep):
            self._keep_snapshot()

    def _hand_over_pairs(self) -> None:
        job, last_step = self._record.job, self._last_step
        has_ended = isinstance(last_step, DragStep) and last_step.end_reason is not None
        if job.pairs_revision != self._pairs_revision and not has_ended:
            self._engine.set_pairs(job.pairs)
            self._pairs_revision = job.pairs_revision

    def _tell(self, step: EngineStep) -> None:
        self._last_step = step
        self._has_changed |= not isinstance(step, HintStep)
        event = wire.progress_event(step, pairs_revision=self._pairs_revision)
        if event is not None:
            self._record.report(event)
        now_s = self._clock()
        if self._record.preview.wants_image(now_s):
            self._offer_preview()
        if isinstance(step, DragStep) and now_s - self._written_down_s >= SNAPSHOT_INTERVAL_S:
            self._keep_snapshot()

    def _leave(self) -> None:
        """Let the engine end what it has begun; then the session stands where the job left it."""
        session, engine = self._record.session, self._engine
        if self._steps is not None:
            self._steps.close()
        if not self._has_changed:
            return
        session.advance(is_inverted=engine.is_inverted, history=engine.history, match=engine.match)
        if engine.is_inverted:
            self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        self._written_down_s = self._clock()
        try:
            content = self._engine.snapshot()
        except Exception:  # the edit is there all the same; only the copy of it is older
            _log.exception("The session of job %s could not be written down.", self._record.id)
            return
        if len(content) > self._max_snapshot_bytes:
            _log.info("The session of job %s is too large to be written down.", self._record.id)
            return
        etag = self._record.session.keep_snapshot(content)
        self._record.report(SnapshotEvent(etag=etag))

    def _finish(self) -> None:
        last_step = self._last_step
        if last_step is None or isinstance(last_step, HintStep):
            self._record.finish(None, None)
            return
        self._offer_preview()
        self._record.preview.take()  # no step follows: keep the picture as JPEG, not as an array
        end_reason = last_step.end_reason if isinstance(last_step, DragStep) else None
        self._record.finish(end_reason, self._engine.result() if _has_edit(last_step) else None)

    def _offer_preview(self) -> None:
        began_s = self._clock()
        image = self._engine.preview()
        now_s = self._clock()
        etag = self._record.preview.offer(image, now_s, cost_s=now_s - began_s)
        self._record.report(PreviewEvent(etag=etag))


def _has_edit(last_step: EngineStep) -> bool:
    if isinstance(last_step, DragStep):
        # Step 0 is the picture before the first update: cancelled there, nothing was edited.
        return last_step.step_index > 0 or last_step.end_reason is not None
    return not isinstance(last_step, InversionStep)
