"""Worker: the only thread that touches the engine; it runs one job at a time."""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
from collections.abc import Callable

from bridge_client.messages import JobKind, PreviewEvent, ReadinessReply
from bridge_server import wire
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EnginePool,
    EngineSession,
    EngineStep,
    EngineTask,
)
from bridge_server.job_store import JobRecord
from bridge_server.problems import ProblemError
from bridge_server.sessions import Session

_log = logging.getLogger(__name__)


class Worker:
    """Takes jobs in order; the engine is loaded here, while the bridge answers already."""

    def __init__(self, pool: EnginePool, *, clock: Callable[[], float]) -> None:
        """Args: the engine, and a monotonic clock in seconds."""
        self._pool = pool
        self._clock = clock
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._readiness = ReadinessReply(is_ready=False, reason="The engine is still loading.")
        self._failure: EngineFailure | None = None
        # A daemon, because a step inside native code cannot be ended and must not hold the exit.
        self._thread = threading.Thread(target=self._work, name="draglayer-worker", daemon=True)

    @property
    def readiness(self) -> ReadinessReply:
        """Whether jobs can run, and what is missing."""
        return self._readiness

    @property
    def failure(self) -> EngineFailure | None:
        """Why the engine could not be loaded."""
        return self._failure

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, record: JobRecord) -> None:
        """Run the job after those before it."""
        self._tasks.put(functools.partial(self._run_job, record))

    def retire(self, session: Session) -> None:
        """Free the session's engine after the jobs before it."""
        self._tasks.put(functools.partial(self._close_engine, session))

    def stop(self, timeout_s: float) -> bool:
        """End after the present step; False when it lasts longer than ``timeout_s``."""
        self._tasks.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        self._warm_up()
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception:  # the thread's outermost border: one bad task must not end it
                _log.exception("A task of the worker failed.")

    def _warm_up(self) -> None:
        try:
            self._pool.warm_up()
        except EngineFailure as failure:
            _log.warning("%s", failure.message)
            _log.info("The engine could not be loaded.", exc_info=failure)
            self._set_unready(failure)
        except Exception:  # an engine that cannot load is a state that clients are told
            _log.exception("The engine could not be loaded.")
            sentence = "The engine could not be loaded."
            self._set_unready(EngineFailure("engine-unavailable", sentence))
        else:
            self._failure = None
            self._readiness = ReadinessReply(is_ready=True)

    def _set_unready(self, failure: EngineFailure) -> None:
        self._failure = failure
        self._readiness = ReadinessReply(is_ready=False, reason=failure.message)

    def _run_job(self, record: JobRecord) -> None:
        if record.session.is_closed:
            record.ask_cancel()
        if not record.start():
            return
        try:
            self._drive(record)
        except EngineFailure as failure:
            _log.info("Job %s failed: %s (%s).", record.id, failure.message, failure.code)
            record.fail(ProblemError(failure.code, failure.message).message())
        except Exception:  # the worker's border: whatever an engine raises ends this job only
            _log.exception("Job %s failed unexpectedly.", record.id)
            record.fail(ProblemError("internal", "The engine failed unexpectedly.").message())

    def _drive(self, record: JobRecord) -> None:
        if self._failure is not None:
            self._warm_up()  # what was missing may have been installed meanwhile
        if self._failure is not None:
            raise self._failure
        session = record.session
        engine = session.engine = session.engine or self._pool.open(session.spec)
        last_step = self._follow_steps(record, engine)
        if last_step is None:
            record.finish(None, None)
            return
        self._offer_preview(record, engine)
        record.preview.take()  # the loop is over: keep the last picture as JPEG, not as an array
        if isinstance(last_step, DragStep):
            # Step 0 is the picture before the first update: cancelled there, nothing was edited.
            has_edit = last_step.step_index > 0 or last_step.end_reason is not None
            record.finish(last_step.end_reason, engine.result() if has_edit else None)
        else:
            record.finish(None, None)

    def _follow_steps(self, record: JobRecord, engine: EngineSession) -> EngineStep | None:
        request = record.job.request
        task = EngineTask(
            kind=JobKind(request.kind), pairs=request.pairs, step_budget=request.step_budget
        )
        last_step: EngineStep | None = None
        try:
            with contextlib.closing(engine.run(task)) as steps:
                while not record.is_cancel_asked:
                    step = next(steps, None)
                    if step is None:
                        break
                    last_step = step
                    record.report(wire.progress_event(step))
                    if record.preview.wants_image(self._clock()):
                        self._offer_preview(record, engine)
        finally:
            if last_step is not None:
                record.session.advance(is_inverted=engine.is_inverted)
        return last_step

    def _offer_preview(self, record: JobRecord, engine: EngineSession) -> None:
        began_s = self._clock()
        image = engine.preview()
        now_s = self._clock()
        etag = record.preview.offer(image, now_s, cost_s=now_s - began_s)
        record.report(PreviewEvent(etag=etag))

    @staticmethod
    def _close_engine(session: Session) -> None:
        engine, session.engine = session.engine, None
        if engine is not None:
            engine.close()
