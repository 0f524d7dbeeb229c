"""A client's error as GIMP shows one: the only place where the two meet."""

from gi.repository import Gimp, GLib

from ._vendor.bridge_client import ClientError


def sentence(problem: ClientError) -> str:
    """What happened and what to do next, for a label or a message box."""
    return f"{problem.message} {problem.hint}".strip()


def failure(procedure: Gimp.Procedure, problem: ClientError) -> Gimp.ValueArray:
    """The procedure's return values for an error: GIMP shows them, a script gets the text."""
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence(problem), 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)
