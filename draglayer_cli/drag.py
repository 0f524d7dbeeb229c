"""`draglayer drag`: one edit of a picture file."""

import contextlib
import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bridge_client import (
    Bounds,
    ClientError,
    DragProgress,
    EditRequest,
    Failed,
    InversionProgress,
    LayerResult,
    PointPair,
    PreviewReady,
    ResultReady,
    WorkerEvent,
)
from bridge_client.edit import ResultReason
from bridge_client.messages import MAX_STEP_BUDGET
from bridge_server.engine_port import EnginePool
from draglayer_cli.pictures import (
    Picture,
    edit_request,
    layer_on_canvas,
    parse_pair,
    parse_window,
    read_mask,
    read_picture,
)
from draglayer_cli.sheets import SheetRow, gif_of_the_way, sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an edit.

    Attributes:
        result: the layer.
        reason: why the drag ended.
        steps: updates made.
        first_distance_px: mean distance of handles and targets before the drag, canvas px.
        distance_px: the smallest that a step told, canvas px; the result is the best step's. The
            bridge's client tells the latest step alone where steps are quicker than its reader.
        previews: JPEGs of the way.
    """

    result: LayerResult
    reason: ResultReason
    steps: int
    first_distance_px: float
    distance_px: float
    previews: tuple[bytes, ...]

    @property
    def summary(self) -> str:
        """One sentence on how it went."""
        return (
            f"{self.reason} after {self.steps} steps: the handles were "
            f"{self.first_distance_px:.1f} px from their targets and are {self.distance_px:.1f} px"
        )


@click.command("drag")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--pair", "pairs", multiple=True, metavar="X,Y:X,Y", help="Handle and target, in px.")
@click.option("--mask", type=click.Path(path_type=Path), help="White where the picture may change.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for results.")
@click.option("--window", metavar="X,Y,SIDE", help="The square that the model is shown.")
@click.option("--steps", type=click.IntRange(1, MAX_STEP_BUDGET), help="Most steps of the drag.")
@click.option("--model", default="default", show_default=True, help="A model's name or file.")
@click.option("--via-bridge", is_flag=True, help="Let the bridge that runs do the work.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def command(
    image: Path,
    pairs: tuple[str, ...],
    mask: Path | None,
    out: Path,
    window: str | None,
    steps: int | None,
    model: str,
    via_bridge: bool,
    as_json: bool,
) -> None:
    """Drags handles of IMAGE to their targets.

    Writes the result as a layer, the picture with the layer over it, a sheet of before and after,
    and a GIF of the way. Ctrl-C ends the drag and keeps the best of what was done.
    """
    picture = read_picture(image)
    editable = None if mask is None else read_mask(mask, picture)
    try:
        request = edit_request(
            picture,
            editable,
            tuple(parse_pair(text) for text in pairs),
            window=None if window is None else parse_window(window),
            step_budget=steps,
            model=model,
        )
    except ClientError as error:
        raise click.UsageError(f"{error.message} {error.hint}".strip()) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    outcome = perform(request, via_bridge=via_bridge, quiet=as_json)
    row = sheet_row("", picture, request, outcome)
    files = write_results(out, picture, outcome, row)
    report = {
        "reason": outcome.reason,
        "steps": outcome.steps,
        "distance_px": {
            "before": round(outcome.first_distance_px, 3),
            "after": round(outcome.distance_px, 3),
        },
        "window": _as_dict(request.window_canvas),
        "layer": _as_dict(outcome.result.bounds_canvas),
        "files": files,
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(outcome.summary)


def perform(
    request: EditRequest,
    *,
    via_bridge: bool = False,
    quiet: bool = False,
    pool: EnginePool | None = None,
) -> Outcome:
    """Runs an edit with progress bars; Ctrl-C ends it with the best so far.

    Args:
        request: the edit.
        via_bridge: let the bridge that runs do the work.
        quiet: show no bars.
        pool: the engine that several edits of this process share.

    Raises:
        click.ClickException: the edit failed, or was ended before its first step.
    """
    # Only here, because it imports the server's and the engine's side: `--help` must not wait.
    from draglayer_cli.edits import StopRequest, edit_in_process, edit_via_bridge

    with StopRequest() as stop:
        edit = (
            edit_via_bridge(request, stop) if via_bridge else edit_in_process(request, stop, pool)
        )
        with contextlib.closing(edit) as events:
            return _follow(events, request.pairs, quiet=quiet)


def sheet_row(name: str, picture: Picture, request: EditRequest, outcome: Outcome) -> SheetRow:
    """Gives the edit for a sheet."""
    return SheetRow(
        name=name,
        before=picture.image(picture.pixels),
        after=_composite(picture, outcome),
        window_canvas=request.window_canvas,
        pairs=request.pairs,
    )


def write_results(out: Path, picture: Picture, outcome: Outcome, row: SheetRow) -> dict[str, str]:
    """Writes layer, composite, sheet and GIF into a folder; gives their names.

    Raises:
        click.UsageError: the folder can't be written.
    """
    layer = Image.fromarray(layer_on_canvas(outcome.result, picture))
    contents = {
        "layer.png": _png(layer, picture.icc_profile),
        "composite.png": _png(row.after, picture.icc_profile),
        "sheet.png": _png(sheet([row])),
    }
    if outcome.previews:
        contents["way.gif"] = gif_of_the_way(outcome.previews)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            part = out / f"{name}.part"
            part.write_bytes(content)
            part.replace(out / name)  # whole or not at all
    except OSError as error:
        raise click.UsageError(
            f"the folder {out.name} can't be written ({error.strerror}); give another --out"
        ) from error
    return {Path(name).stem: name for name in contents}


def _png(image: Image.Image, icc_profile: bytes | None = None) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=icc_profile)
    return buffer.getvalue()


def _follow(events: Iterable[WorkerEvent], pairs: tuple[PointPair, ...], *, quiet: bool) -> Outcome:
    way: list[DragProgress] = []
    previews: list[bytes] = []
    ready: ResultReady | None = None
    with _progress(quiet) as progress:
        invert = progress.add_task("reading the picture", total=None)
        drag = progress.add_task("dragging", total=None, visible=False)
        for event in events:
            if isinstance(event, InversionProgress):
                progress.update(invert, total=event.step_budget, completed=event.step_index)
            elif isinstance(event, DragProgress):
                way.append(event)
                _show_step(progress, drag, event)
            elif isinstance(event, PreviewReady):
                previews.append(event.jpeg)
            elif isinstance(event, ResultReady):
                ready = event
            elif isinstance(event, Failed):
                raise click.UsageError(f"{event.message} {event.hint}".strip())
    if ready is None:
        raise click.ClickException("stopped before the first step; nothing was written")
    return Outcome(
        result=ready.result,
        reason=ready.reason,
        steps=way[-1].step_index,
        first_distance_px=sum(_length(pair) for pair in pairs) / len(pairs),
        distance_px=min(step.distance_px for step in way),
        previews=tuple(previews),
    )


def _length(pair: PointPair) -> float:
    return math.hypot(pair.target.x - pair.handle.x, pair.target.y - pair.handle.y)


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
    return picture.image(np.ascontiguousarray(lay_over(picture.pixels, layer)))


def _as_dict(bounds: Bounds) -> dict[str, int]:
    return {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}
