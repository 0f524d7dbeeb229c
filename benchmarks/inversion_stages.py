"""Which inversion gives the best dragged picture: one w, a split w+, a free w+, or a split one to
which the generator was tuned.

    python -m benchmarks.inversion_stages [--model FILE] [--count 10]

The pictures are those that no model saw (`benchmarks.unseen`). What counts is the picture after the
drag, laid in as an artist gets it, against the true edit, not the inversion.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import mean

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.unseen import UnseenCase, unseen_cases
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.composite import lay_over
from engine.generator.changes import WeightChanges
from engine.images import Pixels
from engine.inversion.projection import project
from engine.inversion.refinement import RefinementParams, refine
from engine.inversion.tuning import TuningParams, tune
from engine.session import EditingSession, drag_space
from engine.tuning_gate import let_through
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one way to invert a picture gives.

    Attributes:
        name: of the way.
        w_plus: (1, num_ws, w_dim).
        changes: of the generator's weights.
        seconds: processor time of the stage.
    """

    name: str
    w_plus: Tensor
    changes: WeightChanges = field(default_factory=dict)
    seconds: float


def inversions(model: LoadedModel, case: UnseenCase) -> Iterator[Found]:
    """Inverts a picture in each way."""
    generator, space = model.generator, drag_space(model)
    window = to_generator_frame(case.window, generator.resolution, generator.w_avg.device)
    began = time.process_time()
    *_, found = project(generator, window, axes=space.axes, encoder=model.encoder)
    w_pivot = found.w_pivot
    w_plus = w_pivot[:, None].repeat(1, generator.num_ws, 1)
    yield Found(name="w", w_plus=w_plus, seconds=time.process_time() - began)
    for name, shared in (("free w+", 0), ("split w+", space.rows)):
        began = time.process_time()
        *_, refined = refine(
            generator,
            window,
            w_pivot,
            axes=space.axes,
            shared_rows=shared,
            params=RefinementParams(),
        )
        w_plus = refined.w_plus
        yield Found(name=name, w_plus=w_plus, seconds=time.process_time() - began)
    began = time.process_time()
    *_, tuned = tune(generator, window, w_plus, params=TuningParams())
    changes = let_through(generator, w_plus, tuned.changes, space=space, opacity=window.opacity)
    seconds = time.process_time() - began
    yield Found(name="split w+, tuned", w_plus=w_plus, changes=changes, seconds=seconds)


def dragged(model: LoadedModel, case: UnseenCase, found: Found) -> Dragged:
    """Drags one inverted picture and holds the result against the truth."""
    session = EditingSession(model, case.window, case.editable_mask, device="cpu")
    session.set_latent(found.w_plus, found.changes)
    match = session.match.share
    for _ in session.drag(case.pairs):
        pass
    result = lay_over(case.window, session.layer())
    return Dragged(
        seconds=found.seconds,
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
    ends: dict[str, list[Dragged]] = {}
    for case in track(cases, total=arguments.count):
        for found in inversions(model, case):
            ends.setdefault(found.name, []).append(dragged(model, case, found))
    table = Table("inversion", "processor s", "match", "distance px", "PSNR dB", "against w, dB")
    for name, rows in ends.items():
        gains = [row.psnr_db - first.psnr_db for row, first in zip(rows, ends["w"], strict=True)]
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
