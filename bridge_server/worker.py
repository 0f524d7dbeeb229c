"""Worker: the only thread that touches the engine; it gives one turn after another."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable

from bridge_client.messages import ReadinessReply
from bridge_server import wire
from bridge_server.engine_port import DEVICE_LOST, EngineFailure, EnginePool, EngineSession
from bridge_server.job_run import JobRun
from bridge_server.job_store import JobRecord
from bridge_server.sessions import Session
from bridge_server.turns import Turn, Turns

STILL_LOADING = "The engine is still loading."

_log = logging.getLogger(__name__)


class Worker:
    """Runs jobs, one at a time; the engine is loaded here, while the bridge answers already."""

    def __init__(
        self,
        pool: EnginePool,
        *,
        clock: Callable[[], float],
        max_snapshot_bytes: int,
        on_device_lost: Callable[[], None],
    ) -> None:
        """Args: the engine, a monotonic clock in seconds, how large a snapshot may be, and whom to
        tell that the device is lost for this process."""
        self._pool = pool
        self._clock = clock
        self._max_snapshot_bytes = max_snapshot_bytes
        self._on_device_lost = on_device_lost
        self._turns = Turns()
        self._readiness = ReadinessReply(is_ready=False, reason=STILL_LOADING)
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
        run = JobRun(
            record,
            open_engine=self._opened,
            on_device_lost=self._on_device_lost,
            clock=self._clock,
            max_snapshot_bytes=self._max_snapshot_bytes,
        )
        self._turns.add(Turn(session=record.session, act=run.go_on, is_ready=run.is_ready))

    def free(self, session: Session) -> None:
        """Free the session's engine after the jobs before it; the next job opens it again from the
        session's snapshot."""
        act = functools.partial(_close_engine, session)
        self._turns.add(Turn(session=session, act=act))

    def has_turns(self, session: Session) -> bool:
        """Whether something of the session waits."""
        return self._turns.has(session)

    def wake(self) -> None:
        """A client has asked a job for a change."""
        self._turns.wake()

    def stop(self, timeout_s: float) -> bool:
        """End after the present step; False when it lasts longer than ``timeout_s``, and at once
        while the engine loads: nothing would be lost, and importing torch takes seconds."""
        self._turns.end()
        if self._thread.ident is not None:
            self._thread.join(0.0 if self._readiness.reason == STILL_LOADING else timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        wire.load_codecs()
        self._warm_up()
        while (turn := self._turns.take()) is not None:
            try:
                is_over = turn.act()
            except Exception:  # the thread's outermost border: one bad turn must not end it
                _log.exception("A turn of the worker failed.")
                is_over = True
            if not is_over:
                self._turns.put_back(turn)

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
        if failure.code == DEVICE_LOST:
            self._on_device_lost()

    def _opened(self, session: Session) -> EngineSession:
        if self._failure is not None:
            self._warm_up()  # what was missing may have been installed meanwhile
        if self._failure is not None:
            raise self._failure
        return self._pool.open(session.spec)


def _close_engine(session: Session) -> bool:
    engine, session.engine = session.engine, None
    if engine is not None:
        engine.close()
    return True
