"""The whole way on pictures that no model saw: inversion, drag, paste-back, held against the truth.

    python -m benchmarks.unseen_edits [--count 20] [--loops reference ours] [--inversions encoder …]
                                      [--edits "eyes close" …] [--sheet docs/images/edits.jpg]

`benchmarks.unseen` draws the pictures and what they should become. Told is how far the dragged
places of the finished picture are from where the truth has them, and how near its pixels are to the
truth's inside the selection (PSNR). The first row is the picture as it was. The latents of each
edit are written down when it is done, by the digests of model and code; other ways of pasting need
no other drags. `--edits` takes pictures of these kinds alone. The sheet shows the first ten
pictures: with arrows, by the reference's loop pasted plainly, by ours as it is inserted, and the
truth.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.drag_cases import EDITS
from benchmarks.drag_outcome import sheet
from benchmarks.loops import LOOPS, Task, version
from benchmarks.paired import compare
from benchmarks.unseen import UnseenCase, case_row, unseen_cases
from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.composite import edit_layer, lay_over
from engine.flow import Flow, flow_between
from engine.generator.held import Held
from engine.images import Pixels, from_generator, resize, uint8_pixels, unit_tensor
from engine.session import EditingSession, drag_space, flow_blocks
from training.keypoints import load_detector

SHOWN = 10  # pictures on the sheet
TILE_PX = 256  # on the sheet
_FILTER = Image.Resampling.LANCZOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Renders:
    """What is laid over a window.

    Attributes:
        before: (1, 3, S, S), [-1, 1], of what was found in the picture.
        after: the same after the drag.
        flow: from the one to the other.
    """

    before: Tensor
    after: Tensor
    flow: Flow


Paste = Callable[[UnseenCase, Renders], Pixels]
"""Gives the finished picture, (H, W, 4), uint8."""


def as_inserted(case: UnseenCase, renders: Renders) -> Pixels:
    """The engine's layer over the picture, as an artist gets it."""
    return _laid_over(case, renders, renders.flow)


def without_transport(case: UnseenCase, renders: Renders) -> Pixels:
    """The same with the render alone: nothing of the picture is carried along."""
    return _laid_over(case, renders, None)


def plain(case: UnseenCase, renders: Renders) -> Pixels:
    """The render over the picture wherever it is selected."""
    picture = _colours(case.window)
    render = resize(from_generator(renders.after), case.window.shape[:2])
    return _opaque(picture + unit_tensor(case.editable_mask) * (render - picture))


def difference(case: UnseenCase, renders: Renders) -> Pixels:
    """What the drag changed in the render, added to the picture."""
    picture = _colours(case.window)
    change = from_generator(renders.after) - from_generator(renders.before)
    change = resize(change, case.window.shape[:2])
    return _opaque(picture + unit_tensor(case.editable_mask) * change)


PASTES: dict[str, Paste] = {
    "plain": plain,
    "difference": difference,
    "without transport": without_transport,
    "as inserted": as_inserted,
}

INVERSIONS: dict[str, Callable[[LoadedModel], LoadedModel]] = {
    "encoder": lambda model: model,
    "samples": lambda model: replace(model, encoder=None),
}
"""Where inversion begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The latents of one edited picture.

    Attributes:
        model: digest of the weights.
        code: digests of the loop and of the inversion.
        loop: which loop.
        inversion: which inversion.
        index: which picture.
        start: w+ as rows of numbers, as inverted.
        end: the same after the drag.
    """

    model: str
    code: str
    loop: str
    inversion: str
    index: int
    start: list[list[float]]
    end: list[list[float]]


