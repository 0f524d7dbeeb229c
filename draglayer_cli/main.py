"""The `draglayer` command. Each command lives in a file of its name and is imported when it is
called."""

import importlib
import logging

import click

import bridge_client

_COMMANDS = {
    "demo": "Drag the demo picture and show what came of it.",
    "drag": "Drag handles of a picture to their targets.",
    "doctor": "Look whether everything works, and say what to do if not.",
    "install": "Put the plug-in into Krita or GIMP.",
    "reopen": "Open a saved edit: undo, go through it, weaken it, drag on.",
    "serve": "Run the bridge that the plug-ins talk to.",
    "status": "Say whether the bridge runs.",
    "stop": "End the bridge.",
    "uninstall": "Take the plug-in out of Krita or GIMP.",
}


class _LazyGroup(click.Group):
    """Names its commands without importing them: torch takes seconds, `--help` must not."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"draglayer_cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(bridge_client.__version__, prog_name="draglayer")
def main() -> None:
    """Drag editing for Krita, GIMP and the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


if __name__ == "__main__":
    main()
