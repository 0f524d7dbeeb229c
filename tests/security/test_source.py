"""What may not stand in the source: each rule was a hole of another local server."""

from __future__ import annotations

import ast
import dataclasses
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_server.endpoints import ENDPOINTS

ROOT = Path(__file__).parents[2]
SHIPPED = (
    "bridge_client",
    "bridge_server",
    "draglayer_cli",
    "engine",
    "gimp_plugin",
    "krita_plugin",
)


def nodes(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every node of our source in these folders."""
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if "_vendor" not in path.parts:
                tree = ast.parse(path.read_text(encoding="utf-8"))
                yield from ((path.relative_to(ROOT), node) for node in ast.walk(tree))


def imported_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def calls(*folders: str) -> Iterator[tuple[str, str]]:
    """Where and what of each call."""
    for path, node in nodes(*folders):
        if isinstance(node, ast.Call):
            yield path.as_posix(), ast.unparse(node.func)


def test_secrets_are_compared_in_constant_time_only() -> None:
    compared = [
        f"{path}: {ast.unparse(node)}"
        for path, node in nodes("bridge_client", "bridge_server")
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        if re.search(r"token|proof", ast.unparse(node))
    ]
    assert compared == []


def test_ids_and_tokens_come_from_the_systems_own_randomness() -> None:
    weak = [
        path
        for path, node in nodes("bridge_client", "bridge_server")
        if isinstance(node, ast.Import | ast.ImportFrom)
        and {"random", "uuid"} & set(imported_names(node))
    ]
    assert weak == []


def test_nothing_from_outside_is_unpickled_or_executed() -> None:
    unpicklers = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "yaml"}
    imported = [
        path.as_posix()
        for path, node in nodes(*SHIPPED)
        if isinstance(node, ast.Import | ast.ImportFrom)
        if unpicklers & {name.split(".")[0] for name in imported_names(node)}
    ]
    banned = re.compile(r"torch\.load|torch\.jit\.load|eval|exec|os\.system|os\.popen|__import__")
    called = [f"{where}: {what}" for where, what in calls(*SHIPPED) if banned.fullmatch(what)]
    shells = [
        path.as_posix()
        for path, node in nodes(*SHIPPED)
        if isinstance(node, ast.keyword) and node.arg == "shell"
    ]
    assert imported + called + shells == []


def test_no_view_touches_a_file() -> None:
    opened = re.compile(r"open|os\.(open|fdopen)|.*\.(read|write)_(text|bytes)")
    places = {where for where, what in calls("bridge_server") if opened.fullmatch(what)}
    # Its own file, and the models of the catalogue.
    assert {place for place in places if "/pools/" not in place} == {"bridge_server/discovery.py"}


def test_no_picture_format_is_decoded_by_the_server() -> None:
    decoders = [
        f"{where}: {what}"
        for where, what in calls("bridge_server")
        if what in ("Image.open", "PIL.Image.open", "Image.frombuffer", "imageio.imread")
    ]
    assert decoders == []


def field_names(kind: typing.Any) -> Iterator[tuple[str, typing.Any]]:
    """Name and type of each field, of nested messages too."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        yield field.name, hints[field.name]
        for part in (hints[field.name], *typing.get_args(hints[field.name])):
            if dataclasses.is_dataclass(part):
                yield from field_names(part)


REQUESTS = {row.request for row in ENDPOINTS if isinstance(row.request, type)}


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_no_request_names_a_place(kind: type) -> None:
    for name, hint in field_names(kind):
        assert not re.search(r"path|url|uri|(?<!pro)file|folder|host|address", name), name
        assert hint is not Path


def test_requests_are_found() -> None:
    assert len(REQUESTS) >= 4


def test_waitress_is_new_enough() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (waitress,) = [each for each in project["dependencies"] if each.startswith("waitress")]
    assert waitress == "waitress>=3.0.2"
