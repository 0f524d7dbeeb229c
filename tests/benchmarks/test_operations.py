"""What a step costs, counted: the reference costs what the paper's code does, ours about half."""

import pytest
import torch

from benchmarks.fused_stylegan2 import FusedGenerator
from benchmarks.operations import (
    LiveTensors,
    count_gmac,
    engine_gmac,
    handles_in,
    paper_shape,
    price_gmac,
    reference_gmac,
)
from benchmarks.reference import ReferenceDrag, ReferenceParams
from engine.drag.loop import DragSpace, drag
from tests.fakes.generator import TINY_SHAPE, seeded_weights, tiny_generator


@pytest.mark.parametrize(("resolution", "gmac"), [(256, 37.6), (512, 121.5), (1024, 136.7)])
def test_the_reference_costs_what_the_official_code_does(resolution, gmac):
    assert reference_gmac(paper_shape(resolution)) == pytest.approx(gmac, rel=0.03)


@pytest.mark.parametrize(("count", "most_gmac"), [(1, 7.5), (5, 32), (12, 70)])
def test_around_its_handles_the_engine_needs_little(count, most_gmac):
    assert engine_gmac(paper_shape(512), handles_in(count, 128)) <= most_gmac


def test_the_price_of_a_change_costs_no_more_than_a_step_of_the_reference():
    shape = paper_shape(512)
    assert price_gmac(shape) <= reference_gmac(shape)


def test_handles_lie_apart_and_inside():
    handles = handles_in(20, 128)
    assert handles[0].tolist() == [64.0, 64.0]
    assert ((handles >= 0) & (handles < 128)).all()
    apart = torch.cdist(handles, handles) + 128 * torch.eye(20)
    assert float(apart.min()) > 10.0


@pytest.fixture
def w_plus():
    source = torch.Generator().manual_seed(3)
    return torch.randn(1, 8, 12, generator=source)


def test_a_step_of_the_reference_is_one_run_and_one_gradient(w_plus):
    params = ReferenceParams(feature_block=16, dragged_rows=4, supervision_radius_px=2)
    mask = torch.zeros(32, 32)
    generator = FusedGenerator(seeded_weights())
    loop = ReferenceDrag(generator, w_plus, [(10.5, 10.5)], [(20.5, 20.5)], mask, params)
    expected = reference_gmac(TINY_SHAPE, block=16, rows=4)
    assert count_gmac(loop.step) == pytest.approx(expected, rel=1e-6)


def test_a_step_of_the_engine_is_one_run_and_two_products_for_a_handle(w_plus):
    handle = torch.tensor([[5.0, 5.0]])
    space = DragSpace(block=16, rows=4, axes=1e-9 * torch.eye(12))  # the handle stays where it is
    steps = drag(tiny_generator(), w_plus, handle, handle + 5.0, space=space)
    next(steps)
    expected = engine_gmac(TINY_SHAPE, handle, block=16, rows=4)
    # The step's own algebra is left out, which counts beside a tiny generator.
    assert count_gmac(lambda: next(steps)) == pytest.approx(expected, rel=0.05)


def test_memory_is_that_of_the_tensors_which_live_at_once():
    with LiveTensors() as tensors:
        first = torch.zeros(1000)
        second = first + 1.0  # 8,000 bytes live
        first = None
        second.view(10, 100).mul_(2.0)  # no new storage
        third = second + 1.0  # 8,000 again
    assert tensors.bytes_peak == 8000
    assert tensors.bytes_now == 8000
    del first, second, third
    assert tensors.bytes_now == 0


def test_tensors_that_wait_for_the_gradient_are_live():
    leaf = torch.ones(1000, requires_grad=True)
    with LiveTensors() as tensors:
        result = leaf.exp().exp().exp()
        assert tensors.bytes_now == 12000
        del result
    assert tensors.bytes_now == 0