class Edits:
    """What was edited, one line for each picture and way.

    Args:
        path: the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def done(self) -> dict[tuple[str, str, str, int], Edited]:
        """Edits by the digests of their model and code, their inversion and their picture."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return {_key(e): e for e in (Edited(**json.loads(line)) for line in lines)}

    def add(self, edited: Edited) -> None:
        """Writes an edit down."""
        self.done[_key(edited)] = edited
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(edited)) + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How near a finished picture is to the truth.

    Attributes:
        distance: mean distance of the dragged places to their targets, share of the side.
        psnr: in the selection, dB.
    """

    distance: float
    psnr: float


def edit(model: LoadedModel, case: UnseenCase, index: int, *, loop: str, inversion: str) -> Edited:
    """Inverts a picture and drags it."""
    begun = INVERSIONS[inversion](model)
    session = EditingSession(begun, case.window, case.editable_mask, device="cpu")
    for _ in session.invert():
        pass
    start, side = session.w_plus, case.window.shape[0]
    task = Task(
        w_plus=start,
        handles=case.handles / side,
        targets=case.targets / side,
        editable_mask=_generator_mask(model, case),
    )
    return Edited(
        model=model.info.weights_sha256,
        code=_code(loop),
        loop=loop,
        inversion=inversion,
        index=index,
        start=start[0].tolist(),
        end=LOOPS[loop](model, task).w_plus[0].tolist(),
    )


@torch.no_grad()
def finished(model: LoadedModel, case: UnseenCase, edited: Edited) -> dict[str, Pixels]:
    """Gives the edited picture by each way of pasting, (H, W, 4), uint8."""
    generator, block = model.generator, model.info.feature_block
    start, end = (torch.tensor([w]) for w in (edited.start, edited.end))
    # The reference holds nothing in its features; what its loss let stray the paste cuts off.
    held = _held(model, case, start) if edited.loop == "ours" else None
    before, after = (generator.render(w.unbind(1), held) for w in (start, end))
    blocks = flow_blocks(block, generator.resolution)
    features = [[generator.features(w.unbind(1), b, held) for b in blocks] for w in (start, end)]
    flow = flow_between(*features)
    renders = Renders(before=before, after=after, flow=flow)
    return {name: paste(case, renders) for name, paste in PASTES.items()}


def score(case: UnseenCase, picture: Pixels) -> Score:
    """Holds a finished picture, (H, W, 4), uint8, against a case's truth."""
    weight = unit_tensor(case.editable_mask)
    error = (_colours(picture) - _colours(case.truth)).square().mean(dim=1, keepdim=True)
    mean = (error * weight).sum() / weight.sum()
    return Score(
        distance=float(case.distances_px(picture).mean()) / case.window.shape[0],
        psnr=float(-10.0 * mean.clamp(min=1e-10).log10()),
    )


Way = tuple[str, str, str]
"""Names of an inversion, a loop and a paste; ("", "none", "untouched") is the picture as it was."""

UNTOUCHED: Way = ("", "none", "untouched")


def measured(
    model: LoadedModel, cases: Iterator[UnseenCase], edits: Edits, ways: list[tuple[str, str]]
) -> Iterator[tuple[dict[Way, Score], Image.Image]]:
    """Gives for each picture the score of every way, and the row of the sheet.

    Args:
        model: the generator and the facts about it.
        cases: the pictures.
        edits: where edits are looked up and written down.
        ways: inversions and loops.
    """
    for index, case in enumerate(cases):
        scores, shown = {UNTOUCHED: score(case, case.window)}, []
        for inversion, loop in ways:
            edited = edits.done.get((model.info.weights_sha256, _code(loop), inversion, index))
            if edited is None:
                edited = edit(model, case, index, loop=loop, inversion=inversion)
                edits.add(edited)
            pictures = finished(model, case, edited)
            scores |= {(inversion, loop, n): score(case, p) for n, p in pictures.items()}
            if inversion == ways[0][0]:
                shown.append(pictures["as inserted" if loop == "ours" else "plain"])
        yield scores, case_row(case, *shown)


def table(scores: list[dict[Way, Score]]) -> Table:
    """Lays the ways out, each paste beside the plain one after the same inversion and drag."""
    told = Table("inversion", "loop", "paste", "n", "distance [%]", "PSNR [dB]", "PSNR - plain")
    for way in scores[0]:
        found = [s[way] for s in scores]
        rival = [s.get((*way[:2], "plain"), s[way]) for s in scores]
        told.add_row(
            *way,
            str(len(found)),
            f"{100.0 * _values(found, 'distance').mean():.2f}",
            f"{_values(found, 'psnr').mean():.2f}",
            _apart(_values(rival, "psnr"), _values(found, "psnr")),
        )
    return told


