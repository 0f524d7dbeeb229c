"""The thread pool over a small double of the engine's names: frames, bytes, failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import (
    EndReason,
    HistoryState,
    InversionProfile,
    JobKind,
    Match,
    MatchLevel,
    ModelInfo,
    ResultForm,
)
from bridge_server.engine_port import (
    DragStep,
    EngineFailure,
    EngineTask,
    HintStep,
    HistoryStep,
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
    confidences: tuple[float, ...] = (0.75,)
    distance_px: float = 1.0
    end_reason: EndReason | None = None
    match: DoubleMatch | None = None
    pixels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((1, 1, 4), np.uint8))
    x: int = 0
    y: int = 0


class DoubleLevel(Enum):
    """The double's word for a match."""

    FAIR = "fair"


@dataclass
class DoubleMatch:
    """How well the double can draw."""

    share: float = 0.85
    level: DoubleLevel = DoubleLevel.FAIR
    sentence: str = "Roughly."


@dataclass
class Hint:
    """The double's word about a handle."""

    confidence: float = 0.2
    is_trackable: bool = False
    best_place_window: tuple[float, float] = (1.5, 0.5)
    best_confidence: float = 0.7


@dataclass
class Pair:
    """The double's pair."""

    handle: tuple[float, float]
    target: tuple[float, float]


class DoubleFailure(Exception):
    """The double's own error."""


class DamagedSnapshot(Exception):
    """The double's word for a snapshot that it can't use."""


@dataclass
class DoubleSession:
    """Remembers what it was given."""

    generator: str
    window: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8] | None
    form: str = ""
    inversions: list[str] = field(default_factory=list)
    match: DoubleMatch = field(default_factory=DoubleMatch)
    drags: list[tuple[Sequence[Any], int | None]] = field(default_factory=list)
    is_drag_left: bool = False
    failure: Exception | None = None
    snapshot_given: bytes | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)
    undo_depth: int = 1
    redo_depth: int = 0
    trajectory: int = 3
    position: int = 1
    amount: float = 1.0

    def invert(self, params: str) -> Iterator[Record]:
        self.inversions.append(params)
        yield Record(step_index=0)
        yield Record(step_index=1, match=self.match)

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

    def set_pairs(self, pairs: Sequence[Any]) -> None:
        self.calls.append(("set_pairs", pairs))

    def handle_hint(self, handle: tuple[float, float]) -> Hint:
        self.calls.append(("handle_hint", handle))
        return Hint()

    def undo(self) -> None:
        self.calls.append(("undo",))

    def redo(self) -> None:
        self.calls.append(("redo",))

    def scrub(self, position: int) -> None:
        if position >= self.trajectory:
            raise ValueError("there is no such position")
        self.calls.append(("scrub", position))

    def set_amount(self, amount: float) -> None:
        self.calls.append(("set_amount", amount))

    def snapshot(self, *, with_pixels: bool) -> bytes:
        assert not with_pixels
        return b"snapshot"

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
        self,
        generator: str,
        window: npt.NDArray[np.uint8],
        mask: npt.NDArray[np.uint8] | None,
        *,
        form: str,
    ) -> DoubleSession:
        if self.refusal is not None:
            raise self.refusal
        self.sessions.append(DoubleSession(generator, window, mask))
        self.sessions[-1].form = form
        return self.sessions[-1]

    def restore_session(
        self,
        generator: str,
        window: npt.NDArray[np.uint8],
        mask: npt.NDArray[np.uint8] | None,
        snapshot: bytes,
        *,
        form: str,
    ) -> DoubleSession:
        session = self.open_session(generator, window, mask, form=form)
        session.snapshot_given = snapshot
        return session

    def api(self) -> EngineApi:
        return EngineApi(
            load_generator=self.load_generator,
            open_session=self.open_session,
            restore_session=self.restore_session,
            make_pair=Pair,
            result_form=lambda form: f"form {form}",
            inversion_params=lambda profile: f"params of {profile}",
            failure_codes=(
                (DoubleFailure, "inversion-diverged"),
                (DamagedSnapshot, "snapshot-rejected"),
            ),
            devices=("double",),
        )


@pytest.fixture
def double() -> Double:
    return Double()


MODEL = ModelInfo(
    id="default", title="A double", licence="CC0-1.0", resolution_px=64, feature_side_px=16
)


@pytest.fixture
def pool(double: Double) -> ThreadPool:
    pool = ThreadPool(double.api, lambda: (MODEL,))
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
    pool = ThreadPool(double.api, lambda: (MODEL,))
    assert (pool.models(), pool.devices(), double.loads) == ((MODEL,), (), [])
    pool.warm_up()
    assert [model.is_loaded for model in pool.models()] == [True]


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


@pytest.mark.parametrize("form", ResultForm)
@pytest.mark.parametrize("snapshot", [None, b"as it stood"])
def test_the_engine_gives_the_form_that_is_asked_for(
    pool: ThreadPool, double: Double, form: ResultForm, snapshot: bytes | None
) -> None:
    session = pool.open(replace(spec(), result_form=form, snapshot=snapshot))
    assert double.sessions[0].form == f"form {form.value}"
    assert session.result().form is form


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
    assert double.sessions[0].inversions == ["params of fast"]


