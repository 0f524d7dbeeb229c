"""Nothing leaks: on a large canvas, at every depth that a host has, an edit in either form leaves
what lies outside the selection as it showed, to the last bit.

The edit takes the whole way: a window cut out of the canvas, the real client, bridge, engine and
compositing with a small generator, and the result laid in at its offset as the hosts do it.
"""

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
    Extent,
    InversionProfile,
    LayerFacts,
    LayerResult,
    Point,
    PointPair,
    ResultForm,
    ResultReady,
    choose_result_form,
    propose_window,
    with_changes,
)
from bridge_server.pools.thread import EngineApi, ThreadPool, import_engine
from draglayer_cli.pictures import cut_window
from engine.images import uint8_pixels
from tests.bridge_client.polling import drain_until, is_final, only
from tests.fakes.bridge import RunningBridge
from tests.fakes.generator import trained_model
from training.demo import factors
from training.pictures import draw

CANVAS = Extent(4000, 3000)
HEAD = Bounds(3380, 2290, 600, 600)
PAIR = PointPair(Point(3680.0, 2630.0), Point(3760.0, 2630.0))
# Of which the canvas' edge cuts a piece off: the window reaches over it.
CENTRE, RADIUS_PX, SOFT_PX = (3690, 2650), 380, 90
DEPTHS = [np.uint8, np.uint16, np.uint32, np.float16, np.float32, np.float64]

Pixels = npt.NDArray[np.uint8]
Native = npt.NDArray[np.generic]


