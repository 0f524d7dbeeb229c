"""What came of an edit: followed on the screen, summed up, and written as files."""

import contextlib
import json
import math
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bridge_client import (
    Bounds,
    DragProgress,
    Failed,
    HandleHint,
    HandlesChecked,
    InversionProgress,
    LayerResult,
    Match,
    MatchMeasured,
    PointPair,
    PreviewReady,
    ResultForm,
    ResultReady,
    WorkerEvent,
)
from bridge_client.edit import ResultReason
from bridge_client.marks import PointBook, check_text, lost_text
from draglayer_cli.pictures import Picture, layer_on_canvas, png
from draglayer_cli.sheets import SheetRow, gif_of_the_way, sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an edit.

    Attributes:
        result: the layer.
        reason: why the drag ended; "shown" where nothing was dragged.
        steps: updates made.
        first_distance_px: mean distance of handles and targets before the drag, canvas px.
        distance_px: the smallest that a step told, canvas px; the result is the best step's. The
            bridge's client tells the latest step alone where steps are quicker than its reader.
        previews: JPEGs of the way.
        match: how well the model can draw the picture; None where that was not measured.
        hints: how well the handles could be followed before the drag; empty where nobody looked.
        lost: which points the drag may have lost, in a sentence; empty where it has all.
    """

    result: LayerResult
    reason: ResultReason
    steps: int
    first_distance_px: float
    distance_px: float
    previews: tuple[bytes, ...]
    match: Match | None
    hints: tuple[HandleHint, ...] = ()
    lost: str = ""

    @property
    def summary(self) -> str:
        """One sentence on how it went."""
        if self.reason == "shown":
            return "the edit as it was saved, no further drag"
        went = (
            f"{self.reason} after {self.steps} steps: the handles were "
            f"{self.first_distance_px:.1f} px from their targets and are {self.distance_px:.1f} px"
        )
        return f"{went}. {self.lost}" if self.lost else went

    @property
    def layer_summary(self) -> str:
        """One sentence on how the layer is to be laid in."""
        if self.result.form is ResultForm.REPLACEMENT:
            return (
                "layer.png is the whole edited picture, to take its place: what shines through "
                "cannot be changed from above"
            )
        return "layer.png shows what changed, to lie above the picture"

    def report(self, window_canvas: Bounds, files: dict[str, str]) -> str:
        """Gives what came of it as JSON, with the window and the names of what was written."""
        report = {
            "reason": self.reason,
            "steps": self.steps,
            "distance_px": {
                "before": round(self.first_distance_px, 3),
                "after": round(self.distance_px, 3),
            },
            "match": None if self.match is None else asdict(self.match),
            "hints": [asdict(hint) for hint in self.hints],
            "lost": self.lost,
            "window": _as_dict(window_canvas),
            "form": self.result.form.value,
            "layer": _as_dict(self.result.bounds_canvas),
            "files": files,
        }
        return json.dumps(report, indent=2)


def sheet_row(
    name: str,
    picture: Picture,
    window_canvas: Bounds,
    pairs: tuple[PointPair, ...],
    outcome: Outcome,
) -> SheetRow:
    """Gives the edit for a sheet."""
    return SheetRow(
        name=name,
        before=picture.image(picture.pixels),
        after=_composite(picture, outcome),
        window_canvas=window_canvas,
        pairs=pairs,
    )


def write_results(out: Path, picture: Picture, outcome: Outcome, row: SheetRow) -> dict[str, str]:
    """Writes layer, composite, sheet and GIF into a folder; gives their names.

    Raises:
        click.UsageError: the folder can't be written.
    """
    from engine.files import write_whole

    layer = Image.fromarray(layer_on_canvas(outcome.result, picture))
    contents = {
        "layer.png": png(layer, picture.icc_profile),
        "composite.png": png(row.after, picture.icc_profile),
        "sheet.png": png(sheet([row])),
    }
    if outcome.previews:
        contents["way.gif"] = gif_of_the_way(outcome.previews)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(out / name, content)
    except OSError as error:
        raise click.UsageError(
            f"the folder {out.name} can't be written ({error.strerror}); give another --out"
        ) from error
    return {Path(name).stem: name for name in contents}


def followed(
    events: Generator[WorkerEvent, None, None], pairs: tuple[PointPair, ...], *, quiet: bool
) -> Outcome:
    """Follows an edit with progress bars to what came of it; says before its drag how well the
    model can draw the picture, and which handles are hard to follow.

    Args:
        events: as the bridge's worker tells them; closed at the end.
        pairs: what is dragged, canvas px; empty where nothing is.
        quiet: show no bars and say nothing.

    Raises:
        click.ClickException: the edit failed, or was ended before its first step.
    """
    notes = _Notes(pairs)
    with contextlib.closing(events), _progress(quiet) as progress:
        invert = progress.add_task("reading the picture", total=None, visible=False)
        drag = progress.add_task("dragging", total=None, visible=False)
        for event in events:
            said = notes.take(event)
            if said and not quiet:
                progress.console.print(said)
            if isinstance(event, InversionProgress):
                _show_reading(progress, invert, event)
            elif isinstance(event, DragProgress):
                _show_step(progress, drag, event)
    return notes.outcome()


class _Notes:
    """What an edit has told so far.

    Args:
        pairs: what is dragged, canvas px.
    """

    def __init__(self, pairs: tuple[PointPair, ...]) -> None:
        self._pairs = pairs
        self._way: list[DragProgress] = []
        self._previews: list[bytes] = []
        self._points = PointBook()
        self._points.begin_drag(pairs)
        self._hints: tuple[HandleHint, ...] = ()
        self._match: Match | None = None
        self._ready: ResultReady | None = None

    def take(self, event: WorkerEvent) -> str:
        """Notes an event; gives what is to be said of it at once, if anything."""
        if isinstance(event, MatchMeasured):
            # Told by each command of an edit.
            is_news, self._match = event.match != self._match, event.match
            return event.match.sentence if is_news else ""
        if isinstance(event, HandlesChecked):
            return self._take_hints(event)
        if isinstance(event, DragProgress):
            self._way.append(event)
            self._points.track(event)
        elif isinstance(event, PreviewReady):
            self._previews.append(event.jpeg)
        elif isinstance(event, ResultReady):
            self._ready = event
        elif isinstance(event, Failed):
            raise click.UsageError(f"{event.message} {event.hint}".strip())
        return ""

    def _take_hints(self, event: HandlesChecked) -> str:
        self._hints = event.hints
        self._points.check(event.pairs, event.hints)
        if all(hint.is_trackable for hint in event.hints):
            return ""
        return check_text(self._points.marks(event.pairs, is_dragged=False))

    def outcome(self) -> Outcome:
        """Gives what came of it."""
        if self._ready is None:
            raise click.ClickException("stopped before the first step; nothing was written")
        way, pairs = self._way, self._pairs
        return Outcome(
            result=self._ready.result,
            reason=self._ready.reason,
            steps=way[-1].step_index if way else 0,
            first_distance_px=sum(_length(pair) for pair in pairs) / max(1, len(pairs)),
            distance_px=min((step.distance_px for step in way), default=0.0),
            previews=tuple(self._previews),
            match=self._match,
            hints=self._hints,
            lost=lost_text(self._points.marks(pairs, is_dragged=True)) if way else "",
        )


def _length(pair: PointPair) -> float:
    return math.hypot(pair.target.x - pair.handle.x, pair.target.y - pair.handle.y)


def _show_reading(progress: Progress, task: TaskID, step: InversionProgress) -> None:
    progress.update(task, visible=True, total=step.step_budget, completed=step.step_index)


def _show_step(progress: Progress, task: TaskID, step: DragProgress) -> None:
    progress.update(
        task,
        description=f"dragging, {step.distance_px:.1f} px to go",
        visible=True,
        total=step.step_budget,
        completed=step.step_index,
    )


def _progress(quiet: bool) -> Progress:
    # On stderr: what is printed for a program to read stays clean.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )


def _composite(picture: Picture, outcome: Outcome) -> Image.Image:
    from engine.composite import lay_over

    layer = layer_on_canvas(outcome.result, picture)
    if outcome.result.form is ResultForm.PATCH:
        layer = np.ascontiguousarray(lay_over(picture.pixels, layer))
    return picture.image(layer)


def _as_dict(bounds: Bounds) -> dict[str, int]:
    return {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}
