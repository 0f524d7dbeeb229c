"""One edit from request to layer, in this process or through the bridge, told by the same
events."""

import contextlib
import signal
import time
from collections.abc import Generator, Iterator, Sequence
from types import FrameType

from bridge_client import (
    BridgeClient,
    ClientError,
    DragProgress,
    EditRequest,
    EditState,
    EditWorker,
    Failed,
    HandlesChecked,
    InversionProgress,
    LayerResult,
    MatchMeasured,
    PreviewReady,
    ResultReady,
    StateChanged,
    WorkerEvent,
)
from bridge_client.discovery import read_discovery_file, runtime_folder
from bridge_client.edit import ResultReason
from bridge_client.messages import HistoryState, JobKind
from bridge_server import wire
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EnginePool,
    EngineSession,
    EngineStep,
    EngineTask,
    HintStep,
    InversionStep,
    SessionSpec,
)
from bridge_server.pools.thread import ThreadPool

PREVIEW_EVERY_STEPS = 4
_POLL_S = 0.03


class StopRequest:
    """Ctrl-C as a question that the loop asks: once stops after the step, twice ends at once."""

    def __init__(self) -> None:
        self.is_set = False

    def __enter__(self) -> "StopRequest":
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *details: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.is_set = True


class LocalEdit:
    """An edit with the engine of this process; its session stays when its events have ended.

    Args:
        spec: what the session is made of.
        pool: the engine of several edits, which keeps its models and what it has inverted; None
            for one of this edit's own.
    """

    def __init__(self, spec: SessionSpec, pool: EnginePool | None = None) -> None:
        self._spec = spec
        self._pool = pool or ThreadPool()
        self._session: EngineSession | None = None

    @property
    def history(self) -> HistoryState:
        """Where the session stands."""
        return self._opened().history

    def snapshot(self) -> bytes:
        """Gives the session without its pixels, for `SessionSpec.snapshot`."""
        return self._opened().snapshot()

    def run(
        self, tasks: Sequence[EngineTask], stop: StopRequest
    ) -> Generator[WorkerEvent, None, None]:
        """Does the tasks in turn.

        Yields:
            What the bridge's worker would tell; a `ResultReady` or `Failed` last, and the state.
        """
        try:
            yield from self._events(tasks, stop)
        except EngineFailure as failure:
            yield Failed(failure.message, "")
        except ValueError as mistake:
            # The engine's word for input that makes no edit.
            yield Failed(str(mistake), "")

    def _opened(self) -> EngineSession:
        if self._session is None:
            self._session = self._pool.open(self._spec)
        return self._session

    def _events(self, tasks: Sequence[EngineTask], stop: StopRequest) -> Iterator[WorkerEvent]:
        session = self._opened()
        reason: ResultReason = "shown"
        for task in tasks:
            yield StateChanged(_STATES[task.kind])
            with contextlib.closing(session.run(task)) as steps:
                for step in steps:
                    yield from self._told(task, step)
                    if isinstance(step, DragStep):
                        reason = "cancelled" if step.end_reason is None else step.end_reason.value
                    if stop.is_set:
                        break
            if stop.is_set:
                break
        if stop.is_set and reason == "shown":
            yield StateChanged(EditState.CANCELLED)
            return
        layer = session.result()
        result = LayerResult(layer.bounds_canvas, layer.pixels, layer.pixel_format, layer.form)
        yield ResultReady(result, reason)
        yield StateChanged(EditState.CANCELLED if reason == "cancelled" else EditState.DONE)

    def _told(self, task: EngineTask, step: EngineStep) -> Iterator[WorkerEvent]:
        if isinstance(step, InversionStep):
            yield InversionProgress(step.step_index, step.step_budget, step.loss)
            if step.match is not None:
                yield MatchMeasured(step.match)
        elif isinstance(step, HintStep):
            yield HandlesChecked(task.pairs, step.hints)
        elif isinstance(step, DragStep):
            yield DragProgress(
                step.step_index,
                step.step_budget,
                step.handles_canvas,
                step.distance_px,
                step.confidences,
            )
            if step.step_index % PREVIEW_EVERY_STEPS == 0 or step.end_reason is not None:
                yield PreviewReady(wire.encode_preview(self._opened().preview()))


_STATES = {
    JobKind.INVERT: EditState.INVERTING,
    JobKind.CHECK: EditState.CHECKING,
    JobKind.DRAG: EditState.DRAGGING,
    JobKind.UNDO: EditState.SHOWING,
    JobKind.REDO: EditState.SHOWING,
    JobKind.SHOW: EditState.SHOWING,
}


def session_spec(request: EditRequest) -> SessionSpec:
    """Gives what the session of an edit is made of."""
    return SessionSpec(
        model=request.model,
        bounds_canvas=request.window_canvas,
        pixels=request.pixels,
        pixel_format=request.pixel_order,
        editable_mask=request.mask,
        result_form=request.result_form,
    )


def drag_tasks(request: EditRequest) -> tuple[EngineTask, ...]:
    """Gives what is to be done for an edit: its picture found in the model, then a look at the
    handles, then the drag."""
    return (
        EngineTask(kind=JobKind.INVERT, profile=request.profile),
        EngineTask(kind=JobKind.CHECK, pairs=request.pairs),
        EngineTask(kind=JobKind.DRAG, pairs=request.pairs, step_budget=request.step_budget),
    )


def edit_in_process(
    request: EditRequest, stop: StopRequest, pool: EnginePool | None = None
) -> Generator[WorkerEvent, None, None]:
    """Edits with the engine of this process; the arguments and events are `LocalEdit`'s."""
    return LocalEdit(session_spec(request), pool).run(drag_tasks(request), stop)


def edit_via_bridge(request: EditRequest, stop: StopRequest) -> Generator[WorkerEvent, None, None]:
    """Edits through the bridge that runs on this machine; the bytes are those of
    `edit_in_process`."""
    worker = EditWorker(_connect)
    try:
        worker.check(request)
        if (yield from _followed(worker, stop)) is EditState.DONE:
            worker.start(request)
            yield from _followed(worker, stop)
    finally:
        worker.close()


def _followed(worker: EditWorker, stop: StopRequest) -> Generator[WorkerEvent, None, EditState]:
    """Gives a command's events, and returns where it ended."""
    while True:
        if stop.is_set:
            worker.cancel()
        for event in worker.drain():
            yield event
            if isinstance(event, StateChanged) and not event.state.is_busy:
                return event.state
        time.sleep(_POLL_S)


def _connect() -> BridgeClient:
    record = read_discovery_file(runtime_folder())
    if record is None:
        raise ClientError(
            "No bridge runs on this machine.", "Start one in another terminal: draglayer serve"
        )
    return BridgeClient.prove(record)
