"""How near a drag brings what it drags: 100 fixed pairs of poses with one handle, 100 with five.

    python -m benchmarks.default_model [--model FILE] [--count 100] [--handles 1|5]

`benchmarks.drag_cases.pair_cases` tells how a pair is drawn. A drag begins at the first head's true
w and takes at most 300 steps; told is the mean distance of its keypoints to their targets, found in
the render and stated as a share of the picture's side. Each drag's figures are written down when
it ends, by the model's digest, and a run that was interrupted goes on; give another --results when
the drag itself has changed.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles

from rich.console import Console
from rich.progress import track

from benchmarks.drag_cases import Case, pair_cases
from benchmarks.drag_outcome import run, sheet, sheet_row, true_w
from benchmarks.results import ResultFile
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.drag.loop import EndReason
from engine.drag.params import DragParams
from training.keypoints import load_detector

HANDLES = (1, 5)
SHOWN = 8  # pairs of each row on the sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The figures of one drag.

    Attributes:
        model: digest of the weights.
        handles: how many were dragged.
        index: which of the fixed pairs.
        before: mean distance to the targets, share of the picture's side.
        after: the same after the drag.
        floor: the same in what the model paints for the true edit's own latent.
        steps: updates made.
        end: why it ended.
        seconds: what the drag took.
    """

    model: str
    handles: int
    index: int
    before: float
    after: float
    floor: float
    steps: int
    end: str
    seconds: float


class Results(ResultFile[Measurement]):
    """What was measured, one line for each drag.

    Args:
        path: the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, Measurement)

    def of(self, model: str, handles: int) -> dict[int, Measurement]:
        """Gives what was measured of a model, by the pair's index."""
        found = (m for m in self.measured if (m.model, m.handles) == (model, handles))
        return {measurement.index: measurement for measurement in found}


def measured(
    model: LoadedModel,
    cases: list[Case],
    results: Results,
    *,
    handles: int,
    params: DragParams | None = None,
    sheet_file: Path | None = None,
) -> Iterator[Measurement]:
    """Drags the pairs that were not dragged yet; yields the figures of all.

    Args:
        model: the generator and the facts about it.
        cases: the fixed pairs.
        results: where figures are looked up and written down.
        handles: how many are dragged.
        params: how to drag; None for the defaults.
        sheet_file: where the first pairs are shown, if they are dragged now.
    """
    done = results.of(model.info.weights_sha256, handles)
    rows = []
    for index, case in enumerate(cases):
        if index not in done:
            began = time.perf_counter()
            outcome = run(model, case, true_w(model, case), params or DragParams())
            done[index] = Measurement(
                model=model.info.weights_sha256,
                handles=handles,
                index=index,
                before=outcome.before,
                after=outcome.after,
                floor=outcome.floor,
                steps=outcome.steps,
                end=outcome.end,
                seconds=time.perf_counter() - began,
            )
            results.add(done[index])
            if sheet_file is not None and index < SHOWN:
                rows.append(sheet_row(case, outcome))
                sheet(rows).save(sheet_file)
        yield done[index]


def summary(measurements: list[Measurement]) -> str:
    """Gives the distances' quartiles and mean, the share that arrived, and the steps."""
    before, after, floor, steps = (
        quantiles([getattr(m, name) for m in measurements], n=4, method="inclusive")
        for name in ("before", "after", "floor", "steps")
    )
    mean = fmean(m.after for m in measurements)
    reached = fmean(m.end == EndReason.REACHED for m in measurements)
    return (
        f"{measurements[0].handles} handle(s), {len(measurements)} pairs: "
        f"distance {100 * before[1]:.1f} % before; after: median {100 * after[1]:.2f} %, "
        f"quartiles {100 * after[0]:.2f} and {100 * after[2]:.2f} %, mean {100 * mean:.2f} %; "
        f"the model's own picture of the truth: {100 * floor[1]:.2f} %; "
        f"reached {100 * reached:.0f} %; "
        f"steps: median {steps[1]:.0f}, quartiles {steps[0]:.0f} and {steps[2]:.0f}; "
        f"{sum(m.seconds for m in measurements) / 60:.1f} min"
    )


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=100, help="pairs of each row")
    parser.add_argument("--handles", type=int, choices=HANDLES, help="one row alone")
    parser.add_argument("--results", type=Path, default=Path("out/default-model/pairs.jsonl"))
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    model, detector = load_generator(arguments.model), load_detector()
    size, z_dim = model.generator.resolution, model.info.z_dim
    console, results = Console(soft_wrap=True), Results(arguments.results)
    for handles in HANDLES if arguments.handles is None else (arguments.handles,):
        cases = list(
            pair_cases(arguments.count, size, handles=handles, z_dim=z_dim, detector=detector)
        )
        sheet_file = arguments.results.with_name(f"pairs-{handles}.png")
        rows = measured(model, cases, results, handles=handles, sheet_file=sheet_file)
        label = f"{handles} handle(s)"
        console.print(summary(list(track(rows, description=label, total=len(cases)))))


if __name__ == "__main__":
    main()
