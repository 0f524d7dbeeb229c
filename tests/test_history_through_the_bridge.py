"""The real engine through the real bridge: what the artist goes through is, byte for byte, what the
engine shows in process, in both hosts' pixel orders and on the next bridge too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from bridge_client import (
    Bounds,
    BridgeClient,
    EditRequest,
    EditWorker,
    Failed,
    HandlesChecked,
    LayerResult,
    Point,
    PointPair,
    ResultReady,
    swap_red_and_blue,
)
from bridge_client.edit import PixelOrder
from bridge_server.pools.thread import EngineApi, ThreadPool, import_engine
from engine.checkpoints.catalogue import LoadedModel
from engine.geometry import Point as EnginePoint
from engine.geometry import PointPair as EnginePair
from engine.images import uint8_pixels
from engine.session import EditingSession
from tests.bridge_client.polling import drain_until, is_final, only
from tests.fakes.bridge import RunningBridge
from tests.fakes.generator import trained_model
from training.demo import factors
from training.pictures import draw

HEAD = Bounds(100, 200, 64, 64)
THERE = PointPair(Point(132.0, 236.0), Point(138.0, 236.0))
BACK = PointPair(Point(138.0, 236.0), Point(134.0, 234.0))
STEPS = 8

Pixels = npt.NDArray[np.uint8]


def head_rgba() -> Pixels:
    """(64, 64, 4), a drawn head."""
    rgb = uint8_pixels(draw(factors(), HEAD.width).images)
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def in_window(pair: PointPair) -> EnginePair:
    moved = pair.shifted(-HEAD.x, -HEAD.y)
    return EnginePair(
        handle=EnginePoint(moved.handle.x, moved.handle.y),
        target=EnginePoint(moved.target.x, moved.target.y),
    )


# What the artist does, each with the bridge's word for it and the engine's.
WAY: tuple[tuple[Callable[[EditWorker], None], Callable[[EditingSession], object]], ...] = (
    (lambda w: w.show(position=3, amount=1.5), lambda s: (s.scrub(3), s.set_amount(1.5))),
    (lambda w: w.drag_on((BACK,), STEPS), lambda s: list(s.drag([in_window(BACK)], STEPS))),
    (lambda w: w.undo(), lambda s: s.undo()),
    (lambda w: w.show(amount=0.5), lambda s: s.set_amount(0.5)),
    (lambda w: w.redo(), lambda s: s.redo()),
)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return trained_model()


@pytest.fixture(scope="module")
def expected(model: LoadedModel) -> list[tuple[Bounds, bytes]]:
    """Place and RGBA bytes of the layer after the first drag and after each step of the way."""
    session = EditingSession(model, head_rgba())
    list(session.invert())
    list(session.drag([in_window(THERE)], STEPS))
    shown = [layer_of(session)]
    for _, move in WAY:
        move(session)
        shown.append(layer_of(session))
    return shown


def layer_of(session: EditingSession) -> tuple[Bounds, bytes]:
    patch = session.result()
    height, width = patch.pixels.shape[:2]
    return Bounds(HEAD.x + patch.x, HEAD.y + patch.y, width, height), patch.pixels.tobytes()


class Host:
    """A host with a worker on whichever bridge runs now."""

    def __init__(self, bridge: RunningBridge) -> None:
        self.bridge = bridge
        self.worker = EditWorker(lambda: BridgeClient.prove(self.bridge.record))

    def layer(self) -> tuple[Bounds, bytes]:
        """Place and RGBA bytes of the layer that the command ends with."""
        events = drain_until(self.worker, is_final)
        assert not [event for event in events if isinstance(event, Failed)]
        result: LayerResult = only(events, ResultReady).result
        is_rgba = result.pixel_order == "rgba8"
        return result.bounds_canvas, result.pixels if is_rgba else swap_red_and_blue(result.pixels)


@pytest.fixture
def new_bridge(
    start_bridge: Callable[..., RunningBridge], model: LoadedModel
) -> Callable[[], RunningBridge]:
    def load() -> EngineApi:
        return dataclasses.replace(import_engine(), load_generator=lambda name: model)

    return lambda: start_bridge(ThreadPool(load))


@pytest.fixture
def host(new_bridge: Callable[[], RunningBridge]) -> Iterator[Host]:
    host = Host(new_bridge())
    yield host
    host.worker.close(10.0)


def request_in(order: PixelOrder) -> EditRequest:
    pixels = head_rgba().tobytes()
    return EditRequest(
        window_canvas=HEAD,
        pixels=pixels if order == "rgba8" else swap_red_and_blue(pixels),
        pixel_order=order,
        pairs=(THERE,),
        step_budget=STEPS,
    )


@pytest.mark.parametrize("order", ["rgba8", "bgra8"])
def test_every_step_of_the_way_is_byte_equal(
    host: Host, expected: list[tuple[Bounds, bytes]], order: PixelOrder
) -> None:
    host.worker.start(request_in(order))
    shown = [host.layer()]
    for ask, _ in WAY:
        ask(host.worker)
        shown.append(host.layer())
    assert shown == expected
    assert len(set(expected)) == len(expected) - 2  # undo and redo show something again


def test_the_next_bridge_shows_the_same_bytes(
    host: Host, new_bridge: Callable[[], RunningBridge], expected: list[tuple[Bounds, bytes]]
) -> None:
    host.worker.start(request_in("rgba8"))
    host.layer()
    for ask, _ in WAY[:3]:
        ask(host.worker)
        host.layer()
    host.bridge.stop()
    host.bridge = new_bridge()
    shown = []
    for ask, _ in WAY[3:]:
        ask(host.worker)
        shown.append(host.layer())
    assert shown == expected[4:]


def test_a_check_says_where_a_handle_could_be_followed(host: Host) -> None:
    corner = PointPair(Point(101.0, 201.0), Point(105.0, 201.0))
    host.worker.check(dataclasses.replace(request_in("rgba8"), pairs=(THERE, corner)))
    hints = only(drain_until(host.worker, is_final), HandlesChecked).hints
    assert all(0.0 <= hint.confidence <= hint.best_confidence <= 1.0 for hint in hints)
    assert hints[0].confidence > hints[1].confidence
