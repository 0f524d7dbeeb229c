"""The page of the factors: each alone, from end to end."""

from pathlib import Path

import pytest
import torch

from training import factors
from training.pictures import FACTORS, middle_factors


@pytest.mark.parametrize("index", range(len(FACTORS)))
def test_a_sweep_moves_one_factor_from_end_to_end(index):
    rows = factors.sweep(index, 5)
    assert rows[0, index] == pytest.approx(FACTORS[index].low)
    assert rows[-1, index] == pytest.approx(FACTORS[index].high)
    others = [i for i in range(len(FACTORS)) if i != index]
    assert torch.equal(rows[:, others], middle_factors(5)[:, others])


def test_the_page_has_room_for_every_factor(monkeypatch):
    monkeypatch.setattr(factors, "SIDE", 16)
    rows = -(-len(FACTORS) // factors.COLUMNS)
    assert factors.page().size == (2 * (factors.LABEL + factors.STEPS * 16), rows * 16)


def test_the_page_tells_every_factor_as_it_is():
    text = (Path(__file__).parents[2] / "docs" / "default-model.md").read_text()
    rows = [f"| {f.name} | {f.low:g} | {f.high:g} | {f.meaning} |" for f in FACTORS]
    assert "\n".join(rows) in text