def picture() -> Pixels:
    """(3000, 4000, 4): a drawn head in noise, of any opacity."""
    rng = np.random.default_rng(11)
    noise = rng.integers(0, 256, (500, 500, 4), np.uint8)
    canvas = np.tile(noise, (CANVAS.height // 500, CANVAS.width // 500, 1))
    head = uint8_pixels(draw(factors(), HEAD.width).images)
    canvas[HEAD.y : HEAD.bottom, HEAD.x : HEAD.right, :3] = head
    return canvas


def selection() -> Pixels:
    """(3000, 4000): a disc with a soft edge."""
    y, x = np.mgrid[: CANVAS.height, : CANVAS.width].astype(np.float32)
    away = RADIUS_PX - np.hypot(x - CENTRE[0], y - CENTRE[1])
    return (255 * np.clip(away / SOFT_PX, 0.0, 1.0)).astype(np.uint8)


@pytest.fixture(scope="module")
def canvas() -> tuple[Pixels, Pixels]:
    return picture(), selection()


def request_of(pixels: Pixels, mask: Pixels, form: ResultForm) -> EditRequest:
    left, right = np.flatnonzero(mask.any(axis=0))[[0, -1]]
    top, bottom = np.flatnonzero(mask.any(axis=1))[[0, -1]]
    window = propose_window(
        selection=Bounds(int(left), int(top), int(right - left) + 1, int(bottom - top) + 1),
        layer_content=Bounds(0, 0, CANVAS.width, CANVAS.height),
        points=[PAIR.handle, PAIR.target],
        canvas=CANVAS,
    )
    return EditRequest(
        window_canvas=window,
        pixels=cut_window(pixels, window).tobytes(),
        pixel_order="rgba8",
        mask=cut_window(mask, window).tobytes(),
        pairs=(PAIR,),
        step_budget=12,
        profile=InversionProfile.INSTANT,
        result_form=form,
    )


@pytest.fixture
def edit(start_bridge: Callable[..., RunningBridge]) -> Iterator[Callable[..., LayerResult]]:
    """Takes a request the whole way."""

    def load() -> EngineApi:
        model = trained_model()
        return dataclasses.replace(import_engine(), load_generator=lambda name: model)

    record = start_bridge(ThreadPool(load)).record
    worker = EditWorker(lambda: BridgeClient.prove(record))

    def run(request: EditRequest) -> LayerResult:
        worker.start(request)
        return only(drain_until(worker, is_final), ResultReady).result

    yield run
    worker.close()


def deepened(pixels: Pixels, dtype: type[np.generic]) -> Native:
    """The pixels at a depth; deeper ones lie a little beside what 8 bits can say."""
    if dtype is np.uint8:
        return pixels
    beside = np.resize(np.linspace(-0.4, 0.4, 997), pixels.shape)
    share = np.clip((pixels + beside) / 255, 0.0, 1.0)
    return (share * white(dtype)).astype(dtype)


def white(dtype: type[np.generic]) -> float:
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def over(below: Native, layer: Native) -> Native:
    """A layer over an opaque picture (H, W, 3), as a host with floats does it."""
    share = layer.astype(np.float32) / np.float32(white(layer.dtype.type))
    alpha = share[:, :, 3:]
    return below * (1.0 - alpha) + share[:, :, :3] * alpha


def pasted(layer: Native, frame: Bounds, result: LayerResult, pixels: Native) -> Native:
    """A layer of a frame with pixels of the result at its place, as far as they lie on it."""
    bounds, laid = result.bounds_canvas, layer.copy()
    on = bounds.intersect(frame)
    laid[on.y - frame.y : on.bottom - frame.y, on.x - frame.x : on.right - frame.x] = pixels[
        on.y - bounds.y : on.bottom - bounds.y, on.x - bounds.x : on.right - bounds.x
    ]
    return laid


def taken_over(layer: Native, frame: Bounds, request: EditRequest, result: LayerResult) -> Native:
    """A layer of a frame with the pixels of a replacement, at the layer's own depth."""
    bounds, dtype = result.bounds_canvas, layer.dtype
    after = rgba_of(result)
    own = np.zeros(after.shape, dtype)
    on = bounds.intersect(frame)
    inside = part_of(on.shifted(-bounds.x, -bounds.y))
    own[inside] = layer[part_of(on.shifted(-frame.x, -frame.y))]
    changed = with_changes(
        own.tobytes(),
        (after / 255 * white(dtype.type)).astype(dtype).tobytes(),
        before=request.pixels_in(bounds),
        after=result.pixels,
    )
    return pasted(layer, frame, result, np.frombuffer(changed, dtype).reshape(after.shape))


def rgba_of(result: LayerResult) -> Pixels:
    extent = result.bounds_canvas.extent
    return np.frombuffer(result.pixels, np.uint8).reshape(extent.height, extent.width, 4)


def frames(request: EditRequest) -> Iterator[tuple[type[np.generic], Bounds]]:
    """Each depth, and how much of the canvas to look at: of 8 bits all of it."""
    whole = Bounds(0, 0, CANVAS.width, CANVAS.height)
    for dtype in DEPTHS:
        yield dtype, whole if dtype is np.uint8 else request.window_canvas.intersect(whole)


def part_of(frame: Bounds) -> tuple[slice, slice]:
    return slice(frame.y, frame.bottom), slice(frame.x, frame.right)


def test_a_replacement_leaks_nothing_at_any_depth(canvas, edit) -> None:
    pixels, mask = canvas
    request = request_of(pixels, mask, ResultForm.REPLACEMENT)
    assert request.window_canvas.right > CANVAS.width
    result = edit(request)
    assert result.form is ResultForm.REPLACEMENT
    for dtype, frame in frames(request):
        layer = deepened(pixels[part_of(frame)], dtype)
        replaced = taken_over(layer, frame, request, result)
        differs = (replaced != layer).any(axis=2)
        assert differs.any() and not differs[mask[part_of(frame)] == 0].any(), dtype


def test_a_patch_leaks_nothing_at_any_depth(canvas, edit) -> None:
    pixels, mask = canvas
    request = request_of(pixels, mask, ResultForm.PATCH)
    result = edit(request)
    assert result.form is ResultForm.PATCH
    for dtype, frame in frames(request):
        layer = deepened(pixels[part_of(frame)], dtype)
        patch = pasted(np.zeros(layer.shape, np.uint8), frame, result, rgba_of(result))
        before = over(np.float32(0.3), layer)
        differs = (over(before, patch) != before).any(axis=2)
        assert differs.any() and not differs[mask[part_of(frame)] == 0].any(), dtype


def test_what_shines_through_is_replaced(canvas) -> None:
    request = request_of(*canvas, ResultForm.REPLACEMENT)
    chosen = choose_result_form(
        LayerFacts(),
        pixels=request.pixels,
        editable_mask=request.mask,
        window_canvas=request.window_canvas,
        canvas=CANVAS,
    )
    assert chosen is ResultForm.REPLACEMENT
