"""The thread pool over the real engine: what the double of `test_thread.py` only promises."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import JobKind
from bridge_server.engine_port import DragStep, EngineFailure, EngineTask, SessionSpec
from bridge_server.pools.thread import EngineApi, ThreadPool, ThreadSession, import_engine
from engine.images import uint8_pixels
from tests.fakes.generator import trained_model
from training.demo import factors
from training.pictures import draw

HEAD = Bounds(100, 200, 64, 64)
PAIR = PointPair(Point(132.0, 236.0), Point(138.0, 236.0))
PIN = PointPair(Point(120.0, 222.0), Point(120.0, 222.0))
DRAG = EngineTask(kind=JobKind.DRAG, pairs=(PAIR,), step_budget=12)


@pytest.fixture(scope="module")
def pool() -> ThreadPool:
    model = trained_model()

    def load() -> EngineApi:
        return dataclasses.replace(import_engine(), load_generator=lambda name: model)

    return ThreadPool(load)


@pytest.fixture
def spec() -> SessionSpec:
    rgb = uint8_pixels(draw(factors(), HEAD.width).images)
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return SessionSpec(
        model="default",
        bounds_canvas=HEAD,
        pixels=rgba.tobytes(),
        pixel_format="rgba8",
        editable_mask=None,
    )


@pytest.fixture
def session(pool: ThreadPool, spec: SessionSpec) -> ThreadSession:
    """One whose picture was found in the model."""
    session = pool.open(spec)
    list(session.run(EngineTask(kind=JobKind.INVERT)))
    return session


def test_a_pin_that_is_added_while_it_drags_is_held(session: ThreadSession) -> None:
    steps = session.run(DRAG)
    for _ in range(3):
        next(steps)
    session.set_pairs((PAIR, PIN))
    step = next(steps)
    steps.close()
    assert isinstance(step, DragStep)
    assert len(step.handles_canvas) == len(step.confidences) == 2
    pinned = step.handles_canvas[1]
    assert abs(pinned.x - 120.0) < 4.0 and abs(pinned.y - 222.0) < 4.0


def test_a_drag_that_is_left_is_in_the_history_when_it_was_left(session: ThreadSession) -> None:
    steps = session.run(DRAG)
    for _ in range(4):
        next(steps)
    steps.close()
    assert (session.history.undo_depth, session.history.last_position) == (1, 3)
    list(session.run(EngineTask(kind=JobKind.UNDO)))
    assert (session.history.undo_depth, session.history.redo_depth) == (0, 1)


def test_what_is_written_down_while_it_drags_is_shown_by_the_next_session(
    pool: ThreadPool, spec: SessionSpec, session: ThreadSession
) -> None:
    steps = session.run(DRAG)
    for _ in range(4):
        next(steps)
    written = session.snapshot()
    steps.close()
    assert len(written) < len(spec.pixels)
    again = pool.open(dataclasses.replace(spec, snapshot=written))
    list(again.run(EngineTask(kind=JobKind.SHOW)))
    assert np.array_equal(again.preview(), session.preview())
    assert again.result() == session.result()


def test_a_foreign_snapshot_is_refused_with_its_code(pool: ThreadPool, spec: SessionSpec) -> None:
    with pytest.raises(EngineFailure) as caught:
        pool.open(dataclasses.replace(spec, snapshot=b"no snapshot"))
    assert caught.value.code == "snapshot-rejected"
