"""ThreadPool: the engine in the bridge's own process, driven by the worker's thread.

The only file of the server that imports the engine, and torch through it; it does so on
``warm_up``, so that the bridge answers long before. It turns canvas pixels and bytes into the
engine's window pixels and arrays, and back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bridge_client.geometry import Bounds, Point, canvas_to_frame, frame_to_canvas
from bridge_client.messages import EndReason, JobKind
from bridge_server import wire
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EngineStep,
    EngineTask,
    InversionStep,
    LayerPixels,
    RgbImage,
    SessionSpec,
)

Bytes = npt.NDArray[np.uint8]
XY = tuple[float, float]


class WindowSession(Protocol):
    """What the pool needs of ``engine.session.EditingSession``."""

    def invert(self) -> Iterator[Any]:
        """Yields records with step_index, step_budget, loss."""

    def drag(self, pairs: Sequence[Any], step_budget: int | None) -> Iterator[Any]:
        """Yields records with step_index, step_budget, handles_window, distance_px, end_reason."""

    def preview(self) -> RgbImage:
        """(S, S, 3), uint8, RGB."""

    def result(self) -> Any:
        """A record with pixels (h, w, 4) uint8 straight RGBA, and x, y in window px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineApi:
    """The engine's names that the pool uses; a test passes its own."""

    load_generator: Callable[[str], Any]
    """The generator of a model by name."""
    open_session: Callable[[Any, Bytes, Bytes | None], WindowSession]
    """From generator, (H, W, 4) straight RGBA, and (H, W) editable mask or None."""
    make_pair: Callable[[XY, XY], Any]
    """From handle and target in window px."""
    failure_codes: tuple[tuple[type[Exception], str], ...]
    """Engine errors and their codes on the wire; the first that fits counts."""
    devices: tuple[str, ...]


def import_engine() -> EngineApi:
    """The real engine; takes seconds, because it imports torch."""
    from engine import device, errors, geometry, session
    from engine.checkpoints import catalogue

    device.leave_one_processor()
    return EngineApi(
        load_generator=catalogue.load_generator,
        open_session=session.EditingSession,
        make_pair=lambda handle, target: geometry.PointPair(
            handle=geometry.Point(*handle), target=geometry.Point(*target)
        ),
        failure_codes=(
            (errors.CheckpointError, "model-rejected"),
            (errors.InversionDiverged, "inversion-diverged"),
            (errors.OutOfDeviceMemory, "out-of-vram"),
            (errors.DeviceLost, "device-lost"),
            (errors.EngineError, "engine-failed"),
        ),
        devices=(str(device.choose_device()),),
    )


class ThreadPool:
    """One engine, one generator, in this process."""

    def __init__(self, load_engine: Callable[[], EngineApi] = import_engine) -> None:
        """Args: how the engine is had; called once, when it is first needed."""
        self._load_engine = load_engine
        self._engine: EngineApi | None = None
        self._generators: dict[str, Any] = {}

    def models(self) -> tuple[str, ...]:
        """The default model; others come with the catalogue."""
        return ("default",)

    def devices(self) -> tuple[str, ...]:
        """Devices in use; empty before the engine is loaded."""
        return () if self._engine is None else self._engine.devices

    def warm_up(self) -> None:
        """Import the engine and load the default model.

        Raises:
            EngineFailure: the engine or its model is not usable.
        """
        engine = self._imported()
        self._generator(engine, "default")
        self._engine = engine

    def open(self, spec: SessionSpec) -> ThreadSession:
        """A session of the spec.

        Raises:
            EngineFailure: the model is not usable, or memory is short.
        """
        # No warm-up: a session of another model must not need the default one, nor wait for it.
        engine = self._engine = self._imported()
        generator = self._generator(engine, spec.model)
        bounds = spec.bounds_canvas
        window = wire.unpack_pixels(spec.pixels, bounds.height, bounds.width, spec.pixel_format)
        mask = (
            None
            if spec.editable_mask is None
            else wire.unpack_mask(spec.editable_mask, bounds.height, bounds.width)
        )
        with told_failures(engine):
            try:
                session = engine.open_session(generator, window, mask)
            except ValueError as error:  # the engine's word for a window or mask it cannot take
                raise EngineFailure("invalid-request", str(error)) from error
        return ThreadSession(engine, session, spec)

    def _imported(self) -> EngineApi:
        if self._engine is not None:
            return self._engine
        try:
            return self._load_engine()
        except ImportError as error:
            raise EngineFailure("engine-unavailable", "A part of the engine is missing.") from error

    def _generator(self, engine: EngineApi, model: str) -> Any:
        if model not in self._generators:
            with told_failures(engine):
                self._generators[model] = engine.load_generator(model)
        return self._generators[model]


