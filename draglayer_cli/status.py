"""`draglayer status`: whether a bridge runs, and what it does. Exit code 1 where none serves."""

from pathlib import Path

import click

import bridge_client
from bridge_client.discovery import runtime_folder
from bridge_client.errors import ClientError
from bridge_client.presence import count_editors
from bridge_server.discovery import RunningBridge, find_running, is_held, silent_bridge_sentence


@click.command("status")
def command() -> None:
    """Say whether the bridge runs, and whether its engine is ready."""
    folder = runtime_folder()
    running = find_running(folder)
    if running is None:
        no_bridge = "No bridge runs; the plug-ins start one when they need it."
        click.echo(silent_bridge_sentence(folder) if is_held(folder) else no_bridge)
        raise click.exceptions.Exit(1)
    try:
        _tell(running, folder)
    except ClientError as error:
        raise click.ClickException(f"{error.message} {error.hint}") from error


def _tell(running: RunningBridge, folder: Path) -> None:
    # In this order: an engine that is ready has said which devices it has.
    record, readiness = running.record, running.client.readiness()
    info = running.client.server_info()
    devices = ", ".join(info.devices) or "no device yet"
    engine = f"ready on {devices}" if readiness.is_ready else readiness.reason
    click.echo(f"The bridge runs: process {record.pid}, since {record.started}, at {record.url}.")
    click.echo(f"Version:  {info.versions.get('draglayer', '?')}, protocol {info.api}")
    click.echo(f"Engine:   {engine}")
    click.echo(f"Editors:  {count_editors(folder)}")
    if info.versions.get("draglayer") != bridge_client.__version__:
        click.echo(
            f"This command is version {bridge_client.__version__}: `draglayer stop` ends the other "
            "one, and the next edit starts this one."
        )
