"""One edit from request to layer, in this process or through the bridge, told by the same
events."""

import contextlib
import signal
import time
from collections.abc import Generator, Iterator
from types import FrameType

from bridge_client import (
    BridgeClient,
    ClientError,
    DragProgress,
    EditRequest,
    EditState,
    EditWorker,
    Failed,
    InversionProgress,
    LayerResult,
    PreviewReady,
    ResultReady,
    StateChanged,
    WorkerEvent,
)
from bridge_client.discovery import read_discovery_file, runtime_folder
from bridge_client.edit import ResultReason
from bridge_client.messages import JobKind
from bridge_server import wire
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EnginePool,
    EngineSession,
    EngineTask,
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


def edit_in_process(
    request: EditRequest, stop: StopRequest, pool: EnginePool | None = None
) -> Generator[WorkerEvent, None, None]:
    """Edits with the engine of this process.

    Args:
        request: the edit.
        stop: asked after each step.
        pool: the engine of several edits, which keeps its models and what it has inverted; None
            for one of this edit's own.

    Yields:
        What the bridge's worker would tell; a `ResultReady` or `Failed` last.
    """
    try:
        yield from _edit(_open_session(request, pool or ThreadPool()), request, stop)
    except EngineFailure as failure:
        yield Failed(failure.message, "")
    except ValueError as mistake:
        # The engine's word for input that makes no edit.
        yield Failed(str(mistake), "")


def _open_session(request: EditRequest, pool: EnginePool) -> EngineSession:
    spec = SessionSpec(
        model=request.model,
        bounds_canvas=request.window_canvas,
        pixels=request.pixels,
        pixel_format=request.pixel_order,
        editable_mask=request.mask,
    )
    return pool.open(spec)


def _edit(session: EngineSession, request: EditRequest, stop: StopRequest) -> Iterator[WorkerEvent]:
    yield StateChanged(EditState.INVERTING)
    with contextlib.closing(session.run(EngineTask(kind=JobKind.INVERT))) as steps:
        for step in steps:
            if not isinstance(step, InversionStep):
                continue
            yield InversionProgress(step.step_index, step.step_budget, step.loss)
            if stop.is_set:
                yield StateChanged(EditState.CANCELLED)
                return
    yield StateChanged(EditState.DRAGGING)
    reason: ResultReason = "cancelled"
    task = EngineTask(kind=JobKind.DRAG, pairs=request.pairs, step_budget=request.step_budget)
    with contextlib.closing(session.run(task)) as steps:
        for step in steps:
            if not isinstance(step, DragStep):
                continue
            yield DragProgress(
                step.step_index,
                step.step_budget,
                step.handles_canvas,
                step.distance_px,
                step.confidences,
            )
            if step.step_index % PREVIEW_EVERY_STEPS == 0 or step.end_reason is not None:
                yield PreviewReady(wire.encode_preview(session.preview()))
            if step.end_reason is not None:
                reason = step.end_reason.value
            elif stop.is_set:
                break
    layer = session.result()
    yield ResultReady(LayerResult(layer.bounds_canvas, layer.pixels, layer.pixel_format), reason)
    yield StateChanged(EditState.CANCELLED if reason == "cancelled" else EditState.DONE)


def edit_via_bridge(request: EditRequest, stop: StopRequest) -> Generator[WorkerEvent, None, None]:
    """Edits through the bridge that runs on this machine; the bytes are those of
    `edit_in_process`."""
    worker = EditWorker(_connect)
    worker.start(request)
    try:
        while True:
            if stop.is_set:
                worker.cancel()
            for event in worker.drain():
                yield event
                if isinstance(event, StateChanged) and not event.state.is_busy:
                    return
            time.sleep(_POLL_S)
    finally:
        worker.close()


def _connect() -> BridgeClient:
    record = read_discovery_file(runtime_folder())
    if record is None:
        raise ClientError(
            "No bridge runs on this machine.", "Start one in another terminal: draglayer serve"
        )
    return BridgeClient.prove(record)