def test_an_asked_for_inversion_is_made_again(pool: ThreadPool, double: Double) -> None:
    session = pool.open(spec())
    for _ in range(2):
        list(session.run(EngineTask(kind=JobKind.INVERT)))
    assert len(double.sessions[0].inversions) == 2


def test_the_profile_says_how_to_invert(pool: ThreadPool, double: Double) -> None:
    session = pool.open(spec())
    list(session.run(replace(DRAG, profile=InversionProfile.BALANCED)))
    assert double.sessions[0].inversions == ["params of balanced"]


def test_the_match_is_told_with_the_last_step_and_by_the_session(pool: ThreadPool) -> None:
    session = pool.open(spec())
    assert session.match is None
    first, last = session.run(EngineTask(kind=JobKind.INVERT))
    assert isinstance(first, InversionStep) and isinstance(last, InversionStep)
    assert first.match is None
    assert (
        last.match == session.match == Match(share=0.85, level=MatchLevel.FAIR, sentence="Roughly.")
    )


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
    assert double.sessions[0].drags == [([Pair((0.5, 1.0), (1.5, 1.0))], 9)]
    assert isinstance(last, DragStep)
    assert last.handles_canvas == (Point(100.5, 201.0),)
    assert last.confidences == (0.75,)
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


def restored(pool: ThreadPool) -> ThreadSession:
    return pool.open(replace(spec(), snapshot=b"there"))


def test_a_session_is_restored_from_its_snapshot(pool: ThreadPool, double: Double) -> None:
    session = restored(pool)
    assert double.sessions[0].snapshot_given == b"there"
    assert session.is_inverted
    assert [type(step) for step in session.run(DRAG)] == [DragStep, DragStep]
    assert session.snapshot() == b"snapshot"


def test_a_snapshot_that_the_engine_refuses_has_a_code_of_its_own(
    pool: ThreadPool, double: Double
) -> None:
    double.refusal = DamagedSnapshot("the snapshot is of another model")
    with pytest.raises(EngineFailure, match="another model") as caught:
        restored(pool)
    assert caught.value.code == "snapshot-rejected"


def test_where_a_session_stands_is_told(pool: ThreadPool) -> None:
    assert restored(pool).history == HistoryState(undo_depth=1, position=1, last_position=2)


@pytest.mark.parametrize(
    ("task", "calls"),
    [
        (EngineTask(kind=JobKind.UNDO), [("undo",)]),
        (EngineTask(kind=JobKind.SHOW), []),
        (
            EngineTask(kind=JobKind.SHOW, position=2, amount=0.5),
            [("scrub", 2), ("set_amount", 0.5)],
        ),
    ],
)
def test_the_history_is_gone_through(
    pool: ThreadPool, double: Double, task: EngineTask, calls: list[tuple[object, ...]]
) -> None:
    assert list(restored(pool).run(task)) == [HistoryStep()]
    assert double.sessions[0].calls == calls


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (EngineTask(kind=JobKind.REDO), "history-end"),
        (EngineTask(kind=JobKind.SHOW, position=3), "invalid-request"),
    ],
)
def test_what_the_history_does_not_have_is_refused(
    pool: ThreadPool, task: EngineTask, code: str
) -> None:
    with pytest.raises(EngineFailure) as caught:
        list(restored(pool).run(task))
    assert caught.value.code == code


def test_there_is_no_history_before_the_inversion(pool: ThreadPool) -> None:
    with pytest.raises(EngineFailure) as caught:
        list(pool.open(spec()).run(EngineTask(kind=JobKind.SHOW)))
    assert caught.value.code == "history-end"


def test_pairs_set_while_it_drags_go_to_the_engine(pool: ThreadPool, double: Double) -> None:
    session = restored(pool)
    steps = session.run(DRAG)
    next(steps)
    session.set_pairs((PointPair(Point(100.5, 201.0), Point(101.0, 200.0)),))
    assert double.sessions[0].calls == [("set_pairs", [Pair((0.5, 1.0), (1.0, 0.0))])]
    steps.close()


def test_pairs_set_while_it_inverts_are_those_of_the_drag(pool: ThreadPool, double: Double) -> None:
    session = pool.open(spec())
    steps = session.run(DRAG)
    next(steps)
    session.set_pairs((PointPair(Point(100.5, 201.0), Point(101.0, 200.0)),))
    list(steps)
    assert double.sessions[0].calls == []
    assert double.sessions[0].drags == [([Pair((0.5, 1.0), (1.0, 0.0))], None)]


def test_handles_are_looked_at_in_window_px_and_told_in_canvas_px(
    pool: ThreadPool, double: Double
) -> None:
    (step,) = restored(pool).run(EngineTask(kind=JobKind.CHECK, pairs=DRAG.pairs))
    assert double.sessions[0].calls == [("handle_hint", (0.5, 1.0))]
    assert isinstance(step, HintStep)
    (hint,) = step.hints
    assert (hint.confidence, hint.is_trackable, hint.best_confidence) == (0.2, False, 0.7)
    assert hint.best_place_canvas == Point(101.5, 200.5)
