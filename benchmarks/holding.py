"""What a mask holds, by the way of holding.

    python -m benchmarks.holding [--edit NAME] [--count 12] [--model FILE]

Named edits of drawn heads from their true w, as in `benchmarks.does_it_drag`. The mask is a box
around handles and targets, a tenth of the picture wider on each side. The ways: nothing is held; a
change where nothing may move has a price; the maps are held there (`engine.generator.held`), with
and without that price. Told is how much of the way the drag took away, in how many steps, and how
much the render changed: where nothing may move, in the rim beside the mask, and along the edge
inside it, which is the seam that a layer cut there shows.
"""

import argparse
from dataclasses import dataclass, replace
from statistics import fmean

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.drag_cases import EDITS, Case, edit_cases
from benchmarks.drag_outcome import run, true_w
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.drag.params import DragParams
from engine.generator.held import Held
from engine.session import drag_space
from training.keypoints import load_detector

MARGIN = 0.1  # share of the picture
RIM = 1 / 32  # share of the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What came of one drag in a mask.

    Attributes:
        fall: share of the distance that the drag took away.
        steps: updates made.
        outside: mean change of the render outside the mask, in 1/255.
        rim: the same in the rim beside the mask.
        seam: the same along the edge inside it, one px wide.
    """

    fall: float
    steps: int
    outside: float
    rim: float
    seam: float


def box_around(handles: Tensor, targets: Tensor, size: int) -> Tensor:
    """Gives a mask (1, 1, size, size): 1 in a box around the points (K, 2), shares of the
    picture."""
    points = torch.cat([handles, targets])
    left, top = ((points.amin(dim=0) - MARGIN).clamp(0, 1) * size).long().tolist()
    right, bottom = ((points.amax(dim=0) + MARGIN).clamp(0, 1) * size).long().tolist()
    mask = torch.zeros(1, 1, size, size)
    mask[..., top:bottom, left:right] = 1.0
    return mask


def change_outside(before: Tensor, after: Tensor, mask: Tensor) -> tuple[float, float]:
    """Gives the mean change of a picture (1, 3, S, S) in 1/255: outside the mask (1, 1, S, S), and
    in the rim beside it."""
    reach = max(round(RIM * mask.shape[-1]), 1)
    rim = F.max_pool2d(mask, 2 * reach + 1, 1, reach) - mask
    return _mean_change(before, after, 1.0 - mask), _mean_change(before, after, rim)


def change_at_the_edge(before: Tensor, after: Tensor, mask: Tensor) -> float:
    """Gives the mean change of a picture (1, 3, S, S) in 1/255 along the mask's edge, inside it;
    the picture's own border is none."""
    return _mean_change(before, after, mask + F.max_pool2d(-mask, 3, 1, 1))


def _mean_change(before: Tensor, after: Tensor, where: Tensor) -> float:
    change = 255.0 * (after - before).abs().mean(dim=1, keepdim=True)
    return float((change * where).sum() / where.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of holding.

    Attributes:
        name: what the table calls it.
        is_masked: the drag knows of the mask.
        is_held: the maps are held, and not only dear.
        mask_weight: the price of a change where nothing may move.
    """

    name: str
    is_masked: bool = True
    is_held: bool = False
    mask_weight: float = 0.0

    def holding(self, model: LoadedModel, w_plus: Tensor, mask: Tensor) -> Held | None:
        """Gives what is held of a picture (1, num_ws, w_dim) in a mask (1, 1, S, S)."""
        held = drag_space(model).holding(w_plus, mask) if self.is_masked else None
        if held is not None and not self.is_held:
            return replace(held, first_layer=model.generator.num_ws)  # none is
        return held


WAYS = (
    Way(name="nothing", is_masked=False),
    *(Way(name=f"a price of {p:g}", mask_weight=p) for p in (100.0, 1000.0)),
    *(Way(name=f"held, {p:g}", is_held=True, mask_weight=p) for p in (0.0, 20.0, 100.0, 400.0)),
)


def hold(model: LoadedModel, case: Case, way: Way) -> Outside:
    """Drags one case in a mask around its points."""
    w, mask = (
        true_w(model, case),
        box_around(case.handles, case.targets, model.generator.resolution),
    )
    held = way.holding(model, w[:, None].repeat(1, model.generator.num_ws, 1), mask)
    outcome = run(model, case, w, DragParams(mask_weight=way.mask_weight), held)
    outside, rim = change_outside(*outcome.renders, mask)
    return Outside(
        fall=outcome.fall,
        steps=outcome.steps,
        outside=outside,
        rim=rim,
        seam=change_at_the_edge(*outcome.renders, mask),
    )


def _told(held: list[Outside], figures: tuple[str, ...]) -> list[str]:
    means = {name: fmean(getattr(each, name) for each in held) for name in figures}
    return [f"{100 * means['fall']:.0f} %", *(f"{means[name]:.1f}" for name in figures[1:])]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=12, help="heads for each row")
    parser.add_argument("--edit", choices=[edit.name for edit in EDITS], help="one kind alone")
    arguments = parser.parse_args()
    model, detector = load_generator(arguments.model), load_detector()
    size, z_dim = model.generator.resolution, model.info.z_dim
    figures = ("fall", "steps", "outside", "rim", "seam")
    table = Table("edit", "held", *figures)
    found: dict[str, list[Outside]] = {way.name: [] for way in WAYS}
    for edit in (e for e in EDITS if arguments.edit in (None, e.name)):
        cases = list(edit_cases(edit, arguments.count, size, z_dim=z_dim, detector=detector))
        for way in WAYS:
            label = f"{edit.name}, {way.name}"
            here = [hold(model, case, way) for case in track(cases, description=label)]
            table.add_row(edit.name, way.name, *_told(here, figures))
            found[way.name] += here
        table.add_section()
    for name, everywhere in found.items():
        table.add_row("all", name, *_told(everywhere, figures))
    Console().print(table)


if __name__ == "__main__":
    main()
