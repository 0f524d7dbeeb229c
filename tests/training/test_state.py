"""A run's state on disk: whole, in small parts, and never half written."""

import pytest
import torch

from training import state
from training.state import load_state, save_state

CPU = torch.device("cpu")


def example(value):
    return {"weights": {"a": torch.full((300,), value)}, "pictures": int(value), "seconds": 0.5}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(state, "PART_BYTES", 700)


def test_a_state_comes_back(tmp_path):
    save_state(tmp_path, example(7.0))
    loaded = load_state(tmp_path, CPU)
    assert torch.equal(loaded["weights"]["a"], torch.full((300,), 7.0))
    assert loaded["pictures"] == 7 and loaded["seconds"] == 0.5


def test_no_part_is_larger_than_allowed(tmp_path):
    save_state(tmp_path, example(7.0))
    sizes = [path.stat().st_size for path in (tmp_path / "state").glob("part-*")]
    assert len(sizes) > 2 and max(sizes) <= 700


def test_a_new_state_takes_the_place_of_the_old(tmp_path):
    save_state(tmp_path, example(7.0))
    save_state(tmp_path, example(8.0))
    assert load_state(tmp_path, CPU)["pictures"] == 8
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_run_cut_off_between_the_two_moves_finds_the_old_state(tmp_path):
    save_state(tmp_path, example(7.0))
    (tmp_path / "state").rename(tmp_path / "state.old")
    assert load_state(tmp_path, CPU)["pictures"] == 7


def test_an_empty_folder_has_no_state(tmp_path):
    assert load_state(tmp_path, CPU) is None


@pytest.mark.parametrize(
    "damage", [lambda part: b"", lambda part: part[:-1], lambda part: b"x" + part[1:]]
)
def test_a_damaged_part_is_refused(tmp_path, damage):
    save_state(tmp_path, example(7.0))
    part = tmp_path / "state" / "part-01"
    part.write_bytes(damage(part.read_bytes()))
    with pytest.raises(ValueError, match="part-01 is missing or damaged"):
        load_state(tmp_path, CPU)
