"""The real client against the real server on loopback: first the fake engine, then the real one."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from bridge_client import (
    Bounds,
    BridgeClient,
    DragProgress,
    EditRequest,
    EditState,
    EditWorker,
    Failed,
    InversionProgress,
    Launcher,
    Point,
    PointPair,
    PreviewReady,
    ProtocolMismatch,
    RequestRejected,
    ResultReady,
    StateChanged,
    WorkerEvent,
    swap_red_and_blue,
)
from bridge_client.edit import PixelOrder
from bridge_server.engine_port import EngineFailure
from bridge_server.pools.thread import EngineApi, ThreadPool, import_engine
from engine.checkpoints.catalogue import LoadedModel
from engine.composite import lay_over
from engine.geometry import Point as EnginePoint
from engine.geometry import PointPair as EnginePair
from engine.images import uint8_pixels
from engine.session import EditingSession
from tests.fakes.bridge import RunningBridge
from tests.fakes.engine import FakeEngine, FakeScript, StepGate, fake_result
from tests.fakes.generator import trained_model
from tests.picture_truth import moved_share
from training.demo import factors
from training.pictures import KEYPOINTS, draw

PATIENCE_S = 60.0
POLL_S = 0.01
SIDE = 40
WINDOW = Bounds(100, 200, SIDE, SIDE)
PAIRS = (PointPair(Point(112.0, 216.0), Point(124.0, 216.0)),)
STEPS = 4

StartBridge = Callable[..., RunningBridge]
Pixels = npt.NDArray[np.uint8]


def window_rgba() -> Pixels:
    """(SIDE, SIDE, 4), a smooth picture, opaque but for one corner."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    rgba = np.stack([rows * 6, columns * 6, (rows + columns) * 3, np.full_like(rows, 255)], axis=2)
    rgba[:5, :5, 3] = 100
    return rgba.astype(np.uint8)


def editable_mask() -> Pixels:
    """(SIDE, SIDE), a soft-edged square."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[6:-6, 6:-6] = 128
    mask[8:-8, 8:-8] = 255
    return mask


def edit_request(order: PixelOrder = "rgba8", **changes: object) -> EditRequest:
    pixels = window_rgba().tobytes()
    request = EditRequest(
        window_canvas=WINDOW,
        pixels=pixels if order == "rgba8" else swap_red_and_blue(pixels),
        pixel_order=order,
        mask=editable_mask().tobytes(),
        pairs=PAIRS,
        step_budget=STEPS,
    )
    return dataclasses.replace(request, **changes)


class Editor:
    """A host that polls its worker as a timer would."""

    def __init__(self, bridge: RunningBridge) -> None:
        self.worker = EditWorker(lambda: BridgeClient.prove(bridge.record))
        self.events: list[WorkerEvent] = []
        self._pause = threading.Event()

    def wait_for(self, test: Callable[[WorkerEvent], bool]) -> WorkerEvent:
        """The first event that passes the test, from the beginning."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            self.events.extend(self.worker.drain())
            for event in self.events:
                if test(event):
                    return event
            self._pause.wait(POLL_S)
        raise AssertionError(f"It never happened; instead: {self.events}")

    def wait_state(self, state: EditState) -> None:
        """Until the edit is there."""
        self.wait_for(lambda event: isinstance(event, StateChanged) and event.state is state)

    def edit(self, request: EditRequest) -> ResultReady:
        """From start to result."""
        self.events.clear()
        self.worker.start(request)
        self.wait_state(EditState.DONE)
        (result,) = [event for event in self.events if isinstance(event, ResultReady)]
        return result


@pytest.fixture
def open_editor() -> Iterator[Callable[[RunningBridge], Editor]]:
    editors: list[Editor] = []

    def open_one(bridge: RunningBridge) -> Editor:
        editors.append(Editor(bridge))
        return editors[-1]

    yield open_one
    for editor in editors:
        editor.worker.close(PATIENCE_S)


@pytest.fixture
def editor(live_bridge: RunningBridge, open_editor: Callable[[RunningBridge], Editor]) -> Editor:
    return open_editor(live_bridge)


