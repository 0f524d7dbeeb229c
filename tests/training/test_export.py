import pytest
import torch

from engine.checkpoints.catalogue import load_generator
from tests.fakes.generator import tiny_generator
from training.export import LICENCE, SAMPLES, averaged, export
from training.schedule import Route
from training.state import save_state


@pytest.fixture(scope="module")
def generator():
    return tiny_generator()


def test_the_file_holds_the_generator_to_half_precision(generator, tmp_path):
    export(generator, tmp_path / "m", feature_block=16, rows=4)
    loaded = load_generator(tmp_path / "m")
    w = generator.sample_w(2, seed=3)
    found, expected = (g.render([w] * g.num_ws) for g in (loaded.generator, generator))
    assert float((found - expected).norm() / expected.norm()) < 5e-3
    assert (loaded.info.feature_block, loaded.info.dragged_rows) == (16, 4)
    assert loaded.info.licence == LICENCE


def test_the_statistics_are_those_of_w(generator, tmp_path):
    info = export(generator, tmp_path / "m", feature_block=16, rows=4)
    w = generator.sample_w(SAMPLES, seed=1)
    torch.testing.assert_close(info.w_std, w.std(dim=0))
    average = load_generator(tmp_path / "m").generator.w_avg
    torch.testing.assert_close(average, w.mean(dim=0), atol=1e-3, rtol=1e-3)


def test_a_generator_may_stop_at_a_block(generator, tmp_path):
    info = export(generator, tmp_path / "m", feature_block=8, rows=2, size=16)
    loaded = load_generator(tmp_path / "m").generator
    assert info.resolution == loaded.resolution == 16
    w = generator.sample_w(2, seed=3)
    _, expected = generator.synthesis.until([w] * generator.num_ws, 16)
    found = loaded.render([w] * loaded.num_ws)
    assert float((found - expected).norm() / expected.norm()) < 5e-3


def test_exporting_leaves_the_generator_as_it_was(generator, tmp_path):
    before = generator.w_avg.clone()
    export(generator, tmp_path / "m", feature_block=16, rows=4)
    assert torch.equal(generator.w_avg, before)


def test_the_average_of_a_run_is_what_is_taken(generator, tmp_path):
    save_state(tmp_path, {"networks": {"average": generator.state_dict()}})
    found = averaged(tmp_path, Route(shape=generator.shape, stages=()))
    assert all(torch.equal(t, found.state_dict()[n]) for n, t in generator.state_dict().items())


def test_a_folder_without_a_run_is_told(generator, tmp_path):
    with pytest.raises(ValueError, match="holds no training run"):
        averaged(tmp_path, Route(shape=generator.shape, stages=()))
