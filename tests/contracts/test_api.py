"""The bridge does what its specification says: schemathesis asks, in process, always the same.

API_EXAMPLES=300 in the environment, as in CI, lets it ask for a minute.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, HookContext, checks
from schemathesis.core.parameters import ParameterLocation

from bridge_client.messages import CreateSession, StartJob
from bridge_client.wire_headers import JSON_MEDIA_TYPE
from bridge_server.bridge import Bridge
from bridge_server.endpoints import PATH_PARTS
from bridge_server.openapi import specification_text
from tests.contracts.malformed import DIGESTS, MASK, PIXELS, example
from tests.fakes.bridge import ARTIST_TOKEN, FakeClock, new_id, put_blob, start_job, wait_end


class World:
    """What the requests of one test are made to: schemathesis wants it before there is one."""

    app: Flask
    clock: FakeClock
    ids: Mapping[str, str]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.clock.turn(1.0)  # so that wrong tokens are refused, but not as too many
        return self.app(environ, start_response)


WORLD = World()
TOKEN = {"Authorization": f"Bearer {ARTIST_TOKEN}"}
API = schemathesis.openapi.from_dict(json.loads(specification_text()))
API.app = WORLD
# What the schema calls valid may still break a rule between fields, or name what there is not.
LEFT_OUT = [checks.positive_data_acceptance]


@API.hook
def map_path_parameters(context: HookContext, parameters: dict[str, Any] | None) -> Any:
    """Ask every other time for what there is."""
    is_good = all(
        Draft202012Validator(PATH_PARTS[name]).is_valid(value)
        for name, value in (parameters or {}).items()
    )
    if parameters and is_good and len(repr(parameters)) % 2:
        return {name: WORLD.ids[name] for name in parameters}
    return parameters


@pytest.fixture
def world(app: Flask, client: FlaskClient, bridge: Bridge, clock: FakeClock) -> None:
    """A bridge with a session and a drag that has ended."""
    for content in (PIXELS, MASK):
        put_blob(client, content)
    reply = client.post("/v1/sessions", data=example(CreateSession), content_type=JSON_MEDIA_TYPE)
    session_id = reply.json["id"]
    drag = {**json.loads(example(StartJob)), "id": new_id(), "base_revision": None}
    job_id = start_job(client, session_id, drag)
    wait_end(bridge, job_id)
    WORLD.app, WORLD.clock = app, clock
    WORLD.ids = {"session_id": session_id, "job_id": job_id, "digest": DIGESTS["image"]}


@API.parametrize()
@settings(
    max_examples=int(os.environ.get("API_EXAMPLES", "50")),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_bridge_does_what_it_says(case: Case, world: None) -> None:
    # A made-up token would never get past the guard; one that is spoilt must not be put right.
    headers = {} if _is_token_spoilt(case) else TOKEN
    case.call_and_validate(headers=headers, excluded_checks=LEFT_OUT)


def _is_token_spoilt(case: Case) -> bool:
    headers = None if case.meta is None else case.meta.components.get(ParameterLocation.HEADER)
    token = (case.headers or {}).get("Authorization", "")
    return headers is not None and headers.mode.is_negative and not token.startswith("Bearer ")
