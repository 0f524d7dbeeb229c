"""Training: the same seed gives the same weights, with or without an interruption."""

import json

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from engine.generator.generator import GeneratorShape
from training.pictures import draw, factors_from_z
from training.schedule import Route, Stage
from training.train import Run

CPU = torch.device("cpu")
SHAPE = GeneratorShape(z_dim=32, w_dim=8, mapping_depth=2, channels={4: 8, 8: 8, 16: 4})
ROUTE = Route(
    shape=SHAPE,
    stages=(
        Stage(size=8, batch=4, pictures=240, learning_rate=1e-2, final_rate=8e-3),
        Stage(size=16, batch=2, pictures=80, learning_rate=6e-3, final_rate=1e-3),
        Stage(size=16, batch=4, pictures=200, learning_rate=1e-3, final_rate=1e-4, adversarial=0.5),
    ),
    judge={4: 8, 8: 8, 16: 8},
)


def begun(folder, *, seed=3):
    return Run(folder, seed=seed, device=CPU, route=ROUTE)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = begun(tmp_path_factory.mktemp("run"))
    records = list(run.steps())
    return run, records


def state_of(run):
    return {
        **run.generator.state_dict(),
        **{f"a.{k}": v for k, v in run.average.state_dict().items()},
        **{f"j.{k}": v for k, v in run.judge.state_dict().items()},
    }


def are_equal(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_the_same_seed_gives_the_same_weights(finished, tmp_path):
    again = begun(tmp_path)
    for _ in again.steps():
        pass
    assert are_equal(state_of(again), state_of(finished[0]))


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(finished, tmp_path):
    first = begun(tmp_path)
    steps = first.steps()
    next(steps)
    first.save()
    next(steps)  # not saved, and therefore trained once more
    steps.close()
    second = begun(tmp_path, seed=3)
    assert second.pictures == 200 < first.pictures
    for _ in second.steps():
        pass
    assert second.pictures == ROUTE.pictures == 520
    assert are_equal(state_of(second), state_of(finished[0]))
    curves = [
        (run.folder / "curve.jsonl").read_text().splitlines() for run in (second, finished[0])
    ]
    told = [[json.loads(line)["pictures"] for line in lines] for lines in curves]
    assert told[0] == told[1]


def test_another_seed_gives_other_weights(tmp_path):
    one, other = (begun(tmp_path / str(seed), seed=seed) for seed in (1, 2))
    assert not are_equal(state_of(one), state_of(other))


def error_of(run):
    z = torch.randn(16, SHAPE.z_dim, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        w = run.average.mapping(z)
        _, image = run.average.synthesis.until([w] * run.average.num_ws, 16)
    return float((image * 0.5 + 0.5 - draw(factors_from_z(z), 16).images).abs().mean())


def test_training_lowers_the_error(finished, tmp_path):
    run, records = finished
    assert [record.size for record in records] == [8, 16, 16]
    assert error_of(run) < 0.8 * error_of(begun(tmp_path))


def test_the_folder_tells_the_story(finished):
    run, records = finished
    lines = [json.loads(line) for line in (run.folder / "curve.jsonl").read_text().splitlines()]
    assert [line["pictures"] for line in lines] == [record.pictures for record in records]
    with Image.open(run.folder / "samples-16.png") as sheet:
        assert sheet.size == (8 * 16, 8 * 16)
    assert not (run.folder / "state.new").exists()


def test_a_finished_run_has_nothing_left_to_do(finished):
    again = begun(finished[0].folder)
    assert list(again.steps()) == [] and again.pictures == 520


def test_noise_stays_switched_off(finished):
    strengths = [t for n, t in state_of(finished[0]).items() if n.endswith("noise_strength")]
    assert strengths and not any(strength.any() for strength in strengths)


def test_the_average_w_is_followed(finished):
    run, _ = finished
    assert run.average.w_avg.any() and torch.equal(run.average.w_avg, run.generator.w_avg)


def test_the_mapping_stays_beside_a_judge(tmp_path):
    run = begun(tmp_path)
    steps = run.steps()
    before = [next(steps), next(steps)][-1].pictures
    mapping = {k: v.clone() for k, v in run.average.mapping.state_dict().items()}
    for record in steps:
        assert record.pictures > before and record.judge > 0.0
    assert are_equal(mapping, run.average.mapping.state_dict())


def test_averages_of_the_way_are_kept(finished):
    run, _ = finished
    kept = sorted(int(path.stem) for path in (run.folder / "averages").iterdir())
    assert kept == [60, 120, 180, 240, 260, 280, 300, 320, 372, 420, 472, 520]
    last = load_file(run.folder / "averages" / "0000520.safetensors")
    mine = run.average.state_dict()
    assert all(torch.equal(tensor, mine[name].half()) for name, tensor in last.items())


def test_the_judge_pulls_by_its_share_of_the_regression(finished):
    run, _ = finished
    z = torch.randn(4, SHAPE.z_dim, generator=torch.Generator().manual_seed(9))
    drawing = draw(factors_from_z(z), 16)
    image = torch.zeros(4, 3, 16, 16)
    alone = run._pull(image, drawing, 0.0)
    push = run._pull(image, drawing, 0.5) - alone
    assert torch.isclose(push.norm(), 0.5 * alone.norm(), rtol=1e-4)