def test_the_client_shakes_hands(live_bridge: RunningBridge) -> None:
    info = BridgeClient.prove(live_bridge.record).server_info()
    assert info.instance_id == live_bridge.record.instance_id


def test_a_stranger_on_the_port_does_not_get_the_token(live_bridge: RunningBridge) -> None:
    stale = dataclasses.replace(live_bridge.record, token="s" * 43)
    with pytest.raises(ProtocolMismatch):
        BridgeClient.prove(stale)


def test_the_launcher_finds_the_running_bridge(live_bridge: RunningBridge) -> None:
    environment = {"DRAGLAYER_RUNTIME_DIR": str(live_bridge.folder)}
    launcher = Launcher(environment=environment)
    assert launcher.connect().server_info().api == live_bridge.record.api
    assert launcher.process is None


def test_a_problem_reaches_the_client_with_its_hint(live_bridge: RunningBridge) -> None:
    with pytest.raises(RequestRejected) as caught:
        BridgeClient.prove(live_bridge.record).session("0" * 32)
    assert (caught.value.code, caught.value.status) == ("session-missing", 404)
    assert caught.value.hint


def test_pixels_are_sent_once(live_bridge: RunningBridge) -> None:
    client = BridgeClient.prove(live_bridge.record)
    pixels = window_rgba().tobytes()
    assert client.put_blob(pixels) == client.put_blob(pixels)
    assert live_bridge.server.bridge.blobs.held_bytes == len(pixels)


@pytest.mark.parametrize("order", ["rgba8", "bgra8"])
def test_an_edit_goes_all_the_way(editor: Editor, engine: FakeEngine, order: PixelOrder) -> None:
    ready = editor.edit(edit_request(order))
    expected = fake_result(engine.sessions[0].spec)
    assert ready.reason == "reached"
    assert ready.result.pixels == expected.pixels
    assert ready.result.bounds_canvas == expected.bounds_canvas
    assert ready.result.pixel_order == order
    kinds = {type(event) for event in editor.events}
    assert {InversionProgress, DragProgress, PreviewReady} <= kinds


def test_a_cancelled_edit_gives_the_best_so_far(editor: Editor, engine: FakeEngine) -> None:
    engine.gate = StepGate()
    editor.worker.start(edit_request())
    engine.gate.allow(5)
    editor.wait_for(lambda event: isinstance(event, DragProgress) and event.step_index == 1)
    editor.worker.cancel()
    editor.wait_state(EditState.CANCELLING)
    engine.gate.open()
    editor.wait_state(EditState.CANCELLED)
    (ready,) = [event for event in editor.events if isinstance(event, ResultReady)]
    assert ready.reason == "cancelled"


def test_a_failure_reaches_the_artist_with_a_hint(editor: Editor, engine: FakeEngine) -> None:
    engine.script.fail_drag = (1, EngineFailure("out-of-vram", "There is too little memory."))
    editor.worker.start(edit_request())
    editor.wait_state(EditState.FAILED)
    (failed,) = [event for event in editor.events if isinstance(event, Failed)]
    assert failed.message == "There is too little memory."
    assert "GPU" in failed.hint


def test_a_bridge_that_stops_is_told_and_not_waited_for(
    start_bridge: StartBridge, open_editor: Callable[[RunningBridge], Editor]
) -> None:
    engine = FakeEngine(gate=StepGate(), script=FakeScript())
    bridge = start_bridge(engine, stop_timeout_s=0.1)
    editor = open_editor(bridge)
    editor.worker.start(edit_request())
    engine.gate.wait_waiting()
    bridge.server.ask_stop()
    editor.wait_state(EditState.FAILED)
    bridge.join()


def test_the_session_stays_open_until_the_editor_closes(
    editor: Editor, live_bridge: RunningBridge
) -> None:
    editor.edit(edit_request())
    assert len(live_bridge.server.bridge.sessions) == 1
    editor.worker.close(PATIENCE_S)
    assert len(live_bridge.server.bridge.sessions) == 0


# With torch from here on: the trained generator of 32 px, the engine's own search and loop.

