"""The specification says what the views do, and the committed file says what the table says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from bridge_server.endpoints import ENDPOINTS, REPLY_HEADERS, Endpoint
from bridge_server.openapi import specification, specification_text
from bridge_server.problems import PROBLEMS

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
METHODS = {"get", "head", "put", "post", "delete", "patch"}


def views(app: Flask) -> set[tuple[str, str]]:
    """Method and path of every view, as the table writes them."""
    found = set()
    for rule in app.url_map.iter_rules():
        methods = set(rule.methods or ())
        if "GET" in methods:
            methods.discard("HEAD")  # Flask's own there; it counts where it stands alone
        found |= {(method, re.sub(r"<(\w+)>", r"{\1}", rule.rule)) for method in methods}
    return found


def test_every_view_has_a_row_and_every_row_a_view(app: Flask) -> None:
    assert {(row.method, row.path) for row in ENDPOINTS} == views(app)


def test_the_committed_file_is_what_the_table_says() -> None:
    text = COMMITTED.read_text(encoding="utf-8")
    assert text == specification_text(), "Run `python -m tools.write_openapi` and look at the diff."


def test_the_bridge_gives_the_committed_file_away(client: FlaskClient) -> None:
    reply = client.get("/v1/openapi.json")
    assert (reply.status_code, reply.mimetype) == (200, "application/json")
    assert reply.data == COMMITTED.read_bytes()


def test_the_specification_is_openapi() -> None:
    OpenAPIV31SpecValidator(json.loads(specification_text())).validate()


def test_every_row_is_an_operation() -> None:
    operations = [
        (method.upper(), path, operation["operationId"])
        for path, item in specification()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    assert sorted(operations) == sorted((row.method, row.path, row.name) for row in ENDPOINTS)
    assert len({row.name for row in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)
def test_a_row_names_only_what_there_is(row: Endpoint) -> None:
    assert row.problem_codes <= PROBLEMS.keys()
    assert set(row.reply_headers) <= REPLY_HEADERS.keys()


def test_every_refusal_of_the_table_can_be_met_somewhere() -> None:
    # The other codes are those of a job's end, or of an endpoint that is none.
    told = {code for row in ENDPOINTS for code in row.problem_codes}
    of_jobs = {"device-lost", "engine-failed", "engine-unavailable", "inversion-diverged"}
    of_jobs |= {"model-rejected", "out-of-vram", "snapshot-rejected", "history-end"}
    of_jobs |= {"cancelled-by-server"}
    assert PROBLEMS.keys() - told == of_jobs | {"method-not-allowed"}


def test_the_rules_of_a_field_are_told() -> None:
    schemas = specification()["components"]["schemas"]
    assert schemas["StartJob"]["properties"]["id"]["pattern"] == "^[0-9a-f]{32}$"
    profiles = schemas["StartJob"]["properties"]["profile"]["enum"]
    assert profiles == ["instant", "fast", "balanced", "best"]
    assert schemas["ImageRef"]["properties"]["width"]["minimum"] == 1
    assert schemas["Point"]["properties"]["x"]["maximum"] == 1 << 24
