"""The engine on a graphics device: the same edits as on the processor, and its failures told.

Skipped where there is none.
"""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.device import choose_device
from engine.drag.loop import EndReason
from engine.drag.params import DragParams
from engine.errors import OutOfDeviceMemory
from engine.geometry import Point, PointPair
from engine.images import from_generator, resize, uint8_pixels
from engine.session import EditingSession
from tests.fakes.generator import trained_model

SIDE = 96
PAIRS = [
    PointPair(handle=Point(48.0, 52.0), target=Point(56.0, 52.0)),
    PointPair(handle=Point(30.0, 20.0), target=Point(30.0, 20.0)),
]
DEVICE = choose_device()

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE.type == "cpu", reason="this machine has no graphics device"),
]


@pytest.fixture
def model():
    return trained_model()


@pytest.fixture
def window(model):
    with torch.no_grad():
        w = model.generator.sample_w(1, seed=3)
        image = from_generator(model.generator.render([w] * model.generator.num_ws))
    pixels = uint8_pixels(resize(image, (SIDE, SIDE)))
    return np.dstack([pixels, np.full((SIDE, SIDE), 255, np.uint8)])


def half_mask():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, : SIDE * 3 // 4] = 255
    return mask


def dragged(model, window, device, mask=None):
    """Gives the session, and the steps of a short drag in it."""
    session = EditingSession(model, window, mask, device=device)
    session.set_pivot(model.generator.sample_w(1, seed=3))
    return session, list(session.drag(PAIRS, params=DragParams(step_budget=4)))


@pytest.mark.parametrize("mask", [None, half_mask()], ids=["free", "masked"])
def test_a_drag_goes_the_same_way_as_on_the_processor(window, mask):
    (there, steps), (here, expected) = (
        dragged(trained_model(), window, device, mask) for device in (str(DEVICE), "cpu")
    )
    assert [step.end_reason for step in steps] == [step.end_reason for step in expected]
    for step, like in zip(steps, expected, strict=True):
        found, sought = (torch.tensor(s.handles_window) for s in (step, like))
        torch.testing.assert_close(found, sought, atol=0.02, rtol=0.0)
    torch.testing.assert_close(there.w_plus.cpu(), here.w_plus, atol=0.01, rtol=0.0)
    apart = there.layer().astype(int) - here.layer()
    assert np.abs(apart).mean() < 0.5


def test_a_picture_is_inverted_there(model, window):
    session = EditingSession(model, window, device=str(DEVICE))
    losses = [step.loss for step in session.invert()]
    assert losses[-1] < losses[0]
    assert session.w_plus.device.type == DEVICE.type
    assert session.match.share > 0.8


def test_a_session_saved_there_opens_on_the_processor(model, window, tmp_path):
    session, _ = dragged(model, window, str(DEVICE))
    session.save(tmp_path / "edit")
    reopened = EditingSession.reopen(trained_model(), tmp_path / "edit", device="cpu")
    assert torch.equal(reopened.w_plus, session.w_plus.cpu())
    reopened.undo()
    assert not reopened.layer().any()


@pytest.mark.skipif(DEVICE.type != "cuda", reason="only CUDA's memory can be limited")
def test_want_of_memory_is_told_and_leaves_the_session_as_it_was(model, window):
    session, _ = dragged(model, window, str(DEVICE))
    before = session.w_plus.clone()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-9)
    try:
        with pytest.raises(OutOfDeviceMemory, match="too little free memory"):
            list(session.invert())
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert torch.equal(session.w_plus, before)
    (*_, last) = session.drag(PAIRS, params=replace(DragParams(), step_budget=1))
    assert last.end_reason is EndReason.BUDGET


@pytest.mark.skipif(DEVICE.type != "cuda", reason="the fault is one of CUDA's")
def test_a_device_that_fails_for_good_is_told_as_lost():
    # In a process of its own: after such a fault no call of this one would succeed.
    script = """
import torch
from engine.device import still_computes, told_device_failures
from engine.errors import DeviceLost
try:
    with told_device_failures():
        torch.zeros(4, device="cuda")[torch.tensor([9], device="cuda")].cpu()
except DeviceLost as error:
    print(error, still_computes())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "the graphics device stopped working False"
