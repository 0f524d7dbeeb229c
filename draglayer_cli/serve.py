"""``draglayer serve``: the bridge in a terminal, until Ctrl-C."""

from __future__ import annotations

import logging

import click

from bridge_client.discovery import runtime_folder
from bridge_server.__main__ import serve
from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns
from bridge_server.pools.thread import ThreadPool


@click.command("serve")
@click.option("--verbose", is_flag=True, help="Tell of every job and session.")
def command(verbose: bool) -> None:
    """Serve Krita and GIMP on this machine until Ctrl-C."""
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO if verbose else logging.WARNING)
    # The log file gets everything; force, because the group has set up the terminal already.
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[terminal],
        force=True,
    )
    try:
        code = serve(BridgeConfig(runtime_folder=runtime_folder()), ThreadPool(), _tell_listening)
    except BridgeAlreadyRuns:
        click.echo("A bridge is already running: Krita and GIMP will find it.")
        return
    if code:
        raise click.exceptions.Exit(code)
    click.echo("The bridge has stopped.")


def _tell_listening(url: str) -> None:
    click.echo(
        f"The bridge listens at {url}. Krita and GIMP find it by themselves; Ctrl-C stops it."
    )
