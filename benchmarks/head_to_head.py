"""Our loop against the paper's, drag by drag, on the practice model.

    python -m benchmarks.head_to_head [--rows one five …] [--loops reference ours] [--count N]
                                      [--part K/N] [--anew]

Each row is a kind of drag, each drag is done by both loops from the same true w, and what a row
tells is the mean of ours minus the reference's with a 95 % interval. Rows that are lost are printed
like rows that are won. A drag's figures are written down when it ends, by the digests of the model
and of the loop's code: an interrupted run goes on, and of the loop that was changed alone the drags
are done again. The reference takes hours and stays as it is, so what it did on the practice model
lies in `reference_figures.jsonl`; `--anew` does those drags too. `--count` takes fewer drags of
each row, `--loops` one loop alone. `--part 3/8` does every eighth drag from the third on: eight
processes with a part each share the work and the file.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Self

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.drag_cases import EDITS, Case, edit_cases, pair_cases
from benchmarks.drag_outcome import true_w
from benchmarks.hard_cases import Cases, flow_cases, hard_cases
from benchmarks.holding import box_around, change_outside
from benchmarks.loops import LOOPS, Dragged, Loop, Task, version
from benchmarks.paired import compare
from benchmarks.results import ResultFile
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.generator.held import Held
from engine.images import from_generator
from engine.inversion.losses import picture_distance
from training.keypoints import KeypointDetector, load_detector

Figures = dict[str, float]

WITHIN = 0.02
"""A drag whose places are so near to their targets, share of the picture, brought them there."""

FLOW_STEPS = 100  # the cap of Pan et al. 2023 for paired reconstruction

REFERENCE_FIGURES = Path(__file__).with_name("reference_figures.jsonl")
"""What the reference did on the practice model, of each row that is not timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of drag.

    Attributes:
        cases: gives the drags.
        count: how many are wanted.
        told: which figures the table has.
        is_masked: dragged in a box around its points.
        returns: dragged back from where it ended.
        is_timed: told is what it costs too.
        step_budget: most steps.
    """

    cases: Cases
    count: int
    told: tuple[str, ...] = ("distance",)
    is_masked: bool = False
    returns: bool = False
    is_timed: bool = False
    step_budget: int = 300


def rows() -> dict[str, Row]:
    """Gives all rows by their names."""
    near = ("distance", "within 2 %", "says arrived", "steps")
    ways_back = ("distance", "home, places", "home, picture")
    hard = {name: Row(cases=cases, count=12) for name, cases in hard_cases().items()}
    hard["pins"] = replace(hard["pins"], told=("distance", "strayed"))
    hard["50 % away"] = replace(hard["50 % away"], told=("distance", "within 2 %", "mse"))
    return {
        "one": Row(cases=partial(_pairs, 1), count=100, told=near),
        "five": Row(cases=partial(_pairs, 5), count=100, told=near),
        "all": Row(cases=partial(_pairs, None), count=20, told=near),
        "time": Row(cases=partial(_pairs, 1), count=6, told=("seconds",), is_timed=True),
        "flow": Row(
            cases=flow_cases,
            count=20,
            told=("distance", "mse", "picture"),
            step_budget=FLOW_STEPS,
        ),
        "back": Row(cases=partial(_pairs, 5), count=20, told=ways_back, returns=True),
        "mask": Row(
            cases=_edits,
            count=20,
            told=("distance", "outside", "rim"),
            is_masked=True,
        ),
        **hard,
    }


MORE_IS_BETTER = ("within 2 %", "says arrived")
SHARES = ("distance", "strayed", "home, places", "within 2 %", "says arrived", "detector", "model")
"""Figures that are told in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The figures of one drag.

    Attributes:
        model: digest of the weights.
        loop: which loop.
        version: digest of its code.
        row: name of the row.
        index: which of the row's drags.
        figures: what `measure` gives.
    """

    model: str
    loop: str
    version: str
    row: str
    index: int
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of so many processes that share the drags.

    Attributes:
        number: from 1.
        of: how many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads "3/8".

        Raises:
            ValueError: it is no such part.
        """
        number, of = (int(word) for word in text.split("/"))
        if not 1 <= number <= of:
            raise ValueError(f"a part is K/N with K from 1 to N, got {text}")
        return cls(number=number, of=of)

    def has(self, turn: int) -> bool:
        """Tells whether a drag, counted from 0, is this process's."""
        return turn % self.of == self.number - 1


