"""From Start to the target: what a whole drag takes, beside the paper's loop.

    OMP_NUM_THREADS=1 python -m benchmarks.click_to_target [--size 512] [--count 20] [--steps 3]

No model of 512 px can be shipped, so the two halves are measured apart: how many steps a drag
takes, on the practice model, over the first pairs of `benchmarks.default_model` with one handle;
and what a step takes at the size asked for, on a generator of random weights, which changes no
cost. A drag is what comes before its first step and then its steps, without previews. One thread,
no mask.
"""

import argparse
from statistics import fmean

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.drag_cases import Case, pair_cases
from benchmarks.drag_outcome import true_w
from benchmarks.loops import LOOPS, Task
from benchmarks.operations import CHANNEL_BASE
from benchmarks.speed import Contest, Times, times
from engine.checkpoints.catalogue import LoadedModel, load_generator
from training.keypoints import load_detector


def steps_taken(model: LoadedModel, cases: list[Case]) -> dict[str, list[int]]:
    """Gives how many steps each loop takes for each case."""
    taken: dict[str, list[int]] = {name: [] for name in LOOPS}
    for case in track(cases, description="counting steps"):
        w_plus = true_w(model, case)[:, None].repeat(1, model.generator.num_ws, 1)
        task = Task(w_plus=w_plus, handles=case.handles, targets=case.targets)
        for name, loop in LOOPS.items():
            taken[name].append(loop(model, task).steps)
    return taken


def seconds(steps: float, of: Times) -> float:
    """Gives what a drag of so many steps takes."""
    return of.first_seconds + steps * of.seconds


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, choices=sorted(CHANNEL_BASE), default=512)
    parser.add_argument("--count", type=int, default=20, help="drags of which steps are counted")
    parser.add_argument("--steps", type=int, default=3, help="steps timed of each loop")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_generator("default")
    cases = pair_cases(
        arguments.count,
        model.generator.resolution,
        handles=1,
        z_dim=model.info.z_dim,
        detector=load_detector(),
    )
    taken = steps_taken(model, list(cases))
    timed = times(Contest(arguments.size, 1, is_masked=False), arguments.steps)
    table = Table("loop", "steps, mean", "before, s", "s a step", "s", "ratio")
    drags = {name: seconds(fmean(taken[name]), timed[name]) for name in LOOPS}
    for name, of in timed.items():
        table.add_row(
            name,
            f"{fmean(taken[name]):.1f}",
            f"{of.first_seconds:.2f}",
            f"{of.seconds:.3f}",
            f"{drags[name]:.1f}",
            f"{drags['reference'] / drags[name]:.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
