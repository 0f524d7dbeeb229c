"""ThreadPool: the engine in the bridge's own process, driven by the worker's thread.

The only file of the server that imports the engine, and torch through it; it does so on
``warm_up``, so that the bridge answers long before. It turns canvas pixels and bytes into the
engine's window pixels and arrays, and back.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from bridge_client.geometry import Bounds, Point, PointPair, canvas_to_frame, frame_to_canvas
from bridge_client.messages import (
    EndReason,
    HandleHint,
    HistoryState,
    InversionProfile,
    JobKind,
    Match,
    MatchLevel,
    ModelInfo,
)
from bridge_server import wire
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EngineStep,
    EngineTask,
    HintStep,
    HistoryStep,
    InversionStep,
    LayerPixels,
    RgbImage,
    SessionSpec,
)
from bridge_server.pools.model_files import installed_models

Bytes = npt.NDArray[np.uint8]
XY = tuple[float, float]


class WindowSession(Protocol):
    """What the pool needs of ``engine.session.EditingSession``."""

    @property
    def undo_depth(self) -> int:
        """How many drags can be undone."""

    @property
    def redo_depth(self) -> int:
        """How many drags can be redone."""

    @property
    def trajectory(self) -> int:
        """How many steps of the present drag are kept."""

    @property
    def position(self) -> int:
        """Which of them is shown."""

    @property
    def amount(self) -> float:
        """How strongly the present drag is shown."""

    @property
    def match(self) -> Any:
        """A record with share, level and sentence."""

    def invert(self, params: Any) -> Iterator[Any]:
        """Yields records with step_index, step_budget, loss, match."""

    def drag(self, pairs: Sequence[Any], step_budget: int | None) -> Iterator[Any]:
        """Yields records with step_index, step_budget, handles_window, confidences, distance_px,
        end_reason."""

    def set_pairs(self, pairs: Sequence[Any]) -> None:
        """Changes what the drag that runs drags."""

    def handle_hint(self, handle: Any) -> Any:
        """A record with confidence, is_trackable, best_place_window, best_confidence."""

    def undo(self) -> None:
        """Goes back to what was shown before the present drag."""

    def redo(self) -> None:
        """Shows the drag that was undone last."""

    def scrub(self, position: int) -> None:
        """Shows another step of the present drag."""

    def set_amount(self, amount: float) -> None:
        """Shows the present drag weaker or stronger."""

    def snapshot(self, *, with_pixels: bool) -> bytes:
        """The history as bytes."""

    def preview(self) -> RgbImage:
        """(S, S, 3), uint8, RGB."""

    def result(self) -> Any:
        """A record with pixels (h, w, 4) uint8 straight RGBA, and x, y in window px, in the form
        that the session was opened for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineApi:
    """The engine's names that the pool uses; a test passes its own."""

    load_generator: Callable[[str], Any]
    """The generator of a model by name."""
    open_session: Callable[..., WindowSession]
    """From generator, (H, W, 4) straight RGBA, (H, W) editable mask or None, and form=."""
    restore_session: Callable[..., WindowSession]
    """The same, and where a session stood."""
    make_pair: Callable[[XY, XY], Any]
    """From handle and target in window px."""
    result_form: Callable[[str], Any]
    """How to give the edit, by the name of a form."""
    inversion_params: Callable[[str], Any]
    """How to invert, by the name of a profile."""
    failure_codes: tuple[tuple[type[Exception], str], ...]
    """Engine errors and their codes on the wire; the first that fits counts."""
    devices: tuple[str, ...]


def import_engine() -> EngineApi:
    """The real engine; takes seconds, because it imports torch."""
    from engine import composite, device, errors, geometry, session
    from engine.checkpoints import catalogue
    from engine.inversion import stages
    from engine.inversion.cache import InversionCache

    device.leave_one_processor()
    return EngineApi(
        load_generator=catalogue.load_generator,
        open_session=functools.partial(session.EditingSession, inversions=InversionCache()),
        restore_session=lambda generator, window, mask, snapshot, form: (
            session.EditingSession.restore(
                generator, snapshot, window_rgba=window, editable_mask=mask, form=form
            )
        ),
        make_pair=lambda handle, target: geometry.PointPair(
            handle=geometry.Point(*handle), target=geometry.Point(*target)
        ),
        result_form=composite.ResultForm,
        inversion_params=lambda profile: stages.PROFILES[stages.InversionProfile(profile)],
        failure_codes=(
            (errors.CheckpointError, "model-rejected"),
            (errors.SnapshotError, "snapshot-rejected"),
            (errors.InversionDiverged, "inversion-diverged"),
            (errors.OutOfDeviceMemory, "out-of-vram"),
            (errors.DeviceLost, "device-lost"),
            (errors.EngineError, "engine-failed"),
        ),
        devices=(str(device.choose_device()),),
    )