WHOLE = Part(number=1, of=1)


class Results(ResultFile[Measurement]):
    """What was measured, one line for each drag.

    Args:
        path: the file; it need not be there.
        known: one more, that is only read.
    """

    def __init__(self, path: Path, known: Path | None = None) -> None:
        super().__init__(path, Measurement)
        self._known = ResultFile(known, Measurement).measured if known else []

    def of(self, model: str, loop: str, row: str) -> dict[int, Figures]:
        """Gives a loop's figures of a row by the drags' indices, as its code is now."""
        now = version(loop)
        return {
            m.index: m.figures
            for m in (*self._known, *self.measured)
            if (m.model, m.loop, m.version, m.row) == (model, loop, now, row)
        }


def measure(model: LoadedModel, loop: Loop, case: Case, row: Row) -> Figures:
    """Drags one case and judges it.

    Returns:
        distance: mean distance of the places, as found in the render, to their targets, pins left
            out; before: the same before the drag; detector: the same in the drawing of the truth;
            model: in what the model paints for the truth's latent. strayed: of the pins to where
            they were. mse (1/100) and picture: to what the model paints for the truth. outside,
            rim: mean change beside the mask, 1/255. home: distance to the start after the way back.
            seconds: processor time, where it is timed. Lengths are shares of the picture's side.
    """
    generator = model.generator
    start = true_w(model, case)[:, None].repeat(1, generator.num_ws, 1)
    mask = box_around(case.handles, case.targets, generator.resolution) if row.is_masked else None
    task = Task(
        w_plus=start,
        handles=case.handles,
        targets=case.targets,
        editable_mask=mask,
        step_budget=row.step_budget,
        is_timed=row.is_timed,
    )
    dragged = loop(model, task)
    with torch.no_grad():
        truth = generator.mapping(case.z_after)[:, None].expand_as(start)
    before, ideal = _picture(model, start), _picture(model, truth)
    after = _picture(model, dragged.w_plus, dragged.held)
    figures = _nearness(case, dragged, before=before, after=after, ideal=ideal)
    if row.is_timed:
        figures["seconds"] = dragged.seconds
    if mask is not None:
        figures["outside"], figures["rim"] = change_outside(before, after, mask)
    if row.returns:
        figures |= _home(model, loop, case, dragged, before)
    return figures


def _nearness(
    case: Case, dragged: Dragged, *, before: Tensor, after: Tensor, ideal: Tensor
) -> Figures:
    is_pin = (case.handles == case.targets).all(dim=1)

    def off(picture: Tensor) -> Tensor:
        lengths: Tensor = (case.marks.found(picture) - case.targets).norm(dim=1)
        return lengths

    figures = {
        name: float(off(picture)[~is_pin].mean())
        for name, picture in (
            ("before", before),
            ("distance", after),
            ("model", ideal),
            ("detector", case.truth),
        )
    }
    if bool(is_pin.any()):
        moved = (case.marks.found(after) - case.marks.found(before)).norm(dim=1)
        figures["strayed"] = float(moved[is_pin].mean())
    return figures | {
        "within 2 %": float(figures["distance"] <= WITHIN),
        "says arrived": float(dragged.says_arrived),
        "steps": float(dragged.steps),
        "mse": 100.0 * float((after - ideal).square().mean()),
        "picture": _apart(after, ideal),
    }


def _home(model: LoadedModel, loop: Loop, case: Case, there: Dragged, before: Tensor) -> Figures:
    """Drags back from where a drag ended, as if it had brought its handles to their targets."""
    task = Task(w_plus=there.w_plus, handles=case.targets, targets=case.handles)
    home = _picture(model, loop(model, task).w_plus)
    moved = case.marks.found(home) - case.marks.found(before)
    return {
        "home, places": float(moved.norm(dim=1).mean()),
        "home, picture": _apart(home, before),
    }


@torch.no_grad()
def _picture(model: LoadedModel, w_plus: Tensor, held: Held | None = None) -> Tensor:
    return from_generator(model.generator.render(w_plus.unbind(1), held))


def _apart(one: Tensor, other: Tensor) -> float:
    return float(picture_distance(one, other, torch.ones_like(one[:, :1])))