class ThreadSession:
    """One ``EditingSession`` in canvas pixels and bytes."""

    def __init__(self, engine: EngineApi, session: WindowSession, spec: SessionSpec) -> None:
        """Args: the engine's names, its session, and what the session was made of."""
        self._engine = engine
        self._session: WindowSession | None = session
        self._window_canvas = spec.bounds_canvas
        self._pixel_format = spec.pixel_format
        self._is_inverted = False

    @property
    def is_inverted(self) -> bool:
        """Whether a drag starts at once."""
        return self._is_inverted

    def run(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        """The inversion where it is asked for or still needed, then the drag.

        Raises:
            EngineFailure: the engine could not do a step.
        """
        with told_failures(self._engine):
            if task.kind is JobKind.INVERT or not self._is_inverted:
                yield from self._invert()
            if task.kind is JobKind.DRAG:
                yield from self._drag(task)

    def preview(self) -> RgbImage:
        """The model's render of the present state."""
        with told_failures(self._engine):
            return np.ascontiguousarray(self._open_session().preview())

    def result(self) -> LayerPixels:
        """The present state as a layer on the canvas, in the request's own order of bytes."""
        with told_failures(self._engine):
            patch = self._open_session().result()
        height, width = patch.pixels.shape[:2]
        corner = self._window_canvas
        return LayerPixels(
            bounds_canvas=Bounds(corner.x + patch.x, corner.y + patch.y, width, height),
            pixels=wire.pack_pixels(patch.pixels, self._pixel_format),
            pixel_format=self._pixel_format,
        )

    def close(self) -> None:
        """Let go of the engine's session and its tensors."""
        self._session = None

    def _invert(self) -> Generator[EngineStep, None, None]:
        for step in self._open_session().invert():
            yield InversionStep(
                step_index=step.step_index, step_budget=step.step_budget, loss=step.loss
            )
        # Only now: an inversion that was cancelled is begun anew by the next job.
        self._is_inverted = True

    def _drag(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        pairs = [
            self._engine.make_pair(self._to_window(pair.handle), self._to_window(pair.target))
            for pair in task.pairs
        ]
        for step in self._open_session().drag(pairs, task.step_budget):
            yield self._drag_step(step)

    def _drag_step(self, step: Any) -> DragStep:
        reason = step.end_reason
        return DragStep(
            step_index=step.step_index,
            step_budget=step.step_budget,
            handles_canvas=tuple(
                frame_to_canvas(Point(float(x), float(y)), self._window_canvas)
                for x, y in step.handles_window
            ),
            distance_px=float(step.distance_px),
            end_reason=None if reason is None else EndReason(reason.value),
        )

    def _to_window(self, point: Point) -> XY:
        moved = canvas_to_frame(point, self._window_canvas)
        return moved.x, moved.y

    def _open_session(self) -> WindowSession:
        if self._session is None:
            raise ValueError("The session is closed: open another one.")
        return self._session


@contextlib.contextmanager
def told_failures(engine: EngineApi) -> Iterator[None]:
    """Engine errors leave as ``EngineFailure`` with their code; all others pass as they are."""
    try:
        yield
    except tuple(kind for kind, _ in engine.failure_codes) as error:
        code = next(code for kind, code in engine.failure_codes if isinstance(error, kind))
        raise EngineFailure(code, str(error)) from error