HEAD = Bounds(100, 200, 64, 64)
TURN = {"yaw": 0.36}


def head_rgba() -> Pixels:
    """(64, 64, 4), a drawn head that looks at the viewer."""
    rgb = uint8_pixels(draw(factors(), HEAD.width).images)
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def turn_pair() -> PointPair:
    """From the head's nose to where it is when the head has turned, canvas px."""
    handle, target = (
        Point(HEAD.x + x, HEAD.y + y)
        for x, y in (
            (draw(factors(changes), 16).keypoints[0, KEYPOINTS.index("nose")] * HEAD.width).tolist()
            for changes in (None, TURN)
        )
    )
    return PointPair(handle, target)


def turn_request(order: PixelOrder = "rgba8", **changes: object) -> EditRequest:
    pixels = head_rgba().tobytes()
    whole = {
        "window_canvas": HEAD,
        "pixels": pixels if order == "rgba8" else swap_red_and_blue(pixels),
        "mask": None,
        "pairs": (turn_pair(),),
        "step_budget": 40,
    }
    return edit_request(order, **{**whole, **changes})


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return trained_model()


@pytest.fixture
def trained_bridge(start_bridge: StartBridge, model: LoadedModel) -> RunningBridge:
    def load() -> EngineApi:
        return dataclasses.replace(import_engine(), load_generator=lambda name: model)

    return start_bridge(ThreadPool(load))


@pytest.fixture(scope="module")
def turned(model: LoadedModel) -> tuple[Bounds, Pixels]:
    """Where the layer goes on the canvas, and its RGBA pixels, without any bridge."""
    session = EditingSession(model, head_rgba())
    list(session.invert())
    pair = turn_pair()
    handle, target = (
        EnginePoint(point.x - HEAD.x, point.y - HEAD.y) for point in (pair.handle, pair.target)
    )
    list(session.drag([EnginePair(handle=handle, target=target)], 40))
    patch = session.result()
    height, width = patch.pixels.shape[:2]
    return Bounds(HEAD.x + patch.x, HEAD.y + patch.y, width, height), patch.pixels


def laid_over_the_head(bounds: Bounds, layer: Pixels) -> Pixels:
    """(64, 64, 4), the head under a layer that was cut to `bounds`."""
    whole = np.zeros((HEAD.height, HEAD.width, 4), np.uint8)
    top, left = bounds.y - HEAD.y, bounds.x - HEAD.x
    whole[top : top + bounds.height, left : left + bounds.width] = layer
    return lay_over(head_rgba(), whole)


@pytest.mark.parametrize("order", ["rgba8", "bgra8"])
def test_the_bridges_edit_is_byte_equal_to_the_one_in_process(
    trained_bridge: RunningBridge,
    turned: tuple[Bounds, Pixels],
    open_editor: Callable[[RunningBridge], Editor],
    order: PixelOrder,
) -> None:
    result = open_editor(trained_bridge).edit(turn_request(order)).result
    expected = turned[1].tobytes()
    assert result.bounds_canvas == turned[0]
    assert result.pixels == (expected if order == "rgba8" else swap_red_and_blue(expected))


def test_the_head_turns_most_of_the_way(turned: tuple[Bounds, Pixels]) -> None:
    pair = turn_pair()
    handle, target = ((point.x - HEAD.x, point.y - HEAD.y) for point in (pair.handle, pair.target))
    edited = laid_over_the_head(*turned)
    assert 0.5 < moved_share(head_rgba(), edited, "nose", handle, target) < 1.5


def test_a_selection_of_nothing_is_told_in_a_sentence(
    trained_bridge: RunningBridge, open_editor: Callable[[RunningBridge], Editor]
) -> None:
    editor = open_editor(trained_bridge)
    place = turn_pair().handle  # a pin: an arrow there would be refused before anything is sent
    pin = PointPair(place, place)
    editor.worker.start(turn_request(mask=bytes(HEAD.width * HEAD.height), pairs=(pin,)))
    editor.wait_state(EditState.FAILED)
    (failed,) = [event for event in editor.events if isinstance(event, Failed)]
    assert "selection" in failed.message