def _pairs(
    handles: int | None, count: int, size: int, z_dim: int, detector: KeypointDetector
) -> Iterator[Case]:
    return pair_cases(count, size, handles=handles, z_dim=z_dim, detector=detector)


def _edits(count: int, size: int, z_dim: int, detector: KeypointDetector) -> Iterator[Case]:
    """Gives the named edits in turn."""
    kinds = [edit_cases(e, count, size, z_dim=z_dim, detector=detector) for e in EDITS]
    for index in range(count):
        yield next(kinds[index % len(kinds)])


def measured(
    model: LoadedModel,
    chosen: dict[str, Row],
    loops: dict[str, Loop],
    results: Results,
    *,
    detector: KeypointDetector,
    part: Part = WHOLE,
) -> Iterator[Measurement]:
    """Does the drags that were not done yet: the first of each row, the second of each row, …; so
    that whenever it is stopped, all rows have something to tell."""
    model_sha256, size = model.info.weights_sha256, model.generator.resolution
    cases = {n: r.cases(r.count, size, model.info.z_dim, detector) for n, r in chosen.items()}
    turn = count()
    for index in range(max(row.count for row in chosen.values())):
        for name, row in chosen.items():
            for case in islice(cases[name], 1):  # none where the row has ended
                if not part.has(next(turn)):
                    continue
                for loop_name, loop in loops.items():
                    if index in results.of(model_sha256, loop_name, name):
                        continue
                    measurement = Measurement(
                        model=model_sha256,
                        loop=loop_name,
                        version=version(loop_name),
                        row=name,
                        index=index,
                        figures=measure(model, loop, case, row),
                    )
                    results.add(measurement)
                    yield measurement


def table(chosen: dict[str, Row], results: Results, model: str) -> Table:
    """Lays the rows out: both means, their paired difference, and who is better."""
    told = Table("drag", "figure", "n", "detector", "reference", "ours", "ours - reference", "ours")
    for name, row in chosen.items():
        both = [results.of(model, loop, name) for loop in ("reference", "ours")]
        shared = sorted(both[0].keys() & both[1].keys())
        if len(shared) < 2:
            continue
        detector = 100.0 * sum(both[0][i]["detector"] for i in shared) / len(shared)
        for figure in row.told:
            unit = 100.0 if figure in SHARES else 1.0
            values = [torch.tensor([b[i][figure] for i in shared]) * unit for b in both]
            found = compare(*values, more_is_better=figure in MORE_IS_BETTER)
            told.add_row(
                name,
                figure + (" [%]" if figure in SHARES else ""),
                str(len(shared)),
                f"{detector:.2f}" if figure == "distance" else "",
                f"{float(values[0].mean()):.2f}" if unit > 1 else f"{float(values[0].mean()):.4g}",
                f"{float(values[1].mean()):.2f}" if unit > 1 else f"{float(values[1].mean()):.4g}",
                f"{found.mean:+.3g} ({found.low:+.3g} to {found.high:+.3g})",
                found.verdict,
            )
    return told


def main() -> None:
    """Measures from the command line and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = rows()
    parser.add_argument("--model", default="default")
    parser.add_argument("--rows", nargs="+", choices=tuple(every), default=tuple(every))
    parser.add_argument("--loops", nargs="*", choices=tuple(LOOPS), default=tuple(LOOPS))
    parser.add_argument("--count", type=int, help="at most so many drags of each row")
    parser.add_argument("--part", type=Part.parse, default=WHOLE, metavar="K/N")
    parser.add_argument("--anew", action="store_true", help="the drags of the reference too")
    parser.add_argument("--results", type=Path, default=Path("out/head-to-head.jsonl"))
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    model = load_generator(arguments.model)
    results = Results(arguments.results, None if arguments.anew else REFERENCE_FIGURES)
    chosen = {name: _at_most(every[name], arguments.count) for name in arguments.rows}
    loops = {name: LOOPS[name] for name in arguments.loops}
    most = sum(row.count for row in chosen.values()) * len(loops) // arguments.part.of
    drags = measured(model, chosen, loops, results, detector=load_detector(), part=arguments.part)
    for _ in track(drags, total=most):
        pass
    Console().print(table(chosen, results, model.info.weights_sha256))


def _at_most(row: Row, count: int | None) -> Row:
    return row if count is None else replace(row, count=min(row.count, count))


if __name__ == "__main__":
    main()
