"""Edits of cut-out heads: how near each form of the result comes to the truth, outline included.

    python -m benchmarks.cut_outs [--count 9] [--sheet FILE]

The heads are those of `benchmarks.unseen`, drawn without the wall behind them, and dragged so that
their outline moves. Each finished layer and its truth are laid over grounds of several colours, as
an artist's lower layers may be, and compared inside the selection (PSNR); and so are their
opacities by themselves. The sheet shows each head with its arrows, as a patch, as a replacement,
and the truth, over one of the grounds.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.detailed_heads import CutOutHead
from benchmarks.drag_cases import EDITS
from benchmarks.paired import compare
from benchmarks.unseen import UnseenCase, case_row, unseen_cases
from benchmarks.unseen_edits import save_sheet
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.composite import ResultForm, lay_over
from engine.images import Pixels
from engine.session import EditingSession
from training.keypoints import load_detector

OUTLINE_EDITS = tuple(e for e in EDITS if e.name in ("mouth open", "ear longer", "head turn"))
"""What moves the outline."""

GROUNDS = ((20, 20, 20), (235, 235, 235), (200, 30, 160), (40, 190, 90))
SHOWN_GROUND = GROUNDS[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How near a finished layer is to the truth.

    Attributes:
        psnr: inside the selection, over all grounds, dB.
        opacity: mean difference of opacity inside the selection, share.
    """

    psnr: float
    opacity: float


def over(picture: Pixels, ground: tuple[int, int, int]) -> Pixels:
    """Gives a picture (H, W, 4), uint8, laid over a ground of one colour."""
    below = np.full_like(picture, 255)
    below[:, :, :3] = ground
    return np.ascontiguousarray(lay_over(below, picture))


def score(case: UnseenCase, picture: Pixels) -> Score:
    """Holds a finished layer, (H, W, 4), uint8, against a case's truth."""
    weight = case.editable_mask[:, :, None] / 255.0
    errors = [
        (weight * (over(picture, g).astype(float) - over(case.truth, g)) ** 2)[:, :, :3].sum()
        for g in GROUNDS
    ]
    mean = float(np.mean(errors)) / (3.0 * weight.sum() * 255.0**2)
    off = np.abs(picture[:, :, 3:].astype(float) - case.truth[:, :, 3:]) / 255.0
    return Score(
        psnr=float(-10.0 * np.log10(max(mean, 1e-10))),
        opacity=float((weight * off).sum() / weight.sum()),
    )


def finished(model: LoadedModel, case: UnseenCase) -> dict[str, Pixels]:
    """Gives the edited layer by each form, (H, W, 4), uint8, after one drag."""
    form = ResultForm.REPLACEMENT
    session = EditingSession(model, case.window, case.editable_mask, form=form, device="cpu")
    for _ in session.invert():
        pass
    for _ in session.drag(case.pairs):
        pass
    as_patch = EditingSession.restore(model, session.snapshot(), device="cpu")
    return {
        "untouched": case.window,
        "patch": np.ascontiguousarray(lay_over(case.window, as_patch.layer())),
        "replacement": session.layer(),
    }


def measured(
    model: LoadedModel, cases: Iterator[UnseenCase]
) -> Iterator[tuple[dict[str, Score], Image.Image]]:
    """Gives for each head the score of every form, and the row of the sheet."""
    for case in cases:
        pictures = finished(model, case)
        shown = replace(
            case, window=over(case.window, SHOWN_GROUND), truth=over(case.truth, SHOWN_GROUND)
        )
        others = (over(pictures[name], SHOWN_GROUND) for name in ("patch", "replacement"))
        yield {name: score(case, p) for name, p in pictures.items()}, case_row(shown, *others)


def table(scores: list[dict[str, Score]]) -> Table:
    """Lays the forms out, each beside the patch."""
    told = Table("form", "n", "PSNR [dB]", "PSNR - patch's", "opacity off [%]", "off - patch's")
    for form in scores[0]:
        cells = []
        for name, factor, more_is_better in (("psnr", 1.0, True), ("opacity", 100.0, False)):
            found, rival = (
                factor * torch.tensor([getattr(s[each], name) for s in scores])
                for each in (form, "patch")
            )
            cells.append(f"{found.mean():.2f}")
            if form == "patch" or len(scores) < 2:
                cells.append("")
                continue
            apart = compare(rival, found, more_is_better=more_is_better)
            cells.append(
                f"{apart.mean:+.2f} ({apart.low:+.2f} to {apart.high:+.2f}) {apart.verdict}"
            )
        told.add_row(form, str(len(scores)), *cells)
    return told


def main() -> None:
    """Measures from the command line and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=9, help="heads")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    cases = unseen_cases(
        arguments.count, detector=load_detector(), edits=OUTLINE_EDITS, head=CutOutHead
    )
    scores, rows = [], []
    for found, row in track(
        measured(load_generator(arguments.model), cases), total=arguments.count
    ):
        scores.append(found)
        rows.append(row)
    if arguments.sheet is not None:
        save_sheet(rows, arguments.sheet)
    Console().print(table(scores))


if __name__ == "__main__":
    main()
