"""The table of both loops: what is measured, what is kept, who is said to win."""

from dataclasses import replace
from functools import partial
from io import StringIO

import pytest
import torch
from rich.console import Console

from benchmarks.drag_cases import pair_cases
from benchmarks.head_to_head import (
    REFERENCE_FIGURES,
    Measurement,
    Part,
    Results,
    Row,
    measured,
    rows,
    table,
)
from benchmarks.loops import Dragged, version
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.generator.generator import Generator, GeneratorShape
from tests.fakes.generator import seeded_weights, tiny_info
from training.keypoints import KeypointDetector

SHAPE = GeneratorShape(z_dim=32, w_dim=4, mapping_depth=1, channels={4: 4, 8: 4, 16: 4, 32: 4})
DETECTOR = KeypointDetector(8).requires_grad_(False)


def pairs(count, size, z_dim, detector):
    return pair_cases(count, size, handles=1, z_dim=z_dim, detector=detector)


def still(model, task):
    """A loop that moves nothing."""
    return Dragged(w_plus=task.w_plus, steps=task.step_budget, says_arrived=False, seconds=2.0)


@pytest.fixture(scope="module")
def model():
    weights = seeded_weights(SHAPE)
    return LoadedModel(generator=Generator.from_weights(weights), info=tiny_info(weights))


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "r")


def run(model, results, chosen, loop=still):
    return list(measured(model, chosen, {"ours": loop}, results, detector=DETECTOR))


def given(results, loop, figures):
    for index, figure in enumerate(figures):
        results.add(
            Measurement(
                model="m", loop=loop, version=version(loop), row="one", index=index,
                figures={"distance": figure, "detector": 0.001},
            )
        )  # fmt: skip


def test_rows_take_turns(model, results):
    chosen = {"one": Row(cases=pairs, count=2), "two": Row(cases=pairs, count=1)}
    done = [(m.row, m.index) for m in run(model, results, chosen)]
    assert done == [("one", 0), ("two", 0), ("one", 1)]


def test_a_loop_that_moves_nothing_leaves_the_distance_and_comes_home(model, results):
    row = Row(cases=pairs, count=1, is_masked=True, returns=True, is_timed=True)
    (found,) = run(model, results, {"one": row})
    assert found.figures["distance"] == found.figures["before"] > 0.0
    assert found.figures["home, places"] == found.figures["home, picture"] == 0.0
    assert found.figures["outside"] == 0.0 and found.figures["seconds"] == 2.0


def test_a_drag_is_not_done_twice(model, results):
    chosen = {"one": Row(cases=pairs, count=2)}
    run(model, results, {"one": Row(cases=pairs, count=1)})
    assert [m.index for m in run(model, Results(results.path), chosen)] == [1]
    assert run(model, Results(results.path), chosen) == []


def test_a_drag_whose_figures_are_known_is_not_done(model, tmp_path, results):
    chosen = {"one": Row(cases=pairs, count=2)}
    run(model, results, {"one": Row(cases=pairs, count=1)})
    known = Results(tmp_path / "other", known=results.path)
    assert [m.index for m in run(model, known, chosen)] == [1]
    assert len(known.path.read_text().splitlines()) == 1, "what is known is not written again"


def test_the_reference_s_figures_are_of_its_code_and_of_the_practice_model(tmp_path):
    known = Results(tmp_path / "none", known=REFERENCE_FIGURES)
    sha256 = load_generator("default").info.weights_sha256
    for name, row in rows().items():
        have = known.of(sha256, "reference", name)
        assert sorted(have) == ([] if row.is_timed else list(range(row.count))), name
        assert all(set(row.told) <= set(figures) for figures in have.values())


def test_parts_share_the_drags(model, results):
    chosen = {"one": Row(cases=pairs, count=3), "two": Row(cases=pairs, count=1)}
    done = []
    for text in ("1/3", "2/3", "3/3"):
        part = Part.parse(text)
        drags = measured(model, chosen, {"ours": still}, results, detector=DETECTOR, part=part)
        done.append([(m.row, m.index) for m in drags])
    assert done == [[("one", 0), ("one", 2)], [("two", 0)], [("one", 1)]]


@pytest.mark.parametrize("text", ["0/3", "4/3", "3"])
def test_a_part_that_there_is_not_is_refused(text):
    with pytest.raises(ValueError):
        Part.parse(text)


def test_figures_of_other_code_are_left_alone(model, results):
    chosen = {"one": Row(cases=pairs, count=1)}
    (found,) = run(model, results, chosen)
    results.path.write_text("")
    Results(results.path).add(replace(found, version="older"))
    assert len(run(model, Results(results.path), chosen)) == 1


def test_the_table_says_who_is_better(results):
    given(results, "reference", [0.05, 0.06, 0.07])
    given(results, "ours", [0.02, 0.02, 0.03, 0.90])  # the last has nothing beside it
    console = Console(width=160, file=StringIO())
    console.print(table({"one": Row(cases=pairs, count=4)}, results, "m"))
    line = next(x for x in console.file.getvalue().splitlines() if "distance" in x)
    assert "6.00" in line and "2.33" in line and "-3.67" in line and "better" in line


@pytest.mark.parametrize("name", ["pins", "50 % away"])
def test_what_a_row_tells_is_measured(model, results, name):
    row = replace(rows()[name], count=1)
    (found,) = run(model, results, {name: row})
    assert set(row.told) <= found.figures.keys()


def test_every_row_gives_its_cases():
    for row in rows().values():
        maker = partial(row.cases, 1, 32, 32, DETECTOR)
        (case,) = maker()
        assert case.handles.shape == case.targets.shape
        assert torch.isfinite(case.targets).all()
