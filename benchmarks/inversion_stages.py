"""Which latent gives the best dragged picture: one w, a split w+, or a free w+.

    python -m benchmarks.inversion_stages [--model FILE] [--count 10]

The pictures are those that no model saw (`benchmarks.unseen`). What counts is the picture after the
drag, laid in as an artist gets it, against the true edit, not the inversion.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.unseen import UnseenCase, unseen_cases
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.composite import lay_over
from engine.images import Pixels
from engine.inversion.projection import project
from engine.inversion.refinement import RefinementParams, refine
from engine.session import EditingSession, drag_space
from engine.window import to_generator_frame
from training.keypoints import load_detector


@dataclass(frozen=True, slots=True, kw_only=True)
class Dragged:
    """What came of one latent of one picture.

    Attributes:
        seconds: processor time of the stage that gave the latent.
        match: share of the picture that it explains, before the drag.
        distance_px: mean distance of the dragged places to their targets, window px.
        psnr_db: of the result against the true edit, inside the selection.
    """

    seconds: float
    match: float
    distance_px: float
    psnr_db: float


def latents(model: LoadedModel, case: UnseenCase) -> Iterator[tuple[str, Tensor, float]]:
    """Gives name, w+ (1, num_ws, w_dim) and processor seconds of each way to invert a picture."""
    generator, space = model.generator, drag_space(model)
    window = to_generator_frame(case.window, generator.resolution, generator.w_avg.device)
    began = time.process_time()
    *_, found = project(generator, window, axes=space.axes, encoder=model.encoder)
    w_pivot = found.w_pivot
    yield "w", w_pivot[:, None].repeat(1, generator.num_ws, 1), time.process_time() - began
    for name, shared in (("split w+", space.rows), ("free w+", 0)):
        began = time.process_time()
        *_, refined = refine(
            generator,
            window,
            w_pivot,
            axes=space.axes,
            shared_rows=shared,
            params=RefinementParams(),
        )
        yield name, refined.w_plus, time.process_time() - began


def dragged(model: LoadedModel, case: UnseenCase, w_plus: Tensor, seconds: float) -> Dragged:
    """Drags one picture from a latent and holds the result against the truth."""
    session = EditingSession(model, case.window, case.editable_mask, device="cpu")
    session.set_latent(w_plus)
    match = session.match.share
    for _ in session.drag(case.pairs):
        pass
    result = lay_over(case.window, session.layer())
    return Dragged(
        seconds=seconds,
        match=match,
        distance_px=float(case.distances_px(result).mean()),
        psnr_db=_psnr_db(result, case.truth, case.editable_mask),
    )


def _psnr_db(picture: Pixels, truth: Pixels, mask: Pixels) -> float:
    error = np.square(picture[..., :3].astype(float) - truth[..., :3]).mean(axis=2)
    return 10.0 * math.log10(255.0**2 / float(np.average(error, weights=mask)))


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=10, help="pictures")
    arguments = parser.parse_args()
    model = load_generator(arguments.model)
    cases = unseen_cases(arguments.count, detector=load_detector())
    found: dict[str, list[Dragged]] = {}
    for case in track(cases, total=arguments.count):
        for name, w_plus, seconds in latents(model, case):
            found.setdefault(name, []).append(dragged(model, case, w_plus, seconds))
    table = Table("latent", "processor s", "match", "distance px", "PSNR dB", "against w, dB")
    for name, rows in found.items():
        gains = [row.psnr_db - first.psnr_db for row, first in zip(rows, found["w"], strict=True)]
        spread = float(np.std(gains, ddof=1)) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
        table.add_row(
            name,
            f"{mean(row.seconds for row in rows):.1f}",
            f"{mean(row.match for row in rows):.3f}",
            f"{mean(row.distance_px for row in rows):.2f}",
            f"{mean(row.psnr_db for row in rows):.2f}",
            f"{mean(gains):+.2f} ± {1.96 * spread:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
