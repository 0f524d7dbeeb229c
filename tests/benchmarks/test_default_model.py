"""The benchmark of the pairs: figures of each drag, written down, and never dragged twice."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from benchmarks.default_model import Measurement, Results, measured, summary
from benchmarks.drag_cases import pair_cases
from engine.checkpoints.catalogue import LoadedModel
from engine.drag.params import DragParams
from engine.generator.generator import Generator, GeneratorShape
from tests.fakes.generator import seeded_weights, tiny_info
from training.keypoints import KeypointDetector

SHAPE = GeneratorShape(z_dim=32, w_dim=4, mapping_depth=1, channels={4: 4, 8: 4, 16: 4, 32: 4})
BRIEF = DragParams(step_budget=2)


@pytest.fixture(scope="module")
def model():
    weights = seeded_weights(SHAPE)
    info = replace(tiny_info(weights), weights_sha256="a")
    return LoadedModel(generator=Generator.from_weights(weights), info=info)


@pytest.fixture(scope="module")
def cases():
    torch.manual_seed(0)
    detector = KeypointDetector(8).requires_grad_(False)
    return list(pair_cases(3, 32, handles=1, z_dim=32, detector=detector))


def measurement(**changes):
    values = dict(before=0.1, after=0.02, floor=0.01, steps=40, end="reached", seconds=6.0)
    return Measurement(**{**values, "model": "a", "handles": 1, "index": 0, **changes})


def test_each_pair_is_measured_and_shown(model, cases, tmp_path):
    results = Results(tmp_path / "r")
    found = list(
        measured(model, cases, results, handles=1, params=BRIEF, sheet_file=tmp_path / "s.png")
    )
    assert [m.index for m in found] == [0, 1, 2]
    assert all(m.steps == 2 and m.end == "budget" and m.before > 0.0 for m in found)
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.size == (2 * 4 * 192, 2 * 192)


def test_an_interrupted_run_goes_on(model, cases, tmp_path):
    run = measured(model, cases, Results(tmp_path / "r"), handles=1, params=BRIEF)
    first = next(run)
    run.close()
    again = list(measured(model, cases, Results(tmp_path / "r"), handles=1, params=BRIEF))
    assert again[0] == first  # the seconds too: it was not dragged again
    assert len((tmp_path / "r").read_text().splitlines()) == 3


def test_figures_of_other_models_are_left_alone(tmp_path):
    results = Results(tmp_path / "r")
    for other in (measurement(model="b"), measurement(handles=5), measurement()):
        results.add(other)
    assert Results(tmp_path / "r").of("a", 1) == {0: measurement()}


def test_the_summary_tells_the_quartiles():
    rows = [measurement(index=i, after=0.01 * i, end="stalled") for i in range(4)]
    told = summary([*rows, measurement(index=4, after=0.08)])
    assert "after: median 2.00 %, quartiles 1.00 and 3.00 %, mean 2.80 %" in told
    assert "reached 20 %" in told and "5 pairs" in told and "0.5 min" in told
