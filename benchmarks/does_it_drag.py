"""Does it drag? The assumption that everything rests on, tested on drawings with known truth.

    python -m benchmarks.does_it_drag [--edit mouth|ear|yaw] [--model FILE] [--count 20]

For each of {mouth, ear, yaw} and each of {true w, inverted w} a number of heads is drawn, and each
again with that one factor changed. Handles and targets are the keypoints of the two drawings; the
drag begins at the first one's latent. Told is how much of the keypoints' distance to their targets
the drag took away, read off the render by the keypoint detector.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.drag.loop import DragSpace, drag
from engine.drag.params import DragParams
from engine.images import from_generator, to_generator
from engine.inversion.projection import invert
from engine.window import WindowImage
from training.keypoints import KeypointDetector, find_keypoints, load_detector
from training.pictures import FACTORS, KEYPOINTS, draw, factors_from_z


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One kind of drag with known truth.

    Attributes:
        name: what an artist would call it.
        factor: the factor that changes.
        share: how much of its range.
        keypoints: what is dragged.
    """

    name: str
    factor: str
    share: float
    keypoints: tuple[str, ...]


EDITS = (
    Edit(name="mouth", factor="mouth_open", share=0.6, keypoints=("chin", "lip_lower")),
    Edit(name="ear", factor="ear_length", share=0.5, keypoints=("ear_tip_left", "ear_tip_right")),
    Edit(name="yaw", factor="yaw", share=0.35, keypoints=("nose",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One drag: its latent, its points and its pictures.

    Attributes:
        z: (1, z_dim), the latent whose factors the first drawing has.
        picture: (1, 3, S, S), the first drawing, [0, 1].
        truth: (1, 3, S, S), the second drawing.
        handles: (K, 2), frame coordinates.
        targets: (K, 2), frame coordinates.
        indices: places of the dragged keypoints in `KEYPOINTS`.
    """

    z: Tensor
    picture: Tensor
    truth: Tensor
    handles: Tensor
    targets: Tensor
    indices: list[int]


def cases(edit: Edit, count: int, size: int, *, z_dim: int, seed: int = 5) -> Iterator[Case]:
    """Gives so many drags of one kind, the same for the same seed."""
    column = next(i for i, f in enumerate(FACTORS) if f.name == edit.factor)
    factor = FACTORS[column]
    source = torch.Generator().manual_seed(seed)
    indices = [KEYPOINTS.index(name) for name in edit.keypoints]
    while count:
        z = torch.randn(1, z_dim, generator=source)
        before = factors_from_z(z)
        after = before.clone()
        room_above = (factor.high - before[0, column]) / (factor.high - factor.low)
        after[0, column] += (edit.share if room_above >= edit.share else -edit.share) * (
            factor.high - factor.low
        )
        if not factor.low <= float(after[0, column]) <= factor.high:
            continue
        first, second = draw(before, size), draw(after, size)
        yield Case(
            z=z,
            picture=first.images,
            truth=second.images,
            handles=first.keypoints[0, indices],
            targets=second.keypoints[0, indices],
            indices=indices,
        )
        count -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one drag.

    Attributes:
        before: mean distance of the found keypoints to their targets, share of the picture.
        after: the same after the drag.
        steps: updates made.
        end: why it ended.
        renders: the pictures before and after, (3, S, S) each.
    """

    before: float
    after: float
    steps: int
    end: str
    renders: tuple[Tensor, Tensor]

    @property
    def fall(self) -> float:
        """Share of the distance that the drag took away."""
        return 1.0 - self.after / self.before


@torch.no_grad()
def true_w(model: LoadedModel, case: Case) -> Tensor:
    """Gives the latent that the generator learned for the drawing."""
    w: Tensor = model.generator.mapping(case.z)
    return w


def inverted_w(model: LoadedModel, case: Case) -> Tensor:
    """Gives the latent that inversion finds for the drawing."""
    window = WindowImage(
        image=to_generator(case.picture), opacity=torch.ones_like(case.picture[:, :1])
    )
    *_, last = invert(model.generator, window, w_spread=float(model.info.w_std.mean()))
    return last.w_pivot


def run(
    model: LoadedModel, detector: KeypointDetector, case: Case, w: Tensor, params: DragParams
) -> Outcome:
    """Drags one case and reads the outcome off the renders."""
    info = model.info
    space = DragSpace(
        block=info.feature_block, rows=info.dragged_rows, w_spread=float(info.w_std.mean())
    )
    w_plus = w[:, None].repeat(1, model.generator.num_ws, 1)
    block = info.feature_block
    best, last = w_plus, None
    for last in drag(
        model.generator,
        w_plus,
        case.handles * block,
        case.targets * block,
        space=space,
        params=params,
    ):
        best = last.w_plus if last.is_best else best
    assert last is not None
    with torch.no_grad():
        renders = [from_generator(model.generator.render(x.unbind(1))) for x in (w_plus, best)]
    found = [find_keypoints(detector, render)[0, case.indices] for render in renders]
    before, after = ((case.targets - f).norm(dim=1).mean().item() for f in found)
    return Outcome(
        before=before,
        after=after,
        steps=last.step_index,
        end=str(last.end_reason),
        renders=(renders[0][0], renders[1][0]),
    )


def sheet_row(case: Case, outcome: Outcome) -> Image.Image:
    """Gives the drawing, the render, the render after the drag and the true edit, side by side."""
    pictures = (case.picture[0], *outcome.renders, case.truth[0])
    side = max(192, case.picture.shape[-1])
    row = Image.new("RGB", (side * len(pictures), side))
    for index, picture in enumerate(pictures):
        pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        tile = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(tile)
        for handle, target in zip(case.handles * side, case.targets * side, strict=True):
            pen.line(
                [tuple(handle.tolist()), tuple(target.tolist())], fill=(255, 255, 255), width=1
            )
            x, y = target.tolist()
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], outline=(30, 80, 255), width=2)
        row.paste(tile, (side * index, 0))
    return row


def main() -> None:
    """Runs the experiment from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=20, help="heads for each row")
    parser.add_argument("--edit", choices=[edit.name for edit in EDITS], help="one kind alone")
    parser.add_argument("--sheet", type=Path, default=Path("out/does-it-drag.png"))
    arguments = parser.parse_args()
    model, detector = load_generator(arguments.model), load_detector()
    table = Table("edit", "latent", "median fall", "distance before", "after", "steps", "ends")
    rows: list[Image.Image] = []
    for edit in (e for e in EDITS if arguments.edit in (None, e.name)):
        size, z_dim = model.generator.resolution, model.info.z_dim
        batch = list(cases(edit, arguments.count, size, z_dim=z_dim))
        for name, latent in (("true w", true_w), ("inverted w", inverted_w)):
            label = f"{edit.name}, {name}"
            outcomes = [
                run(model, detector, case, latent(model, case), DragParams())
                for case in track(batch, description=label)
            ]
            rows += [sheet_row(c, o) for c, o in zip(batch[:3], outcomes[:3], strict=True)]
            table.add_row(edit.name, name, *_summary(outcomes))
    Console().print(table)
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet = Image.new("RGB", (rows[0].width * 2, rows[0].height * ((len(rows) + 1) // 2)))
    for index, row in enumerate(rows):
        sheet.paste(row, (row.width * (index % 2), row.height * (index // 2)))
    sheet.save(arguments.sheet)


def _summary(outcomes: list[Outcome]) -> list[str]:
    def median(values: list[float]) -> float:
        return float(torch.tensor(values).median())

    ends = {o.end: sum(p.end == o.end for p in outcomes) for o in outcomes}
    return [
        f"{100 * median([o.fall for o in outcomes]):.0f} %",
        f"{100 * median([o.before for o in outcomes]):.1f} %",
        f"{100 * median([o.after for o in outcomes]):.1f} %",
        f"{median([float(o.steps) for o in outcomes]):.0f}",
        ", ".join(f"{n} {end}" for end, n in ends.items()),
    ]


if __name__ == "__main__":
    main()
