"""`draglayer doctor`: looks at the bridge and both programs, and says what to do.

Exit code 0 where nothing is wrong, 1 otherwise.
"""

from collections.abc import Iterator

import click

from bridge_client.discovery import runtime_folder
from bridge_server.logs import LOG_FILE_NAME, log_folder
from draglayer_cli.bridge_checks import check_bridge
from draglayer_cli.findings import Finding
from draglayer_cli.host_checks import check_hosts
from draglayer_cli.install import this_machine

_MARKS = {"ok": "  ok    ", "note": "  note  ", "wrong": "  WRONG "}


@click.command("doctor")
def command() -> None:
    """Look whether everything works, and say what to do if not.

    Where no bridge runs, one is started for the time of the check.
    """
    wrong = _tell("Krita and GIMP", check_hosts(this_machine()))
    wrong += _tell("The bridge", check_bridge(runtime_folder()))
    click.echo(f"The bridge's log: {log_folder() / LOG_FILE_NAME}")
    if wrong:
        click.echo(f"{wrong} to put right.")
        raise click.exceptions.Exit(1)
    click.echo("Nothing is wrong.")


def _tell(title: str, findings: Iterator[Finding]) -> int:
    click.echo(title)
    wrong = 0
    for finding in findings:
        wrong += finding.verdict == "wrong"
        click.echo(f"{_MARKS[finding.verdict]}{finding.text}")
        if finding.advice:
            click.echo(f"{' ' * 10}{finding.advice}")
    return wrong
