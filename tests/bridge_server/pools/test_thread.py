"""The thread pool over a small double of the engine's names: frames, bytes, failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import EndReason, JobKind
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EngineTask,
    InversionStep,
    SessionSpec,
)
from bridge_server.pools.thread import EngineApi, ThreadPool, ThreadSession

WINDOW = Bounds(100, 200, 2, 2)
RGBA = bytes(range(16))
BGRA = bytes([2, 1, 0, 3, 6, 5, 4, 7, 10, 9, 8, 11, 14, 13, 12, 15])
DRAG = EngineTask(kind=JobKind.DRAG, pairs=(PointPair(Point(100.5, 201.0), Point(101.5, 201.0)),))


@dataclass
class Record:
    """A step or patch of the double, with the attributes that the engine's records have."""

    step_index: int = 0
    step_budget: int = 2
    loss: float = 0.5
    handles_window: tuple[tuple[float, float], ...] = ((0.5, 1.0),)
    distance_px: float = 1.0
    end_reason: EndReason | None = None
    pixels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((1, 1, 4), np.uint8))
    x: int = 0
    y: int = 0


class DoubleFailure(Exception):
    """The double's own error."""


@dataclass
class DoubleSession:
    """Remembers what it was given."""

    generator: str
    window: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8] | None
    inversions: int = 0
    drags: list[tuple[Sequence[Any], int | None]] = field(default_factory=list)
    is_drag_left: bool = False
    failure: Exception | None = None

    def invert(self) -> Iterator[Record]:
        self.inversions += 1
        yield Record(step_index=0)
        yield Record(step_index=1)

    def drag(self, pairs: Sequence[Any], step_budget: int | None) -> Iterator[Record]:
        self.drags.append((pairs, step_budget))
        try:
            yield Record(step_index=0)
            if self.failure is not None:
                raise self.failure
            yield Record(step_index=1, end_reason=EndReason.REACHED)
        except GeneratorExit:
            self.is_drag_left = True
            raise

    def preview(self) -> npt.NDArray[np.uint8]:
        return self.window[..., :3]

    def result(self) -> Record:
        return Record(pixels=self.window[1:, 1:], x=1, y=1)


