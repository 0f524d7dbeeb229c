"""`draglayer reopen`: a saved edit gone through, weakened, strengthened, or dragged on."""

from dataclasses import replace
from pathlib import Path

import click

from bridge_client.messages import MAX_AMOUNT, MAX_STEP_BUDGET
from draglayer_cli.outcome import followed, sheet_row, write_results
from draglayer_cli.pictures import parse_pair
from draglayer_cli.saved_edit import DEFAULT_MODEL, SavedEdit


@click.command("reopen")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for results.")
@click.option("--undo", type=click.IntRange(0), default=0, help="So many drags taken back.")
@click.option("--redo", type=click.IntRange(0), default=0, help="So many drags done again.")
@click.option("--position", type=click.IntRange(0), help="A kept step of the last drag's way.")
@click.option("--amount", type=click.FloatRange(0, MAX_AMOUNT), help="1 = as it was dragged.")
@click.option("--pair", "pairs", multiple=True, metavar="X,Y:X,Y", help="Dragged from there on.")
@click.option("--steps", type=click.IntRange(1, MAX_STEP_BUDGET), help="Most steps of that drag.")
@click.option("--model", help="The model's file, if the edit was made with one of your own.")
@click.option("--save", type=click.Path(path_type=Path), help="File for how it stands then.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
def command(
    file: Path,
    out: Path,
    undo: int,
    redo: int,
    position: int | None,
    amount: float | None,
    pairs: tuple[str, ...],
    steps: int | None,
    model: str | None,
    save: Path | None,
    as_json: bool,
) -> None:
    """Opens an edit that `draglayer drag --save` wrote to FILE, and writes its results.

    Options are done in this order: undo, redo, position and amount, then a further drag.
    """
    # Only here, because it imports the server's and the engine's side: `--help` must not wait.
    from bridge_client.messages import JobKind
    from bridge_server.engine_port import EngineTask
    from draglayer_cli.edits import LocalEdit, StopRequest

    try:
        dragged = tuple(parse_pair(text) for text in pairs)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    saved = SavedEdit.read(file)
    tasks = [EngineTask(kind=JobKind.UNDO)] * undo + [EngineTask(kind=JobKind.REDO)] * redo
    if position is not None or amount is not None:
        tasks.append(EngineTask(kind=JobKind.SHOW, position=position, amount=amount))
    if dragged:
        tasks.append(EngineTask(kind=JobKind.DRAG, pairs=dragged, step_budget=steps))
    edit = LocalEdit(saved.session_spec(_model_for(saved, model)))
    with StopRequest() as stop:
        outcome = followed(edit.run(tasks, stop), dragged, quiet=as_json)
    row = sheet_row("", saved.picture, saved.window_canvas, dragged, outcome)
    files = write_results(out, saved.picture, outcome, row)
    if save is not None:
        replace(saved, snapshot=edit.snapshot()).write(save)
    if as_json:
        click.echo(outcome.report(saved.window_canvas, files))
        return
    history = edit.history
    click.echo(outcome.summary)
    click.echo(outcome.layer_summary)
    click.echo(
        f"drag {history.undo_depth} of {history.undo_depth + history.redo_depth}, "
        f"step {history.position} of the {history.last_position} kept, "
        f"amount {history.amount:g}"
    )


def _model_for(saved: SavedEdit, given: str | None) -> str:
    if given is None and saved.model != DEFAULT_MODEL:
        raise click.UsageError(
            f"the edit was made with the model file {saved.model}; give it to --model"
        )
    return given or DEFAULT_MODEL
