"""Bridge: the state behind the views, and every action that touches more than one part of it."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from bridge_client.errors import InputProblem
from bridge_client.geometry import PointPair
from bridge_client.messages import (
    CreateSession,
    FieldError,
    ImageRef,
    ModelInfo,
    ProposeRegion,
    RegionReply,
    StartJob,
)
from bridge_client.region import propose_window
from bridge_server.blobs import BlobStore
from bridge_server.config import BridgeConfig
from bridge_server.engine_port import EnginePool, SessionSpec
from bridge_server.job_store import JobRecord, JobStore
from bridge_server.problems import ProblemError
from bridge_server.sessions import Session, SessionStore
from bridge_server.worker import Worker

_log = logging.getLogger(__name__)

_CLIENT_VANISHED = ProblemError(
    "cancelled-by-server", "The editor that started this was not heard of for long."
)
_BRIDGE_STOPS = ProblemError("cancelled-by-server", "The bridge was stopped.")


class Bridge:
    """Blobs, sessions, jobs and the worker of one running bridge."""

    def __init__(
        self,
        config: BridgeConfig,
        pool: EnginePool,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_shutdown: Callable[[], None] = lambda: None,
        on_device_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Args: limits, the engine, a monotonic clock, and who ends the process: when a client
        asks for it, and when the device needs a new one."""
        self.config = config
        self.pool = pool
        self.instance_id = secrets.token_hex(16)
        self.blobs = BlobStore(max_bytes=config.max_blob_bytes)
        self.sessions = SessionStore(max_sessions=config.max_sessions, clock=clock)
        self.worker = Worker(
            pool,
            clock=clock,
            max_snapshot_bytes=config.max_body_bytes,
            on_device_lost=on_device_lost,
        )
        self.jobs = JobStore(
            max_queued=config.max_queued_jobs,
            max_kept=config.max_jobs_kept,
            max_result_bytes=config.max_result_bytes,
            kept_s=config.job_kept_s,
            preview_interval_s=config.preview_interval_s,
            clock=clock,
            on_asked=self.worker.wake,
        )
        self.clock = clock
        self.on_shutdown = on_shutdown
        self._heard_s = clock()
        self._admission = threading.Lock()
        self._is_stopping = False

    def start(self) -> None:
        """Start the worker, which loads the engine."""
        self.worker.start()

    def open_session(self, request: CreateSession) -> Session:
        """A session over pixels that were uploaded before.

        Raises:
            ProblemError: what is missing, too large or of the wrong length.
        """
        self._model(request.model)
        spec = SessionSpec(
            model=request.model,
            bounds_canvas=request.bounds_canvas,
            pixels=self._pixels(request.image, "/image"),
            pixel_format="bgra8" if request.image.format == "bgra8" else "rgba8",
            editable_mask=(
                None
                if request.editable_mask is None
                else self._pixels(request.editable_mask, "/editable_mask")
            ),
            result_form=request.result_form,
            snapshot=None if request.snapshot is None else self.blobs.get(request.snapshot),
        )
        with self._admission:
            self._refuse_when_stopping()
            self._make_room_for_session()
            return self.sessions.create(spec)

    def start_job(self, session: Session, request: StartJob) -> JobRecord:
        """The job of this id, queued now or known already.

        Raises:
            ProblemError: the points leave the window, or the job cannot be taken.
        """
        _check_points(session, request.pairs)
        with self._admission:
            self._refuse_when_stopping()
            record, is_new = self.jobs.submit(session, request)
            if is_new:
                self.worker.submit(record)
        self.jobs.drop_oldest()
        return record

    def job(self, job_id: str) -> JobRecord:
        """The job, with its session's lease renewed.

        Raises:
            ProblemError: ``job-expired`` or ``job-missing``.
        """
        record = self.jobs.get(job_id)
        record.session.touch(self.clock())
        return record

    def set_pairs(self, record: JobRecord, pairs: tuple[PointPair, ...]) -> None:
        """Let a drag go on with these pairs.

        Raises:
            ProblemError: the points leave the window, or the job drags no more.
        """
        _check_points(record.session, pairs)
        record.set_pairs(pairs)

    def propose_region(self, request: ProposeRegion) -> RegionReply:
        """The window that our own plug-ins would send.

        Raises:
            ProblemError: ``no-region`` with the sentence that says what is missing.
        """
        model = self._model(request.model)
        try:
            window = propose_window(
                selection=request.selection,
                layer_content=request.layer_content,
                points=request.points,
                canvas=request.canvas,
                aspect=model.aspect,
            )
        except InputProblem as problem:
            raise ProblemError("no-region", problem.message, hint=problem.hint) from problem
        return RegionReply(
            bounds_canvas=window, px_per_feature=window.height / model.feature_side_px
        )

    def shut_down(self, *, is_forced: bool) -> None:
        """End the process soon.

        Raises:
            ProblemError: ``sessions-in-use`` when somebody works and it is not forced.
        """
        count = len(self.sessions.heard_within(self.config.client_lease_s))
        if count and not is_forced:
            raise ProblemError("sessions-in-use", f"{count} open edits were used a moment ago.")
        self.on_shutdown()

    def close_session(self, session_id: str) -> None:
        """Cancel the session's jobs and free its engine; closing twice is all right."""
        session = self.sessions.remove(session_id)
        if session is None:
            return
        for record in self.jobs.active(session):
            record.ask_cancel()
        self.worker.free(session)

    def expire(self) -> None:
        """End what nobody asks for any more: jobs of vanished clients, then the engines of idle
        sessions, then these sessions themselves."""
        for session in self.sessions.idle_for(self.config.client_lease_s):
            for record in self.jobs.active(session):
                _log.info("Job %s is cancelled: its client was not heard of.", record.id)
                record.ask_cancel(_CLIENT_VANISHED.message())
        for session in self.sessions.idle_for(self.config.engine_lease_s):
            is_busy = self.jobs.active(session) or self.worker.has_turns(session)
            if session.engine is not None and session.is_written_down and not is_busy:
                self.worker.free(session)
        for session in self.sessions.idle_for(self.config.session_lease_s):
            self.close_session(session.id)
        self.jobs.drop_oldest()

    def note_request(self) -> None:
        """A client was heard."""
        self._heard_s = self.clock()

    def quiet_s(self) -> float:
        """For how long nothing was asked for, streamed or computed."""
        if self.jobs.active():
            return 0.0
        touched_s = [session.touched_s for session in self.sessions.all()]
        return self.clock() - max([self._heard_s, *touched_s])

    def refuse_new_work(self) -> None:
        """From now on sessions and jobs get ``server-stopping``."""
        with self._admission:
            self._is_stopping = True

    def stop(self) -> bool:
        """Admit nothing more, cancel, end every stream, join the worker.

        In this order, because streams that still wait would hold the server's threads (6.2 s
        instead of 0.07 s in our measurement of waitress).

        Returns:
            Whether the worker ended in time.
        """
        self.refuse_new_work()
        for record in self.jobs.active():
            record.ask_cancel(_BRIDGE_STOPS.message())
        for record in self.jobs.all():
            record.tell_stopping()
        for session in self.sessions.all():
            self.close_session(session.id)
        return self.worker.stop(self.config.stop_timeout_s)

    def _refuse_when_stopping(self) -> None:
        if self._is_stopping:
            raise ProblemError("server-stopping", "The bridge is stopping.")

    def _make_room_for_session(self) -> None:
        # An editor that was killed cannot close its session: the one idle for longest gives way.
        if len(self.sessions) < self.config.max_sessions:
            return
        for session in self.sessions.idle_for(self.config.client_lease_s):
            if not self.jobs.active(session):
                self.close_session(session.id)
                return

    def _model(self, name: str) -> ModelInfo:
        for model in self.pool.models():
            if model.id == name and model.is_installed:
                return model
        raise ProblemError("model-missing", f"There is no model {name}.")

    def _pixels(self, image: ImageRef, pointer: str) -> bytes:
        if image.byte_count > self.config.max_body_bytes:
            raise ProblemError(
                "image-too-large",
                f"{image.width} x {image.height} px are more than this bridge takes.",
            )
        content = self.blobs.get(image.sha256)
        if len(content) != image.byte_count:
            message = f"the blob has {len(content)} bytes where {image.byte_count} are needed"
            raise ProblemError(
                "invalid-request",
                f"At {pointer}: {message}.",
                errors=(FieldError(pointer=pointer, message=message),),
            )
        return content


def _check_points(session: Session, pairs: tuple[PointPair, ...]) -> None:
    window = session.spec.bounds_canvas
    errors = tuple(
        FieldError(
            pointer=f"/pairs/{index}/{name}",
            message=f"({point.x:g}, {point.y:g}) lies outside the window",
        )
        for index, pair in enumerate(pairs)
        for name, point in (("handle", pair.handle), ("target", pair.target))
        if not window.contains(point)
    )
    if errors:
        raise ProblemError(
            "invalid-request", f"At {errors[0].pointer}: {errors[0].message}.", errors=errors
        )
