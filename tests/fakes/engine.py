"""FakeEngine: an engine pool that works, step by step as a script says, without torch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import (
    EndReason,
    HandleHint,
    HistoryState,
    JobKind,
    Match,
    MatchLevel,
    ModelInfo,
    ResultForm,
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

PATIENCE_S = 10.0
PREVIEW_SIDE_PX = 16
FAIR_MATCH = Match(share=0.85, level=MatchLevel.FAIR, sentence="The model draws this roughly.")


class StepGate:
    """Lets a test decide when each step is made."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._allowed = 0
        self._made = 0
        self._waiting = 0

    def allow(self, steps: int) -> None:
        """Let so many further steps pass."""
        with self._changed:
            self._allowed += steps
            self._changed.notify_all()

    def open(self) -> None:
        """Let every step pass from now on."""
        self.allow(1 << 30)

    def pass_step(self) -> None:
        """Called by the engine before each step."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._made < self._allowed, PATIENCE_S):
                raise TimeoutError("The test never allowed this step.")
            self._waiting -= 1
            self._made += 1

    @property
    def is_waiting(self) -> bool:
        """Whether the engine stands before a step that is not allowed yet."""
        with self._changed:
            return self._waiting > 0 and self._made >= self._allowed

    def wait_waiting(self) -> None:
        """Until the engine stands before a step that is not allowed yet."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._waiting > 0 and self._made >= self._allowed, PATIENCE_S
            ):
                raise TimeoutError("The engine never came to the next step.")

    @property
    def made(self) -> int:
        """Steps made so far."""
        with self._changed:
            return self._made


class OpenGate(StepGate):
    """Lets everything pass."""

    def __init__(self) -> None:
        super().__init__()
        self.open()


@dataclass(kw_only=True)
class FakeScript:
    """What the engine will do."""

    inversion_steps: int = 3
    match: Match = FAIR_MATCH
    drag_steps: int = 5
    end_reason: EndReason = EndReason.REACHED
    fail_warm_up: Exception | None = None
    fail_open: Exception | None = None
    fail_drag: tuple[int, Exception] | None = None
    """Step index and what is raised instead of that step."""
    fail_snapshot: Exception | None = None
    snapshot_padding: bytes = b""
    before_warm_up: Callable[[], None] = lambda: None


@dataclass(kw_only=True)
class FakeEngine:
    """An ``EnginePool``."""

    script: FakeScript = field(default_factory=FakeScript)
    gate: StepGate = field(default_factory=OpenGate)
    sessions: list[FakeSession] = field(default_factory=list)
    thread_names: set[str] = field(default_factory=set)
    is_warm: bool = False

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(
            ModelInfo(
                id=name,
                title=f"The {name} model",
                licence="CC0-1.0",
                resolution_px=64,
                feature_side_px=16,
                aspect=aspect,
                is_installed=name != "lacking",
                is_loaded=self.is_warm,
            )
            for name, aspect in (("default", 1.0), ("other", 2.0), ("lacking", 1.0))
        )

    def devices(self) -> tuple[str, ...]:
        return ("fake",) if self.is_warm else ()

    def warm_up(self) -> None:
        self.script.before_warm_up()
        if self.script.fail_warm_up is not None:
            raise self.script.fail_warm_up
        self.is_warm = True

    def open(self, spec: SessionSpec) -> FakeSession:
        if self.script.fail_open is not None:
            raise self.script.fail_open
        session = FakeSession(self, spec)
        self.sessions.append(session)
        return session


