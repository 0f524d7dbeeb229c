"""What a mask holds, by the price of what may not move.

    python -m benchmarks.holding [--edit NAME] [--count 12] [--weights 0 30 100 300] [--model FILE]

Named edits of drawn heads from their true w, as in `benchmarks.does_it_drag`. The mask is a box
around handles and targets, a tenth of the picture wider on each side. Told is how much of the way
the drag took away, in how many steps, and how much the render changed where nothing may move: in
all of it, and in the rim beside the mask. An artist's layer does not change there whatever the
render does; but the less the render does, the better the layer meets what is around it.
"""

import argparse
from dataclasses import dataclass
from statistics import fmean, median

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
from training.keypoints import load_detector

MARGIN = 0.1  # share of the picture
RIM = 1 / 32  # share of the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What came of one drag in a mask.

    Attributes:
        fall: share of the distance that the drag took away.
        steps: updates made.
        outside: mean change of the render outside the mask, in 1/255.
        rim: the same in the rim beside the mask.
    """

    fall: float
    steps: int
    outside: float
    rim: float


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
    change = 255.0 * (after - before).abs().mean(dim=1, keepdim=True)
    reach = max(round(RIM * mask.shape[-1]), 1)
    rim = F.max_pool2d(mask, 2 * reach + 1, 1, reach) - mask
    outside, beside = (float((change * place).sum() / place.sum()) for place in (1.0 - mask, rim))
    return outside, beside


def hold(model: LoadedModel, case: Case, params: DragParams) -> Held:
    """Drags one case in a mask around its points."""
    mask = box_around(case.handles, case.targets, model.generator.resolution)
    outcome = run(model, case, true_w(model, case), params, mask)
    outside, rim = change_outside(*outcome.renders, mask)
    return Held(fall=outcome.fall, steps=outcome.steps, outside=outside, rim=rim)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=12, help="heads for each row")
    parser.add_argument("--edit", choices=[edit.name for edit in EDITS], help="one kind alone")
    parser.add_argument(
        "--weights", type=float, nargs="+", default=[0.0, 30.0, DragParams().mask_weight, 300.0]
    )
    arguments = parser.parse_args()
    model, detector = load_generator(arguments.model), load_detector()
    size, z_dim = model.generator.resolution, model.info.z_dim
    table = Table("edit", "mask weight", "mean fall", "median", "steps", "outside", "rim")
    for edit in (e for e in EDITS if arguments.edit in (None, e.name)):
        cases = list(edit_cases(edit, arguments.count, size, z_dim=z_dim, detector=detector))
        for weight in arguments.weights:
            name, params = f"{weight:g}", DragParams(mask_weight=weight)
            label = f"{edit.name}, {name}"
            held = [hold(model, case, params) for case in track(cases, description=label)]
            table.add_row(
                edit.name,
                name,
                f"{100 * fmean(h.fall for h in held):.0f} %",
                f"{100 * median(h.fall for h in held):.0f} %",
                f"{fmean(h.steps for h in held):.0f}",
                f"{fmean(h.outside for h in held):.2f}",
                f"{fmean(h.rim for h in held):.2f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
