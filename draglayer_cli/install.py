"""`draglayer install krita|gimp`: puts the plug-in where the program of this user looks for it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import click

from draglayer_cli.hosts import (
    SANDBOX_WARNING,
    HostFolder,
    HostName,
    Machine,
    find_gimp,
    find_krita,
    has_only_old_gimp,
)
from draglayer_cli.kritarc import enable_plugin
from draglayer_cli.plugin_copy import LAYOUTS, InstallError, copy_plugin

PROBE_TIMEOUT_S = 30.0

PROGRAM_NAMES: dict[HostName, str] = {"krita": "Krita", "gimp": "GIMP"}
FINDERS: dict[HostName, Callable[[Machine], list[HostFolder]]] = {
    "krita": find_krita,
    "gimp": find_gimp,
}
_KRITA_MENU = (
    "tick Draglayer in Settings > Configure Krita > Python Plugin Manager, start Krita again, and "
    "open Settings > Dockers > Draglayer"
)


class BadFolder(click.ClickException):
    """The folder that was named can't be meant."""

    exit_code = 2


class HostNotFound(click.ClickException):
    """The program, or one that is new enough, is not there."""

    exit_code = 3


class NotWritable(click.ClickException):
    """A folder or file of the program can't be changed."""

    exit_code = 5


@click.command("install")
@click.argument("host", type=click.Choice(["krita", "gimp"]))
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The program's plug-in folder (pykrita or plug-ins), where it is in an unusual place.",
)
@click.option(
    "--enable/--no-enable",
    default=None,
    help="Krita: tick the plug-in in its settings. By default, unless Krita runs.",
)
@click.option("--list", "is_listing", is_flag=True, help="Only show the folders that were found.")
def command(host: str, folder: Path | None, enable: bool | None, is_listing: bool) -> None:
    """Put the plug-in into Krita or GIMP, for the user who types this."""
    name = cast(HostName, host)
    found = find_folders(name, folder)
    if is_listing:
        for each in found:
            click.echo(f"{each.variant}: {each.plugins}")
        return
    interpreter = own_interpreter()
    for each in found:
        _install(each, interpreter)
    if interpreter is None:
        click.echo(
            "The plug-in can't start the bridge by itself, because this Python finds draglayer "
            "only with help from its environment: start `draglayer serve` before you drag."
        )
    click.echo(_next_action(name, found, enable))


def own_interpreter() -> str | None:
    """The interpreter that runs this, if it can start the bridge as a plug-in does; else None."""
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('bridge_server') is None)"
    # From another folder: the one in which this was typed may be a checkout.
    try:
        probe = subprocess.run(
            [sys.executable, "-I", "-c", code],
            cwd=Path(sys.executable).parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return sys.executable if probe.returncode == 0 else None


def this_machine() -> Machine:
    """What the search for the programs goes by here."""
    return Machine(system=sys.platform, home=Path.home(), environment=os.environ)


def find_folders(host: HostName, folder: Path | None) -> list[HostFolder]:
    """The plug-in folders of this user's program, or the one that was named.

    Raises:
        click.ClickException: There is none, or it can't be meant.
    """
    machine = this_machine()
    if folder is not None:
        _refuse_old_gimp_folder(host, folder)
        return [HostFolder(host=host, variant="--dir", plugins=folder.absolute())]
    try:
        found = FINDERS[host](machine)
    except OSError as error:
        raise NotWritable(f"{error.filename} can't be read: {error.strerror}.") from error
    if found:
        return found
    if host == "gimp" and has_only_old_gimp(machine):
        raise HostNotFound("There is only GIMP 2 here, and draglayer needs GIMP 3.0 or later.")
    raise HostNotFound(
        f"{PROGRAM_NAMES[host]} was not found for this user: start it once, or name its plug-in "
        "folder with --dir."
    )


def _refuse_old_gimp_folder(host: HostName, folder: Path) -> None:
    if host == "gimp" and any(part.startswith("2.") for part in folder.absolute().parts[-2:]):
        raise BadFolder("That is a folder of GIMP 2, and draglayer needs GIMP 3.0 or later.")


def _install(found: HostFolder, interpreter: str | None) -> None:
    recorded = None if found.is_sandboxed else interpreter
    try:
        target = copy_plugin(found.host, found.plugins, interpreter=recorded)
    except InstallError as error:
        raise NotWritable(str(error)) from error
    click.echo(f"{found.variant}: put into {target}")
    if found.is_sandboxed:
        click.echo(SANDBOX_WARNING)


def _next_action(host: HostName, found: list[HostFolder], enable: bool | None) -> str:
    if host == "gimp":
        return "Next: start GIMP again, draw a path, and choose Filters > Drag Layer..."
    settings = [each.settings for each in found if each.settings is not None]
    if enable is False or not settings:
        return f"Next: start Krita, {_KRITA_MENU}."
    if enable is None and is_krita_running(this_machine()):
        return f"Next: in Krita, {_KRITA_MENU}."
    for path in settings:
        _enable(path)
    return "Next: start Krita and open Settings > Dockers > Draglayer."


def _enable(kritarc: Path) -> None:
    try:
        enable_plugin(kritarc, LAYOUTS["krita"].folder)
    except OSError as error:
        raise NotWritable(
            f"Krita's settings in {kritarc} can't be changed: {_KRITA_MENU} yourself."
        ) from error


def is_krita_running(machine: Machine) -> bool:
    """Whether Krita may run, which writes its settings anew when it ends.

    Only Linux tells without a further library; elsewhere the answer is the careful one.
    """
    if machine.system != "linux":
        return True
    return any(_process_name(entry) == "krita" for entry in Path("/proc").glob("[0-9]*"))


def _process_name(entry: Path) -> str:
    try:
        return (entry / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""  # it ended while we looked
