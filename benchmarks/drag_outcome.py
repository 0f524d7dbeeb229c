"""One drag done and judged: how far the dragged places are from where they should be."""

from dataclasses import dataclass, replace

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from benchmarks.drag_cases import Case
from engine.checkpoints.catalogue import LoadedModel
from engine.drag.loop import drag
from engine.drag.params import DragParams
from engine.generator.held import Held
from engine.images import from_generator, to_generator, uint8_pixels
from engine.inversion.projection import project
from engine.session import drag_space
from engine.window import WindowImage

TILE = 192  # px, least side of a picture on a sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one drag.

    Attributes:
        before: mean distance of the places, as found in the render, to their targets, share of the
            picture's side.
        after: the same after the drag.
        floor: the same in what the model paints for the true edit's own latent.
        steps: updates made.
        end: why it ended.
        renders: the pictures before and after, (1, 3, S, S) each, [0, 1].
    """

    before: float
    after: float
    floor: float
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
    """Gives the latent that inversion finds for the drawing, from its encoder's guess if it has
    one."""
    window = WindowImage(
        image=to_generator(case.picture), opacity=torch.ones_like(case.picture[:, :1])
    )
    axes = drag_space(model).axes
    *_, last = project(model.generator, window, axes=axes, encoder=model.encoder)
    return last.w_pivot


def searched_w(model: LoadedModel, case: Case) -> Tensor:
    """Gives the latent that inversion finds from the best of many samples."""
    return inverted_w(replace(model, encoder=None), case)


def run(
    model: LoadedModel,
    case: Case,
    w: Tensor,
    params: DragParams,
    held: Held | None = None,
) -> Outcome:
    """Drags one case, while something is held or free, and reads the outcome off the renders."""
    info = model.info
    space = drag_space(model)
    first = w[:, None].repeat(1, model.generator.num_ws, 1)
    best, last = first, None
    for last in drag(
        model.generator,
        first,
        case.handles * info.feature_block,
        case.targets * info.feature_block,
        space=space,
        held=held,
        params=params,
    ):
        best = last.w_plus if last.is_best else best
    assert last is not None
    with torch.no_grad():
        ideal = model.generator.mapping(case.z_after)[:, None].expand_as(first)
        renders = [
            from_generator(model.generator.render(x.unbind(1), stays))
            for x, stays in ((first, None), (best, held), (ideal, None))
        ]
    before, after, floor = (
        float((case.targets - case.marks.found(r)).norm(dim=1).mean()) for r in renders
    )
    return Outcome(
        before=before,
        after=after,
        floor=floor,
        steps=last.step_index,
        end=str(last.end_reason),
        renders=(renders[0], renders[1]),
    )


def sheet_row(case: Case, outcome: Outcome) -> Image.Image:
    """Gives the drawing, the render, the render after the drag and the true edit, side by side;
    handles are marked red, targets blue."""
    pictures = (case.picture, *outcome.renders, case.truth)
    side = max(TILE, case.picture.shape[-1])
    row = Image.new("RGB", (side * len(pictures), side))
    for index, picture in enumerate(pictures):
        tile = Image.fromarray(uint8_pixels(picture))
        tile = tile.resize((side, side), Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(tile)
        for handle, target in zip(case.handles * side, case.targets * side, strict=True):
            start, end = tuple(handle.tolist()), tuple(target.tolist())
            pen.line([start, end], fill=(255, 255, 255), width=1)
            pen.circle(start, 3, outline=(225, 40, 40), width=2)
            pen.circle(end, 3, outline=(30, 80, 255), width=2)
        row.paste(tile, (side * index, 0))
    return row


def sheet(rows: list[Image.Image], columns: int = 2) -> Image.Image:
    """Puts rows of equal size below and beside each other."""
    width, height = rows[0].size
    columns = min(columns, len(rows))
    picture = Image.new("RGB", (columns * width, -(-len(rows) // columns) * height), "white")
    for index, row in enumerate(rows):
        picture.paste(row, (width * (index % columns), height * (index // columns)))
    return picture
