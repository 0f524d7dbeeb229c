"""The whole way on unseen pictures: what is scored, how it is pasted, and what is kept."""

from io import StringIO

import numpy as np
import pytest
import torch
from rich.console import Console

from benchmarks.unseen import unseen_cases
from benchmarks.unseen_edits import (
    PASTES,
    UNTOUCHED,
    Edits,
    Renders,
    Score,
    finished,
    loops_compared,
    measured,
    score,
    table,
)
from engine.checkpoints.catalogue import LoadedModel
from engine.flow import Flow
from engine.generator.generator import Generator, GeneratorShape
from engine.images import to_generator, unit_tensor
from tests.fakes.generator import seeded_weights, tiny_info
from training.keypoints import load_detector

SIZE = 64
SHAPE = GeneratorShape(z_dim=32, w_dim=4, mapping_depth=1, channels={4: 4, 8: 4, 16: 4, 32: 4})


@pytest.fixture(scope="module")
def case():
    return next(unseen_cases(1, detector=load_detector(), size=SIZE))


@pytest.fixture(scope="module")
def model():
    weights = seeded_weights(SHAPE)
    return LoadedModel(generator=Generator.from_weights(weights), info=tiny_info(weights))


def renders(before, after):
    """Pictures (H, W, 4) as if a generator had painted them, and nothing known of their flow."""
    still = torch.zeros(1, 2, 16, 16)
    flow = Flow(backward=still, forward=still, confidence=torch.zeros(1, 1, 16, 16))
    planes = [to_generator(unit_tensor(p)[:, :3]) for p in (before, after)]
    return Renders(before=planes[0], after=planes[1], flow=flow)


def printed(told):
    console = Console(width=160, file=StringIO())
    console.print(told)
    return console.file.getvalue()


def test_the_truth_scores_best(case):
    best, untouched = score(case, case.truth), score(case, case.window)
    assert best.psnr == pytest.approx(100.0) and untouched.psnr < 30.0
    assert best.distance < 0.3 * untouched.distance


def test_what_is_not_selected_does_not_count(case):
    painted = case.truth.copy()
    painted[case.editable_mask == 0] = 0
    assert score(case, painted).psnr == score(case, case.truth).psnr


def test_a_noise_in_the_selection_has_its_decibels(case):
    noisy = case.truth.astype(int)
    noisy[:, :, :3] += np.where(noisy[:, :, :3] > 127, -10, 10)
    expected = 20.0 * np.log10(255 / 10)
    assert score(case, noisy.astype(np.uint8)).psnr == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", PASTES)
def test_no_paste_touches_what_is_not_selected(case, name):
    picture = PASTES[name](case, renders(case.window, case.truth))
    outside = case.editable_mask == 0
    assert np.array_equal(picture[outside], case.window[outside])
    assert score(case, picture).psnr > score(case, case.window).psnr


def test_the_difference_carries_what_the_model_cannot_say(case):
    same = np.full_like(case.window, 99)
    picture = PASTES["difference"](case, renders(same, same))
    assert np.array_equal(picture, case.window)


def test_an_edit_is_done_once_and_pasted_each_time(model, case, tmp_path):
    edits, ways = Edits(tmp_path / "e"), [("samples", "ours")]
    ((scores, row),) = measured(model, iter([case]), edits, ways)
    assert set(scores) == {UNTOUCHED, *(("samples", "ours", name) for name in PASTES)}
    assert row.size == (3 * SIZE, SIZE)
    again = Edits(tmp_path / "e")
    ((same, _),) = measured(model, iter([case]), again, ways)
    assert same == scores and len((tmp_path / "e").read_text().splitlines()) == 1
    (edited,) = again.done.values()
    assert finished(model, case, edited).keys() == PASTES.keys()


def test_the_tables_say_who_is_better():
    def figures(distance, psnr):
        return Score(distance=distance, psnr=psnr)

    scores = [
        {
            UNTOUCHED: figures(0.1, 15.0),
            ("encoder", "reference", "plain"): figures(0.03, 20.0 + i),
            ("encoder", "ours", "plain"): figures(0.01, 21.0 + i),
            ("encoder", "ours", "as inserted"): figures(0.01, 22.5 + i),
        }
        for i in range(4)
    ]
    assert "+1.50 (+1.50 to +1.50) better" in printed(table(scores))
    assert "-2.00 (-2.00 to -2.00) better" in printed(loops_compared(scores))
