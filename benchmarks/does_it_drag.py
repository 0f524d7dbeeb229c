"""Does it drag? Named edits of drawn heads, from their true and from their inverted latents.

    python -m benchmarks.does_it_drag [--edit NAME] [--latent true|inverted|searched] [--model FILE]

For each edit a number of heads is drawn, and each again with one factor changed. Handles and
targets are places of the two drawings; the drag begins at the first one's latent. Told is how much
of the distance to the targets the drag took away, read off the render. A searched latent is one
that inversion finds without the model's encoder.
"""

import argparse
from collections import Counter
from pathlib import Path
from statistics import median

from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.drag_cases import EDITS, edit_cases
from benchmarks.drag_outcome import (
    Outcome,
    inverted_w,
    run,
    searched_w,
    sheet,
    sheet_row,
    true_w,
)
from engine.checkpoints.catalogue import load_generator
from engine.drag.params import DragParams
from training.keypoints import load_detector

LATENTS = {"true": true_w, "inverted": inverted_w, "searched": searched_w}
DEFAULT_LATENTS = ("true", "inverted")
SHOWN = 3  # heads of each row on the sheet


def main() -> None:
    """Runs the experiment from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=20, help="heads for each row")
    parser.add_argument("--edit", choices=[edit.name for edit in EDITS], help="one kind alone")
    parser.add_argument("--latent", choices=tuple(LATENTS), help="one kind of latent alone")
    parser.add_argument("--sheet", type=Path, default=Path("out/does-it-drag.png"))
    arguments = parser.parse_args()
    model, detector, console = load_generator(arguments.model), load_detector(), Console()
    rows: list[Image.Image] = []
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    table = Table("edit", "latent", "median fall", "distance before", "after", "steps", "ends")
    for edit in (e for e in EDITS if arguments.edit in (None, e.name)):
        size, z_dim = model.generator.resolution, model.info.z_dim
        cases = list(edit_cases(edit, arguments.count, size, z_dim=z_dim, detector=detector))
        for name in DEFAULT_LATENTS if arguments.latent is None else (arguments.latent,):
            label = f"{edit.name}, {name} w"
            outcomes = [
                run(model, case, LATENTS[name](model, case), DragParams())
                for case in track(cases, description=label)
            ]
            rows += [sheet_row(c, o) for c, o in zip(cases[:SHOWN], outcomes[:SHOWN], strict=True)]
            sheet(rows).save(arguments.sheet)
            summary = summarised(outcomes)
            console.print(label, *summary, sep="  ")
            table.add_row(edit.name, f"{name} w", *summary)
    console.print(table)


def summarised(outcomes: list[Outcome]) -> list[str]:
    """Gives the medians of fall, distances and steps, and how many ended why."""
    ends = Counter(outcome.end for outcome in outcomes)
    return [
        f"{100 * median(o.fall for o in outcomes):.0f} %",
        f"{100 * median(o.before for o in outcomes):.1f} %",
        f"{100 * median(o.after for o in outcomes):.1f} %",
        f"{median(o.steps for o in outcomes):.0f}",
        ", ".join(f"{n} {end}" for end, n in ends.items()),
    ]


if __name__ == "__main__":
    main()
