"""`draglayer demo`: the demo picture dragged, with nothing to prepare."""

import json
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path

import click

from bridge_client import Point, PointPair
from bridge_client.messages import MAX_STEP_BUDGET
from draglayer_cli.drag import perform
from draglayer_cli.outcome import sheet_row, write_results
from draglayer_cli.pictures import edit_request, read_mask, read_picture
from draglayer_cli.sheets import sheet


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Folder of the results.",
)
@click.option("--steps", type=click.IntRange(1, MAX_STEP_BUDGET), help="Most steps of each drag.")
@click.option("--model", default="default", show_default=True, help="A model's name or file.")
def command(out: Path, steps: int | None, model: str) -> None:
    """Opens the mouth, grows the ears and turns the head of the portrait that comes along."""
    # Only here: `--help` must not wait for it.
    from bridge_server.pools.thread import ThreadPool
    from draglayer_cli.edits import LocalEdit, session_spec

    rows, pool = [], ThreadPool()  # one engine: the picture is read into the model once
    with as_file(files("draglayer_cli") / "assets" / "demo") as folder:
        picture = read_picture(folder / "demo.png")
        mask = read_mask(folder / "mask.png", picture)
        edits = json.loads((folder / "demo.json").read_text())["edits"]
    for number, edit in enumerate(edits, start=1):
        click.echo(f"{number}. {edit['name']}")
        pairs = pairs_of(edit["pairs"]) + pins_at(edit["pins"].values())
        request = edit_request(picture, mask, pairs, window=None, step_budget=steps, model=model)
        outcome = perform(request, LocalEdit(session_spec(request), pool))
        row = sheet_row(edit["name"], picture, request.window_canvas, request.pairs, outcome)
        write_results(out / f"{number}-{_file_name(edit['name'])}", picture, outcome, row)
        rows.append(row)
        click.echo(f"   {outcome.summary}")
    sheet(rows).save(out / "sheet.png")
    click.echo(f"Look at {out / 'sheet.png'}; beside it each layer and its way as GIF.")


def pairs_of(values: list[dict[str, list[float]]]) -> tuple[PointPair, ...]:
    """Gives the pairs of one edit of demo.json, canvas px."""
    return tuple(PointPair(Point(*v["handle"]), Point(*v["target"])) for v in values)


def pins_at(places: Iterable[list[float]]) -> tuple[PointPair, ...]:
    """Gives pairs that hold places of demo.json, canvas px."""
    return tuple(PointPair(Point(*place), Point(*place)) for place in places)


def _file_name(name: str) -> str:
    return name.lower().replace(" ", "-")