def loops_compared(scores: list[dict[Way, Score]]) -> Table:
    """Lays out how ours differs from the reference after the same inversion and the same paste."""
    told = Table("inversion", "paste", "distance [%], ours - reference", "PSNR [dB]")
    for inversion, loop, paste in scores[0]:
        rival = (inversion, "reference", paste)
        if loop == "ours" and rival in scores[0]:
            pairs = [(s[rival], s[(inversion, loop, paste)]) for s in scores]
            first, second = ([p[i] for p in pairs] for i in (0, 1))
            told.add_row(
                inversion,
                paste,
                _apart(
                    100.0 * _values(first, "distance"),
                    100.0 * _values(second, "distance"),
                    more_is_better=False,
                ),
                _apart(_values(first, "psnr"), _values(second, "psnr")),
            )
    return told


def _code(loop: str) -> str:
    return f"{version(loop)}-{version('inversion')}"


def _key(edited: Edited) -> tuple[str, str, str, int]:
    return edited.model, edited.code, edited.inversion, edited.index


def _values(scores: list[Score], name: str) -> Tensor:
    return torch.tensor([getattr(s, name) for s in scores])


def _apart(first: Tensor, second: Tensor, *, more_is_better: bool = True) -> str:
    if len(first) < 2 or torch.equal(first, second):
        return ""
    found = compare(first, second, more_is_better=more_is_better)
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f}) {found.verdict}"


def _generator_mask(model: LoadedModel, case: UnseenCase) -> Tensor:
    size = model.generator.resolution
    return resize(unit_tensor(case.editable_mask), (size, size))


def _held(model: LoadedModel, case: UnseenCase, start: Tensor) -> Held | None:
    return drag_space(model).holding(start, _generator_mask(model, case))


def _laid_over(case: UnseenCase, renders: Renders, flow: Flow | None) -> Pixels:
    layer = edit_layer(case.window, renders.before, renders.after, case.editable_mask, flow)
    return lay_over(case.window, layer)


def _colours(picture: Pixels) -> Tensor:
    return unit_tensor(picture)[:, :3]


def _opaque(colours: Tensor) -> Pixels:
    return uint8_pixels(torch.cat([colours, torch.ones_like(colours[:, :1])], dim=1))


def save_sheet(rows: list[Image.Image], path: Path) -> None:
    """Saves the first rows, one below the other."""
    tiles = [r.resize((r.width * TILE_PX // r.height, TILE_PX), _FILTER) for r in rows[:SHOWN]]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(tiles, columns=1).save(path, quality=82)


def main() -> None:
    """Measures from the command line and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = {edit.name: edit for edit in EDITS}
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=20, help="pictures")
    parser.add_argument("--loops", nargs="+", choices=tuple(LOOPS), default=list(LOOPS))
    parser.add_argument(
        "--inversions", nargs="+", choices=tuple(INVERSIONS), default=list(INVERSIONS)
    )
    parser.add_argument("--edits", nargs="+", choices=tuple(kinds), default=list(kinds))
    parser.add_argument("--results", type=Path, help="where edits are written down")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    results = arguments.results or _results_of(arguments.edits)
    results.parent.mkdir(parents=True, exist_ok=True)
    ways = [(i, loop) for i in arguments.inversions for loop in arguments.loops]
    cases = unseen_cases(
        arguments.count, detector=load_detector(), edits=[kinds[name] for name in arguments.edits]
    )
    steps = measured(load_generator(arguments.model), cases, Edits(results), ways)
    scores, rows = [], []
    for found, row in track(steps, total=arguments.count):
        scores.append(found)
        rows.append(row)
    if arguments.sheet is not None:
        save_sheet(rows, arguments.sheet)
    console = Console()
    console.print(table(scores))
    console.print(loops_compared(scores))


def _results_of(edits: list[str]) -> Path:
    """A picture is known by its number, which other kinds of edits give to another one."""
    every = [edit.name for edit in EDITS]
    names = [] if edits == every else [name.replace(" ", "-") for name in edits]
    return Path("out") / ("-".join(["unseen-edits", *names]) + ".jsonl")


if __name__ == "__main__":
    main()
