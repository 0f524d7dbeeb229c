"""How far a place strays while it is tracked through a drag, and whether its confidence said so.

    python -m benchmarks.tracking [--count 30] [--model FILE]

Drags with one handle, as in `benchmarks.default_model`. Through the pictures of each, other places
are tracked that nobody drags. Two kinds have a truth: keypoints, which a detector finds in the last
picture as it did in the first; and still places of a regular grid, around which the picture has not
changed. Told is how far they were from there at the end, in feature px, by the confidence that the
last step gave, and by the one that a hint before the drag would have given.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.drag_cases import Case, pair_cases, seen_in_both
from benchmarks.drag_outcome import true_w
from benchmarks.marks import KeypointMarks
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.drag.handle_hint import TRACKABLE, trackability
from engine.drag.loop import drag
from engine.drag.params import DragParams
from engine.drag.point_tracking import refine_points, track_points
from engine.generator.local_features import sample_features
from engine.geometry import disc_offsets, square_offsets
from engine.images import from_generator
from engine.session import drag_space
from training.keypoints import KeypointDetector, load_detector
from training.pictures import factors_from_z

STRAYED = 0.75  # feature px; the detector's own error is a tenth of that
STILL = 0.01  # most change of a colour around a place that has not moved
AROUND = 2.5  # feature px, in which a still place's picture must not change
GRID = 8  # places along a side
CONFIDENCES = (0.0, 0.1, 0.2, 0.4, 0.6, 1.0)
HINTS = (0.0, 0.5, TRACKABLE, 0.85, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of one place.

    Attributes:
        kind: "keypoint" or "still place".
        hint: the confidence before the drag.
        confidence: that of the last step.
        strayed: from where it should be at the end, feature px.
    """

    kind: str
    hint: float
    confidence: float
    strayed: float


@torch.no_grad()
def tracked(model: LoadedModel, way: Sequence[Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
    """Tracks places (K, 2), feature px, through the pictures of a way, each (1, num_ws, w_dim), as
    the loop does: where they are in the last, (K, 2), and how sure that is, (K,)."""
    params, block = DragParams(), model.info.feature_block
    disc = disc_offsets(params.supervision_radius, params.sample_spacing, places.device)
    candidates = square_offsets(params.tracking_radius, params.sample_spacing, places.device)
    first = model.generator.features(way[0].unbind(1), block)
    templates = sample_features(first, places)
    discs = sample_features(first, places[:, None] + disc)
    sure = torch.ones(len(places))
    for w_plus in way:
        features = model.generator.features(w_plus.unbind(1), block)
        found, sure = track_points(
            features, places, templates, candidates, rival_distance=params.supervision_radius
        )
        places = refine_points(features, found, discs, disc, reach=params.sample_spacing)
    return places, sure


def followed(model: LoadedModel, case: Case, detector: KeypointDetector) -> Iterator[Followed]:
    """Drags a case and follows the other places through it."""
    block, generator = model.info.feature_block, model.generator
    start = true_w(model, case)[:, None].repeat(1, generator.num_ws, 1)
    ways = case.handles * block, case.targets * block
    way = [s.w_plus for s in drag(generator, start, *ways, space=drag_space(model))]
    with torch.no_grad():
        before, after = (from_generator(generator.render(way[i].unbind(1))) for i in (0, -1))
        features = generator.features(start.unbind(1), block)
    factors = factors_from_z(case.z), factors_from_z(case.z_after)
    marks = KeypointMarks(seen_in_both(*factors), detector)
    starts = {"keypoint": marks.found(before) * block, "still place": _still(before, after, block)}
    ends = {"keypoint": marks.found(after) * block, "still place": starts["still place"]}
    for kind, places in starts.items():
        if not len(places):
            continue
        found, sure = tracked(model, way, places)
        hints = trackability(features, places, DragParams())
        strayed = (found - ends[kind]).norm(dim=1)
        for values in zip(hints.tolist(), sure.tolist(), strayed.tolist(), strict=True):
            hint, confidence, away = values
            yield Followed(kind=kind, hint=hint, confidence=confidence, strayed=away)


def _still(before: Tensor, after: Tensor, block: int) -> Tensor:
    """Gives the places of a grid around which two pictures are alike, (K, 2), feature px."""
    to_px = before.shape[-1] / block
    reach = 2 * round(AROUND * to_px) + 1
    change = (after - before).abs().amax(dim=1, keepdim=True)
    change = F.max_pool2d(change, reach, 1, reach // 2)[0, 0]
    line = (torch.arange(GRID) + 0.5) / GRID * block
    places = torch.cartesian_prod(line, line)
    column, row = (places * to_px).long().unbind(1)
    return places[change[row, column] < STILL]


def _rows(places: list[Followed], attribute: str, edges: Sequence[float]) -> Iterator[list[str]]:
    for low, high in zip(edges, edges[1:], strict=False):
        is_last = high == edges[-1]
        row = [f"{low:g} to {high:g}"]
        for kind in ("keypoint", "still place"):
            away = [
                p.strayed
                for p in places
                if p.kind == kind and low <= getattr(p, attribute) < (2.0 if is_last else high)
            ]
            share = sum(a > STRAYED for a in away) / max(len(away), 1)
            told = [f"{median(away):.2f}", f"{100 * share:.0f} %"] if away else ["", ""]
            row += [str(len(away)), *told]
        yield row


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=30, help="drags")
    arguments = parser.parse_args()
    model, detector = load_generator(arguments.model), load_detector()
    size, z_dim = model.generator.resolution, model.info.z_dim
    cases = pair_cases(arguments.count, size, handles=1, z_dim=z_dim, detector=detector)
    places = [
        place
        for case in track(cases, total=arguments.count)
        for place in followed(model, case, detector)
    ]
    columns = ("keypoints", "away, median", "strayed", "still places", "away, median", "strayed")
    for title, attribute, edges in (
        ("last confidence", "confidence", CONFIDENCES),
        ("confidence before the drag", "hint", HINTS),
    ):
        table = Table(title, *columns)
        for row in _rows(places, attribute, edges):
            table.add_row(*row)
        Console().print(table)


if __name__ == "__main__":
    main()
