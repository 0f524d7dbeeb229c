"""Pictures that no model saw, each beside the same picture after its edit.

    python -m benchmarks.unseen [--count 10] [--sheet FILE]

The heads are drawn as the practice model knows them, four times as large, and carry what it cannot
say (`benchmarks.detailed_heads`), under a colour cast and grain. What such a picture should become
is drawn too, so that an edit can be held against the truth. The command lays the cases out to be
looked at.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from rich.progress import track
from torch import Tensor

from benchmarks.detailed_heads import DetailedHead, Details
from benchmarks.drag_cases import EDITS, Edit, seen_in_both
from benchmarks.drag_outcome import sheet
from benchmarks.marks import KeypointMarks, Marks, UpperLids
from engine.geometry import Point, PointPair
from engine.images import Pixels, blur, uint8_pixels, unit_tensor
from training.keypoints import KeypointDetector, load_detector
from training.pictures import FACTORS

SIZE_PX = 512

SHORTEST_WAY = 0.02
"""Mean way of a case's handles, share of the picture."""

MARKED_SIZE_PX = 128
"""Marks are read off pictures of this size."""

SELECTION_MARGIN = 0.05
"""How far a selection reaches beyond what truly changes, share of the picture."""

GRAIN = 2.0 / 255.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenCase:
    """One edit of one picture.

    Attributes:
        edit: its name.
        window: (H, W, 4), uint8, opaque or cut out: the artist's picture.
        truth: (H, W, 4), uint8, opaque or cut out: what it should become.
        editable_mask: (H, W), uint8, 255 = may move: what truly changes with a margin, feathered.
        handles: (K, 2), window px.
        targets: (K, 2), window px.
        marks: finds the same places in a picture of any size, as shares of its side.
    """

    edit: str
    window: Pixels
    truth: Pixels
    editable_mask: Pixels
    handles: Tensor
    targets: Tensor
    marks: Marks

    @property
    def pairs(self) -> tuple[PointPair, ...]:
        """The drag as an artist draws it, window px."""
        ends = zip(self.handles.tolist(), self.targets.tolist(), strict=True)
        return tuple(PointPair(handle=Point(*h), target=Point(*t)) for h, t in ends)

    def distances_px(self, picture: Pixels) -> Tensor:
        """Gives how far each dragged place is from its target in a picture (H, W, 3 or 4), uint8:
        (K,), window px."""
        planes = unit_tensor(picture)[:, :3]
        small = F.interpolate(planes, size=(MARKED_SIZE_PX, MARKED_SIZE_PX), mode="area")
        side = self.window.shape[0]
        off = self.marks.found(small) * side - self.targets  # (K, 2)
        lengths: Tensor = off.norm(dim=1)
        return lengths


def unseen_cases(
    count: int,
    *,
    detector: KeypointDetector,
    size: int = SIZE_PX,
    seed: int = 71,
    edits: Sequence[Edit] = EDITS,
    head: type[DetailedHead] = DetailedHead,
) -> Iterator[UnseenCase]:
    """Gives so many cases, the kinds of edits in turn, the same for the same seed.

    Args:
        count: how many.
        detector: finds the dragged places.
        size: side of the pictures in px.
        seed: of all that is left to chance; each case has its own, so that more of them are not
            others.
        edits: the kinds.
        head: how heads are drawn.
    """
    for index in range(count):
        source = torch.Generator().manual_seed(1000 * seed + index)
        case = None
        while case is None:
            case = _case(edits[index % len(edits)], source, detector, size, head)
        yield case


def _case(
    edit: Edit,
    source: torch.Generator,
    detector: KeypointDetector,
    size: int,
    head: type[DetailedHead],
) -> UnseenCase | None:
    """Gives the edit of a head drawn by chance; None where that head leaves it no room."""
    low, high = (torch.tensor([[getattr(f, end) for f in FACTORS]]) for end in ("low", "high"))
    before = low + torch.rand(low.shape, generator=source) * (high - low)
    after = edit.change(before)
    if after is None:
        return None
    marks: Marks = UpperLids(before, detector)
    if edit.keypoints:
        seen = seen_in_both(before, after)
        names = [name for name in edit.keypoints if name in seen]
        if not names:
            return None
        marks = KeypointMarks(names, detector)
    handles, targets = marks.true(before), marks.true(after)
    if float((targets - handles).norm(dim=1).mean()) < SHORTEST_WAY:
        return None
    details = Details.by_chance(source)
    heads = [head(f, size, details) for f in (before, after)]
    clean = [each.drawing().images for each in heads]
    grain = GRAIN * torch.randn(1, 3, size, size, generator=source)
    window, truth = (
        uint8_pixels(torch.cat([details.cast * picture + grain, each.opacity], dim=1))
        for each, picture in zip(heads, clean, strict=True)
    )
    return UnseenCase(
        edit=edit.name,
        window=window,
        truth=truth,
        editable_mask=_selection(*clean),
        handles=handles * size,
        targets=targets * size,
        marks=marks,
    )


def _selection(before: Tensor, after: Tensor) -> Pixels:
    """Gives what differs between two pictures (1, 3, S, S), with its margin, feathered."""
    size = before.shape[-1]
    changed = ((after - before).abs().amax(dim=1, keepdim=True) > 0.03).float()
    small = F.max_pool2d(changed, 4)
    reach = round(SELECTION_MARGIN * size / 4)
    # Grown and shrunk before it gets its margin: a lasso has no holes where nothing changed.
    grown = F.max_pool2d(small, 4 * reach + 1, 1, 2 * reach)
    lasso = -F.max_pool2d(-grown, 2 * reach + 1, 1, reach)
    soft = F.interpolate(lasso, size=(size, size), mode="bilinear")
    return uint8_pixels(blur(soft, SELECTION_MARGIN * size / 8))[:, :, 0]


def case_row(case: UnseenCase, *others: Pixels) -> Image.Image:
    """Gives the picture with its arrows and its selection's outline, other pictures of its size,
    and the truth, side by side."""
    side = case.window.shape[0]
    pictures = (case.window, *others, case.truth)
    row = Image.new("RGB", (side * len(pictures), side))
    for index, picture in enumerate(pictures):
        row.paste(Image.fromarray(picture[:, :, :3]), (side * index, 0))
    inside = Image.fromarray((case.editable_mask > 127).astype("uint8") * 255)
    rim = unit_tensor(case.editable_mask) > 0.5
    edge = F.max_pool2d(rim.float(), 3, 1, 1) - rim.float()
    row.paste((255, 255, 255), (0, 0), Image.fromarray(uint8_pixels(edge)[:, :, 0], inside.mode))
    pen = ImageDraw.Draw(row)
    for pair in case.pairs:
        pen.line([pair.handle, pair.target], fill=(255, 255, 255), width=3)
        pen.circle(pair.handle, 6, outline=(225, 40, 40), width=3)
        pen.circle(pair.target, 6, outline=(30, 80, 255), width=3)
    return row


def main() -> None:
    """Draws a sheet from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--sheet", type=Path, default=Path("out/unseen.png"))
    arguments = parser.parse_args()
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    cases = track(unseen_cases(arguments.count, detector=load_detector()), total=arguments.count)
    sheet([case_row(case) for case in cases]).save(arguments.sheet)


if __name__ == "__main__":
    main()
