"""``draglayer serve``: the bridge in a terminal, until Ctrl-C."""

from __future__ import annotations

import logging

import click

from bridge_client.discovery import runtime_folder
from bridge_server.__main__ import EXIT_USAGE, leave_if_stuck
from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns, UnsafeFolder
from bridge_server.pools.thread import ThreadPool
from bridge_server.serving import BridgeServer, stop_signals


@click.command("serve")
@click.option("--verbose", is_flag=True, help="Tell of every job and session.")
def command(verbose: bool) -> None:
    """Serve Krita and GIMP on this machine until Ctrl-C."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    server = BridgeServer(BridgeConfig(runtime_folder=runtime_folder()), ThreadPool())
    try:
        with stop_signals(server):
            server.run(on_listening=_tell_listening)
    except BridgeAlreadyRuns:
        click.echo("A bridge is already running: Krita and GIMP will find it.")
        return
    except (UnsafeFolder, OSError) as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(EXIT_USAGE) from error
    click.echo("The bridge has stopped.")
    leave_if_stuck(server)


def _tell_listening(url: str) -> None:
    click.echo(
        f"The bridge listens at {url}. Krita and GIMP find it by themselves; Ctrl-C stops it."
    )