class ThreadPool:
    """One engine, one generator, in this process."""

    def __init__(
        self,
        load_engine: Callable[[], EngineApi] = import_engine,
        read_models: Callable[[], tuple[ModelInfo, ...]] = installed_models,
    ) -> None:
        """Args: how the engine is had, called once, when it is first needed; and the catalogue,
        which is read without it."""
        self._load_engine = load_engine
        self._read_models = read_models
        self._engine: EngineApi | None = None
        self._generators: dict[str, Any] = {}

    def models(self) -> tuple[ModelInfo, ...]:
        """The catalogue."""
        return tuple(
            replace(model, is_loaded=model.id in self._generators) for model in self._read_models()
        )

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
        form = engine.result_form(spec.result_form.value)
        with told_failures(engine):
            if spec.snapshot is None:
                with told_refusals():
                    session = engine.open_session(generator, window, mask, form=form)
            else:
                session = engine.restore_session(generator, window, mask, spec.snapshot, form=form)
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
        self._pixel_format, self._form = spec.pixel_format, spec.result_form
        # Only what has ended well is written down.
        self._is_inverted = spec.snapshot is not None
        self._is_dragging = False
        self._pairs: tuple[PointPair, ...] = ()

    @property
    def is_inverted(self) -> bool:
        """Whether a drag starts at once."""
        return self._is_inverted

    @property
    def history(self) -> HistoryState:
        """Where the session stands."""
        session = self._open_session()
        return HistoryState(
            undo_depth=session.undo_depth,
            redo_depth=session.redo_depth,
            position=session.position,
            last_position=session.trajectory - 1,
            amount=session.amount,
        )

    @property
    def match(self) -> Match | None:
        """How well the model can draw the window."""
        if not self._is_inverted:
            return None
        with told_failures(self._engine):
            return _match(self._open_session().match)

    def run(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        """The inversion where it is asked for or still needed, then the drag; or a move through
        the history.

        Raises:
            EngineFailure: the engine could not do a step, or there is nothing to move to.
        """
        with told_failures(self._engine):
            if task.kind in (JobKind.UNDO, JobKind.REDO, JobKind.SHOW):
                self._move(task)
                yield HistoryStep()
                return
            self._pairs = task.pairs
            if task.kind is JobKind.INVERT or not self._is_inverted:
                yield from self._invert(task.profile)
            if task.kind is JobKind.DRAG:
                yield from self._drag(task.step_budget)
            elif task.kind is JobKind.CHECK:
                yield HintStep(hints=tuple(self._hint(pair) for pair in self._engine_pairs()))

    def set_pairs(self, pairs: tuple[PointPair, ...]) -> None:
        """What the drag drags from its next step on."""
        self._pairs = pairs
        if self._is_dragging:
            with told_failures(self._engine), told_refusals():
                self._open_session().set_pairs(self._engine_pairs())

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
            form=self._form,
        )

    def snapshot(self) -> bytes:
        """The session's history as bytes."""
        with told_failures(self._engine):
            # The bridge has the pixels: they would be most of what is written down at each step.
            return self._open_session().snapshot(with_pixels=False)

    def close(self) -> None:
        """Let go of the engine's session and its tensors."""
        self._session = None

    def _invert(self, profile: InversionProfile) -> Generator[EngineStep, None, None]:
        for step in self._open_session().invert(self._engine.inversion_params(profile.value)):
            yield InversionStep(
                step_index=step.step_index,
                step_budget=step.step_budget,
                loss=step.loss,
                match=None if step.match is None else _match(step.match),
            )
        # Only now: an inversion that was cancelled is begun anew by the next job.
        self._is_inverted = True

    def _drag(self, step_budget: int | None) -> Generator[EngineStep, None, None]:
        steps = self._open_session().drag(self._engine_pairs(), step_budget)
        # Closed by hand: the drag must be in the engine's history when the worker goes on.
        with contextlib.closing(cast(Generator[Any, None, None], steps)):
            try:
                for step in steps:
                    self._is_dragging = True
                    yield self._drag_step(step)
            finally:
                self._is_dragging = False

    def _hint(self, pair: Any) -> HandleHint:
        hint = self._open_session().handle_hint(pair.handle)
        x, y = hint.best_place_window
        return HandleHint(
            confidence=float(hint.confidence),
            is_trackable=bool(hint.is_trackable),
            best_place_canvas=frame_to_canvas(Point(float(x), float(y)), self._window_canvas),
            best_confidence=float(hint.best_confidence),
        )

    def _move(self, task: EngineTask) -> None:
        session = self._open_session()
        if not self._is_inverted:
            raise EngineFailure("history-end", "The layer was not found in the model yet.")
        is_at_end = {
            JobKind.UNDO: session.undo_depth == 0,
            JobKind.REDO: session.redo_depth == 0,
        }
        if is_at_end.get(task.kind, False):
            raise EngineFailure("history-end", f"There is nothing to {task.kind.value}.")
        with told_refusals():
            if task.kind is JobKind.UNDO:
                session.undo()
            elif task.kind is JobKind.REDO:
                session.redo()
            if task.position is not None:
                session.scrub(task.position)
            if task.amount is not None:
                session.set_amount(task.amount)

    def _engine_pairs(self) -> list[Any]:
        return [
            self._engine.make_pair(self._to_window(pair.handle), self._to_window(pair.target))
            for pair in self._pairs
        ]

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
            confidences=tuple(float(each) for each in step.confidences),
            end_reason=None if reason is None else EndReason(reason.value),
        )

    def _to_window(self, point: Point) -> XY:
        moved = canvas_to_frame(point, self._window_canvas)
        return moved.x, moved.y

    def _open_session(self) -> WindowSession:
        if self._session is None:
            raise ValueError("The session is closed: open another one.")
        return self._session


def _match(match: Any) -> Match:
    return Match(share=match.share, level=MatchLevel(match.level.value), sentence=match.sentence)


@contextlib.contextmanager
def told_refusals() -> Iterator[None]:
    """The engine's word for what it cannot take is the artist's to change."""
    try:
        yield
    except ValueError as error:
        raise EngineFailure("invalid-request", str(error)) from error


@contextlib.contextmanager
def told_failures(engine: EngineApi) -> Iterator[None]:
    """Engine errors leave as ``EngineFailure`` with their code; all others pass as they are."""
    try:
        yield
    except tuple(kind for kind, _ in engine.failure_codes) as error:
        code = next(code for kind, code in engine.failure_codes if isinstance(error, kind))
        raise EngineFailure(code, str(error)) from error
