"""`draglayer stop`: ends the bridge, and returns when it has ended."""

import click

from bridge_client.discovery import runtime_folder
from bridge_client.errors import ClientError
from bridge_server.discovery import (
    BridgeHangs,
    find_running,
    is_held,
    silent_bridge_sentence,
    single_instance,
)


@click.command("stop")
@click.option("--force", is_flag=True, help="Also while somebody edits.")
def command(force: bool) -> None:
    """End the bridge; the plug-ins start another one when they need it."""
    folder = runtime_folder()
    running = find_running(folder)
    if running is None and not is_held(folder):
        click.echo("No bridge runs.")
        return
    if running is None:
        raise click.ClickException(silent_bridge_sentence(folder))
    try:
        running.client.shut_down(is_forced=force)
        # Whoever can hold the folder knows that the other's process has let go of everything.
        with single_instance(folder, find_running=lambda folder: None):
            pass
    except ClientError as error:
        advice = "" if force else " `draglayer stop --force` ends it all the same."
        raise click.ClickException(f"{error.message}{advice}") from error
    except BridgeHangs as error:
        raise click.ClickException(silent_bridge_sentence(folder)) from error
    click.echo("The bridge has stopped.")