class Double:
    """The engine's names, counted."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.sessions: list[DoubleSession] = []
        self.refusal: Exception | None = None

    def load_generator(self, name: str) -> str:
        self.loads.append(name)
        return f"generator {name}"

    def open_session(
        self, generator: str, window: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8] | None
    ) -> DoubleSession:
        if self.refusal is not None:
            raise self.refusal
        self.sessions.append(DoubleSession(generator, window, mask))
        return self.sessions[-1]

    def api(self) -> EngineApi:
        return EngineApi(
            load_generator=self.load_generator,
            open_session=self.open_session,
            make_pair=lambda handle, target: (handle, target),
            failure_codes=((DoubleFailure, "inversion-diverged"),),
            devices=("double",),
        )


@pytest.fixture
def double() -> Double:
    return Double()


@pytest.fixture
def pool(double: Double) -> ThreadPool:
    pool = ThreadPool(double.api)
    pool.warm_up()
    return pool


def spec(pixel_format: str = "rgba8", mask: bytes | None = None) -> SessionSpec:
    return SessionSpec(
        model="default",
        bounds_canvas=WINDOW,
        pixels=RGBA if pixel_format == "rgba8" else BGRA,
        pixel_format="rgba8" if pixel_format == "rgba8" else "bgra8",
        editable_mask=mask,
    )


def test_the_model_is_loaded_once(pool: ThreadPool, double: Double) -> None:
    pool.open(spec())
    pool.open(spec())
    assert double.loads == ["default"]
    assert pool.devices() == ("double",)


def test_a_session_of_another_model_does_not_load_the_default_one(double: Double) -> None:
    ThreadPool(double.api).open(replace(spec(), model="other"))
    assert double.loads == ["other"]


def test_nothing_is_loaded_before_warm_up(double: Double) -> None:
    pool = ThreadPool(double.api)
    assert (pool.models(), pool.devices(), double.loads) == (("default",), (), [])


def test_a_missing_part_of_the_engine_is_a_failure_with_a_code() -> None:
    def fail() -> EngineApi:
        raise ImportError("No module named torch")

    with pytest.raises(EngineFailure) as caught:
        ThreadPool(fail).warm_up()
    assert caught.value.code == "engine-unavailable"


@pytest.mark.parametrize("pixel_format", ["rgba8", "bgra8"])
def test_the_engine_sees_rgba_and_the_host_its_own_order(
    pool: ThreadPool, double: Double, pixel_format: str
) -> None:
    session = pool.open(spec(pixel_format))
    assert double.sessions[0].window.tolist() == np.arange(16).reshape(2, 2, 4).tolist()
    layer = session.result()
    last = RGBA[12:] if pixel_format == "rgba8" else BGRA[12:]
    assert (layer.pixels, layer.pixel_format) == (last, pixel_format)
    assert layer.bounds_canvas == Bounds(101, 201, 1, 1)


def test_the_mask_arrives_as_rows(pool: ThreadPool, double: Double) -> None:
    pool.open(spec(mask=bytes([255, 0, 0, 7])))
    mask = double.sessions[0].mask
    assert mask is not None
    assert mask.tolist() == [[255, 0], [0, 7]]


def test_a_drag_inverts_first_and_only_once(pool: ThreadPool, double: Double) -> None:
    session = pool.open(spec())
    assert not session.is_inverted
    kinds = [type(step) for step in session.run(DRAG)]
    assert kinds == [InversionStep, InversionStep, DragStep, DragStep]
    assert session.is_inverted
    assert [type(step) for step in session.run(DRAG)] == [DragStep, DragStep]
    assert double.sessions[0].inversions == 1


def test_an_asked_for_inversion_is_made_again(pool: ThreadPool, double: Double) -> None:
    session = pool.open(spec())
    for _ in range(2):
        list(session.run(EngineTask(kind=JobKind.INVERT)))
    assert double.sessions[0].inversions == 2


def test_an_inversion_that_was_left_is_begun_anew(pool: ThreadPool) -> None:
    session = pool.open(spec())
    steps = session.run(DRAG)
    next(steps)
    steps.close()
    assert not session.is_inverted


def test_points_go_to_window_px_and_come_back_in_canvas_px(
    pool: ThreadPool, double: Double
) -> None:
    session = pool.open(spec())
    *_, last = session.run(EngineTask(kind=JobKind.DRAG, pairs=DRAG.pairs, step_budget=9))
    assert double.sessions[0].drags == [([((0.5, 1.0), (1.5, 1.0))], 9)]
    assert isinstance(last, DragStep)
    assert last.handles_canvas == (Point(100.5, 201.0),)
    assert last.end_reason is EndReason.REACHED


def test_closing_the_steps_closes_the_engines(pool: ThreadPool, double: Double) -> None:
    steps = pool.open(spec()).run(DRAG)
    while not isinstance(next(steps), DragStep):
        pass
    steps.close()
    assert double.sessions[0].is_drag_left


def test_engine_errors_leave_with_their_code(pool: ThreadPool, double: Double) -> None:
    session = pool.open(spec())
    double.sessions[0].failure = DoubleFailure("It left the range.")
    with pytest.raises(EngineFailure, match="It left the range") as caught:
        list(session.run(DRAG))
    assert caught.value.code == "inversion-diverged"


def test_a_window_that_the_engine_refuses_is_the_artists_to_change(
    pool: ThreadPool, double: Double
) -> None:
    double.refusal = ValueError("the window is not square")
    with pytest.raises(EngineFailure, match="not square") as caught:
        pool.open(spec())
    assert caught.value.code == "invalid-request"


def test_a_closed_session_says_so(pool: ThreadPool) -> None:
    session: ThreadSession = pool.open(spec())
    session.close()
    session.close()
    with pytest.raises(ValueError, match="closed"):
        session.preview()