class FakeSession:
    """An ``EngineSession``: handles walk straight to their targets, the edit inverts colours."""

    def __init__(self, engine: FakeEngine, spec: SessionSpec) -> None:
        self.spec = spec
        self.is_closed = False
        self.inversions = 0
        self.previews = 0
        self.tasks: list[EngineTask] = []
        self._engine = engine
        self._is_inverted = spec.snapshot is not None
        self._history = _read_snapshot(spec.snapshot)
        self._pairs: tuple[PointPair, ...] = ()
        self._has_ended = False

    @property
    def is_inverted(self) -> bool:
        return self._is_inverted

    @property
    def history(self) -> HistoryState:
        return self._history

    @property
    def match(self) -> Match | None:
        return self._engine.script.match if self._is_inverted else None

    def run(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        self.tasks.append(task)
        self._pairs = task.pairs
        if task.kind in (JobKind.UNDO, JobKind.REDO, JobKind.SHOW):
            self._step()
            self._move(task)
            yield HistoryStep()
            return
        if task.kind is JobKind.INVERT or not self._is_inverted:
            yield from self._invert()
        if task.kind is JobKind.DRAG:
            yield from self._drag(task.step_budget or 100)
        elif task.kind is JobKind.CHECK:
            self._step()
            yield HintStep(hints=tuple(_hint(pair) for pair in task.pairs))

    def set_pairs(self, pairs: tuple[PointPair, ...]) -> None:
        if self._has_ended:
            raise EngineFailure("invalid-request", "No drag runs.")
        self._pairs = pairs

    def preview(self) -> RgbImage:
        self.previews += 1
        shade = (40 * self.previews) % 256
        return np.full((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX, 3), shade, dtype=np.uint8)

    def result(self) -> LayerPixels:
        return fake_result(self.spec)

    def snapshot(self) -> bytes:
        if self._engine.script.fail_snapshot is not None:
            raise self._engine.script.fail_snapshot
        return json.dumps(asdict(self._history)).encode() + self._engine.script.snapshot_padding

    def close(self) -> None:
        self.is_closed = True

    def _invert(self) -> Generator[EngineStep, None, None]:
        budget = self._engine.script.inversion_steps
        for index in range(budget):
            self._step()
            yield InversionStep(
                step_index=index,
                step_budget=budget,
                loss=1.0 / (index + 1),
                match=self._engine.script.match if index == budget - 1 else None,
            )
        self._is_inverted = True
        self.inversions += 1

    def _drag(self, budget: int) -> Generator[EngineStep, None, None]:
        script = self._engine.script
        count = min(script.drag_steps, budget)
        depth = self._history.undo_depth + 1
        for index in range(count + 1):  # 0 is the picture before the first update
            self._step()
            if script.fail_drag is not None and script.fail_drag[0] == index:
                raise script.fail_drag[1]
            self._has_ended = index == count
            if index:
                self._history = HistoryState(undo_depth=depth, position=index, last_position=index)
            yield self._drag_step(index, count, budget)

    def _drag_step(self, index: int, count: int, budget: int) -> DragStep:
        share = index / count
        return DragStep(
            step_index=index,
            step_budget=budget,
            handles_canvas=tuple(_walked(pair, share) for pair in self._pairs),
            distance_px=_mean_distance(self._pairs) * (1 - share),
            confidences=tuple(0.9 for _ in self._pairs),
            end_reason=self._engine.script.end_reason if index == count else None,
        )

    def _move(self, task: EngineTask) -> None:
        history = self._history
        way = {JobKind.UNDO: 1, JobKind.REDO: -1}.get(task.kind, 0)
        undo_depth, redo_depth = history.undo_depth - way, history.redo_depth + way
        if min(undo_depth, redo_depth) < 0:
            raise EngineFailure("history-end", f"There is nothing to {task.kind.value}.")
        position = history.position if task.position is None else task.position
        if position > history.last_position:
            raise EngineFailure("invalid-request", f"There is no position {position}.")
        self._history = replace(
            history,
            undo_depth=undo_depth,
            redo_depth=redo_depth,
            position=position,
            amount=history.amount if task.amount is None else task.amount,
        )

    def _step(self) -> None:
        self._engine.thread_names.add(threading.current_thread().name)
        self._engine.gate.pass_step()


def _hint(pair: PointPair) -> HandleHint:
    """Handles in whole pixels can't be followed, those half a pixel further can."""
    is_trackable = not float(pair.handle.x).is_integer()
    return HandleHint(
        confidence=0.9 if is_trackable else 0.1,
        is_trackable=is_trackable,
        best_place_canvas=pair.handle if is_trackable else pair.handle.shifted(0.5, 0.0),
        best_confidence=0.9,
    )


def _read_snapshot(content: bytes | None) -> HistoryState:
    if content is None:
        return HistoryState()
    try:
        return HistoryState(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise EngineFailure("snapshot-rejected", "The snapshot is damaged.") from error


def fake_result(spec: SessionSpec) -> LayerPixels:
    """What a drag of this session gives: the window without its first row and column, its colours
    inverted; of a patch the alpha is the mask, and a replacement is inverted where the mask is."""
    bounds = spec.bounds_canvas
    rgba = wire.unpack_pixels(spec.pixels, bounds.height, bounds.width, spec.pixel_format)
    may_move = np.full(rgba.shape[:2], 255, np.uint8)
    if spec.editable_mask is not None:
        may_move = wire.unpack_mask(spec.editable_mask, bounds.height, bounds.width)
    if spec.result_form is ResultForm.REPLACEMENT:
        rgba[may_move > 0, :3] = 255 - rgba[may_move > 0, :3]
    else:
        rgba[..., :3] = 255 - rgba[..., :3]
        if spec.editable_mask is not None:
            rgba[..., 3] = may_move
    patch = Bounds(bounds.x + 1, bounds.y + 1, bounds.width - 1, bounds.height - 1)
    return LayerPixels(
        bounds_canvas=patch,
        pixels=wire.pack_pixels(rgba[1:, 1:], spec.pixel_format),
        pixel_format=spec.pixel_format,
        form=spec.result_form,
    )


def _walked(pair: PointPair, share: float) -> Point:
    dx, dy = pair.target.x - pair.handle.x, pair.target.y - pair.handle.y
    return pair.handle.shifted(dx * share, dy * share)


def _mean_distance(pairs: tuple[PointPair, ...]) -> float:
    lengths = [
        ((pair.target.x - pair.handle.x) ** 2 + (pair.target.y - pair.handle.y) ** 2) ** 0.5
        for pair in pairs
    ]
    return sum(lengths) / max(len(lengths), 1)
