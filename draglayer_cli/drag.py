"""`draglayer drag`: one edit of a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge_client import ClientError, EditRequest
from bridge_client.messages import MAX_STEP_BUDGET, InversionProfile
from draglayer_cli.outcome import Outcome, followed, sheet_row, write_results
from draglayer_cli.pictures import (
    edit_request,
    parse_pair,
    parse_window,
    read_mask,
    read_picture,
)
from draglayer_cli.saved_edit import SavedEdit

if TYPE_CHECKING:
    from draglayer_cli.edits import LocalEdit


@click.command("drag")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--pair", "pairs", multiple=True, metavar="X,Y:X,Y", help="Handle and target, in px.")
@click.option("--mask", type=click.Path(path_type=Path), help="White where the picture may change.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for results.")
@click.option("--window", metavar="X,Y,SIDE", help="The square that the model is shown.")
@click.option("--steps", type=click.IntRange(1, MAX_STEP_BUDGET), help="Most steps of the drag.")
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in InversionProfile]),
    default=InversionProfile.FAST.value,
    show_default=True,
    help="How long reading the picture into the model may take.",
)
@click.option("--model", default="default", show_default=True, help="A model's name or file.")
@click.option("--via-bridge", is_flag=True, help="Let the bridge that runs do the work.")
@click.option("--save", type=click.Path(path_type=Path), help="File for `draglayer reopen`.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def command(
    image: Path,
    pairs: tuple[str, ...],
    mask: Path | None,
    out: Path,
    window: str | None,
    steps: int | None,
    profile: str,
    model: str,
    via_bridge: bool,
    save: Path | None,
    as_json: bool,
) -> None:
    """Drags handles of IMAGE to their targets.

    Says first how well the model can draw the picture, and which handles are hard to follow. Writes
    the result as a layer, the picture with it, a sheet of before and after, and a GIF of the way.
    The layer lies above the picture; where what may change is translucent, it takes the picture's
    place. Ctrl-C ends the drag and keeps the best of what was done.
    """
    # Only here, because it imports the server's and the engine's side: `--help` must not wait.
    from draglayer_cli.edits import LocalEdit, session_spec

    if via_bridge and save is not None:
        raise click.UsageError("a bridge keeps its sessions itself; leave out --via-bridge to save")
    picture = read_picture(image)
    editable = None if mask is None else read_mask(mask, picture)
    try:
        request = edit_request(
            picture,
            editable,
            tuple(parse_pair(text) for text in pairs),
            window=None if window is None else parse_window(window),
            step_budget=steps,
            profile=InversionProfile(profile),
            model=model,
        )
    except ClientError as error:
        raise click.UsageError(f"{error.message} {error.hint}".strip()) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    edit = None if via_bridge else LocalEdit(session_spec(request))
    outcome = perform(request, edit, quiet=as_json)
    row = sheet_row("", picture, request.window_canvas, request.pairs, outcome)
    files = write_results(out, picture, outcome, row)
    if save is not None and edit is not None:
        saved = SavedEdit(
            picture=picture,
            mask=editable,
            window_canvas=request.window_canvas,
            model=Path(model).name,
            snapshot=edit.snapshot(),
        )
        saved.write(save)
    if as_json:
        click.echo(outcome.report(request.window_canvas, files))
    else:
        click.echo(outcome.summary)
        click.echo(outcome.layer_summary)


def perform(request: EditRequest, edit: LocalEdit | None, *, quiet: bool = False) -> Outcome:
    """Runs an edit with progress bars; Ctrl-C ends it with the best so far.

    Args:
        request: the edit.
        edit: who does it; None for the bridge that runs.
        quiet: show no bars and say nothing.

    Raises:
        click.ClickException: the edit failed, or was ended before its first step.
    """
    from draglayer_cli.edits import StopRequest, drag_tasks, edit_via_bridge

    with StopRequest() as stop:
        events = (
            edit_via_bridge(request, stop) if edit is None else edit.run(drag_tasks(request), stop)
        )
        return followed(events, request.pairs, quiet=quiet)
