"""Both loops from one start, in one frame."""

from dataclasses import replace

import pytest
import torch

from benchmarks.loops import LOOPS, Task, reference_loop, version
from engine.checkpoints.catalogue import LoadedModel
from engine.generator.generator import Generator, GeneratorShape
from tests.fakes.generator import seeded_weights, tiny_info

# Of a picture of 32 px the paper's discs would hold no pixel.
SHAPE = GeneratorShape(
    z_dim=8, w_dim=4, mapping_depth=1, channels={4: 4, 8: 4, 16: 4, 32: 4, 64: 4, 128: 4}
)


@pytest.fixture(scope="module")
def model():
    weights = seeded_weights(SHAPE)
    return LoadedModel(generator=Generator.from_weights(weights), info=tiny_info(weights))


@pytest.fixture
def task(model):
    w_plus = model.generator.sample_w(1, seed=1)[:, None].repeat(1, model.generator.num_ws, 1)
    points = {"handles": torch.tensor([[0.4, 0.5]]), "targets": torch.tensor([[0.6, 0.5]])}
    return Task(w_plus=w_plus, **points, step_budget=3)


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_moves_the_dragged_rows_alone(model, task, name):
    dragged = LOOPS[name](model, replace(task, step_budget=12))
    rows = model.info.dragged_rows
    assert 0 < dragged.steps <= 12 and dragged.seconds > 0.0
    assert torch.equal(dragged.w_plus[:, rows:], task.w_plus[:, rows:])
    if name == "reference":  # ours gives its best step, which may be the first
        assert not torch.equal(dragged.w_plus, task.w_plus)


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_that_is_there_says_so(model, task, name):
    dragged = LOOPS[name](model, replace(task, targets=task.handles + 1e-3))
    assert dragged.says_arrived


def test_what_the_reference_leaves_out_changes_nothing(model, task):
    brief, whole = (reference_loop(model, replace(task, is_timed=t)) for t in (False, True))
    assert torch.equal(brief.w_plus, whole.w_plus)


def test_each_loop_has_its_own_version():
    assert version("reference") != version("ours")
    assert version("ours") == version("ours")
