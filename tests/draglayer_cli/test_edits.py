"""One edit's events, in process and through the bridge, and Ctrl-C."""

import dataclasses
import json
import signal

import pytest

from bridge_client import (
    DragProgress,
    EditState,
    Failed,
    InversionProgress,
    PreviewReady,
    ResultReady,
    StateChanged,
)
from bridge_server.pools.thread import ThreadPool, import_engine
from draglayer_cli.edits import StopRequest, edit_in_process, edit_via_bridge
from draglayer_cli.pictures import edit_request, parse_pair, read_mask, read_picture
from tests.draglayer_cli.conftest import PAIR
from tests.fakes.engine import FakeEngine, FakeScript, OpenGate


@pytest.fixture(scope="module")
def request_(picture_file, mask_file, model_file):
    picture = read_picture(picture_file)
    return edit_request(
        picture,
        read_mask(mask_file, picture),
        (parse_pair(PAIR),),
        window=None,
        step_budget=3,
        model=str(model_file),
    )


@pytest.fixture(scope="module")
def events(request_):
    return list(edit_in_process(request_, StopRequest()))


def test_the_states_come_in_order(events):
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states == [
        EditState.INVERTING,
        EditState.CHECKING,
        EditState.DRAGGING,
        EditState.DONE,
    ]


def test_every_step_is_told_once(events):
    for kind in (InversionProgress, DragProgress):
        steps = [event for event in events if isinstance(event, kind)]
        assert [step.step_index for step in steps] == list(range(steps[0].step_budget + 1))


def test_handles_are_told_in_canvas_px(events, request_):
    first = next(event for event in events if isinstance(event, DragProgress))
    assert first.handles_canvas[0].x == pytest.approx(request_.pairs[0].handle.x)
    assert first.handles_canvas[0].y == pytest.approx(request_.pairs[0].handle.y)


def test_the_last_picture_is_shown(events):
    kinds = [type(event) for event in events]
    assert kinds[-4:] == [DragProgress, PreviewReady, ResultReady, StateChanged]
    assert events[-2].reason == "budget"


def test_the_layer_lies_inside_the_window(events, request_):
    assert request_.window_canvas.contains_bounds(events[-2].result.bounds_canvas)
    assert events[-2].result.pixel_order == request_.pixel_order


def interrupted(request, kind, step_index):
    """Runs an edit in which Ctrl-C is pressed after a step."""
    seen = []
    with StopRequest() as stop:
        for event in edit_in_process(request, stop):
            seen.append(event)
            if isinstance(event, kind) and event.step_index == step_index:
                signal.raise_signal(signal.SIGINT)
    return seen


def test_ctrl_c_keeps_the_best_so_far(request_):
    patient = dataclasses.replace(request_, step_budget=200)
    *_, result, state = seen = interrupted(patient, DragProgress, 2)
    assert result.reason == "cancelled" and state == StateChanged(EditState.CANCELLED)
    assert max(e.step_index for e in seen if isinstance(e, DragProgress)) == 2


def test_ctrl_c_before_the_drag_leaves_nothing(request_):
    seen = interrupted(request_, InversionProgress, 1)
    assert seen[-1] == StateChanged(EditState.CANCELLED)
    assert not any(isinstance(event, ResultReady | DragProgress) for event in seen)


def test_ctrl_c_twice_ends_at_once():
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_ctrl_c_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_model_that_is_missing_is_told(request_):
    lost = dataclasses.replace(request_, model="nowhere.safetensors")
    (failed,) = edit_in_process(lost, StopRequest())
    assert isinstance(failed, Failed) and "there is no such model file" in failed.message


def test_an_empty_window_is_told(request_):
    empty = dataclasses.replace(request_, pixels=bytes(len(request_.pixels)))
    (failed,) = edit_in_process(empty, StopRequest())
    assert "the layer is empty where you selected" in failed.message


def test_through_the_bridge_the_bytes_are_the_same(start_bridge, request_, events, monkeypatch):
    engine = import_engine()
    load = dataclasses.replace(
        engine, load_generator=lambda name: engine.load_generator(request_.model)
    )
    bridge = start_bridge(ThreadPool(lambda: load))
    monkeypatch.setenv("DRAGLAYER_RUNTIME_DIR", str(bridge.folder))
    by_name = dataclasses.replace(request_, model="default")
    results = [
        event for event in edit_via_bridge(by_name, StopRequest()) if isinstance(event, ResultReady)
    ]
    assert results == [events[-2]]


STEPS = 10_000


class CtrlC(OpenGate):
    """Lets everything pass, and presses Ctrl-C at the tenth step."""

    def pass_step(self):
        super().pass_step()
        if self.made == 10:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_through_the_bridge_writes_the_best_so_far(
    start_bridge, draglayer, picture_file, tmp_path, monkeypatch
):
    # So many steps that the word to stop is there long before the last.
    engine = FakeEngine(script=FakeScript(drag_steps=STEPS), gate=CtrlC())
    monkeypatch.setenv("DRAGLAYER_RUNTIME_DIR", str(start_bridge(engine).folder))
    arguments = ("--pair", PAIR, "--steps", STEPS, "--out", tmp_path, "--via-bridge", "--json")
    result = draglayer("drag", picture_file, *arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["reason"] == "cancelled"
    assert (tmp_path / "composite.png").is_file()


def test_edits_of_one_engine_invert_the_same_picture_once(request_, events):
    pool = ThreadPool()
    edits = [list(edit_in_process(request_, StopRequest(), pool)) for _ in range(2)]
    steps = [sum(isinstance(event, InversionProgress) for event in edit) for edit in edits]
    assert steps[0] > 1 and steps[1] == 1
    assert edits[0][-2].result == edits[1][-2].result == events[-2].result
