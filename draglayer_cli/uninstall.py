"""`draglayer uninstall krita|gimp`: takes away what `draglayer install` put there, no more."""

from pathlib import Path
from typing import cast

import click

from draglayer_cli.hosts import HostName
from draglayer_cli.install import NotWritable, find_folders
from draglayer_cli.plugin_copy import InstallError, remove_plugin


@click.command("uninstall")
@click.argument("host", type=click.Choice(["krita", "gimp"]))
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The program's plug-in folder (pykrita or plug-ins), where it is in an unusual place.",
)
def command(host: str, folder: Path | None) -> None:
    """Take the plug-in out of Krita or GIMP again, for the user who types this."""
    removed = 0
    for each in find_folders(cast(HostName, host), folder):
        try:
            left = remove_plugin(each.host, each.plugins)
        except InstallError as error:
            raise NotWritable(str(error)) from error
        if left is None:
            continue
        removed += 1
        click.echo(f"{each.variant}: taken out of {each.plugins}")
        for path in left:
            click.echo(f"Left, because `draglayer install` did not put it there: {path}")
    if not removed:
        click.echo("The plug-in is not installed there.")
