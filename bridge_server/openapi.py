"""The specification of the bridge in OpenAPI 3.1, made of the table of endpoints and the messages.

``tools/write_openapi.py`` writes it to docs/openapi.json, which is committed and is what the bridge
gives away, byte for byte. It makes the text anew, as an installed package has no docs folder.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import re
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec

from bridge_client import messages
from bridge_client.messages import EVENT_TYPES, PROTOCOL_VERSION, Problem
from bridge_client.wire_headers import (
    EVENT_STREAM_MEDIA_TYPE,
    JSON_MEDIA_TYPE,
    PROBLEM_MEDIA_TYPE,
)
from bridge_server.endpoints import ENDPOINTS, PATH_PARTS, REPLY_HEADERS, Endpoint
from bridge_server.problems import PROBLEMS

Json = dict[str, Any]

_DESCRIPTION = (
    "DragGAN editing for image editors, on loopback. docs/protocol.md tells the story; this file "
    "tells the forms. Readers ignore fields that they do not know."
)
_REF = "#/components/schemas/{name}"


def specification() -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "draglayer bridge",
            "version": PROTOCOL_VERSION,
            "summary": "Drag editing of one layer, as jobs.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "http://127.0.0.1:{port}",
                "description": "The url in bridge.json.",
                "variables": {"port": {"default": "0", "description": "New at each start."}},
            }
        ],
        "security": [{"token": []}],
        "paths": {
            path: {endpoint.method.lower(): _operation(endpoint) for endpoint in rows}
            for path, rows in groupby(ENDPOINTS, key=lambda endpoint: endpoint.path)
        },
        "components": {
            "schemas": _schemas(),
            "responses": {
                _name(codes): _refusal(codes)
                for endpoint in ENDPOINTS
                for codes in _refusals(endpoint).values()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in bridge.json, after the bridge's proof.",
                }
            },
        },
    }


@functools.cache
def specification_text() -> str:
    """The document as it is committed."""
    return json.dumps(specification(), indent=1, ensure_ascii=False) + "\n"


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": {
            **{str(status): _reply(endpoint, status) for status in sorted(endpoint.replies)},
            **{
                str(status): {"$ref": f"#/components/responses/{_name(codes)}"}
                for status, codes in _refusals(endpoint).items()
            },
        },
    }
    if parameters := [*_path_parameters(endpoint.path), *_parameters(endpoint)]:
        operation["parameters"] = parameters
    if endpoint.request is not None:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.request)}
    if endpoint.is_public:
        operation["security"] = []
    return operation


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARTS[name]}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _parameters(endpoint: Endpoint) -> list[Json]:
    return [
        {
            "name": each.name,
            "in": each.place,
            "description": each.summary,
            "required": each.is_required,
            "schema": each.schema,
        }
        for each in endpoint.parameters
    ]


def _reply(endpoint: Endpoint, status: int) -> Json:
    body = endpoint.replies[status]
    reply: Json = {"description": HTTPStatus(status).phrase}
    if body is not None:
        reply["content"] = _content(body)
    if endpoint.reply_headers and status < HTTPStatus.BAD_REQUEST:
        reply["headers"] = {
            name: {"description": REPLY_HEADERS[name], "schema": {"type": "string"}}
            for name in endpoint.reply_headers
        }
    return reply


def _content(body: type[Any] | str | tuple[type[Any] | str, ...]) -> Json:
    if isinstance(body, tuple):
        return {kind: form for each in body for kind, form in _content(each).items()}
    if isinstance(body, type):
        return {JSON_MEDIA_TYPE: {"schema": {"$ref": _REF.format(name=body.__name__)}}}
    if body == EVENT_STREAM_MEDIA_TYPE:
        # 3.1 has no word for the items of a stream; `x-events` names the schema of each event.
        events = {name: _REF.format(name=kind.__name__) for name, kind in EVENT_TYPES.items()}
        return {body: {"x-events": events}}
    return {body: {}}


def _refusals(endpoint: Endpoint) -> dict[int, list[str]]:
    """Codes by status, but for a status that is a reply of this endpoint's own."""

    def status_of(code: str) -> int:
        return PROBLEMS[code].status

    codes = sorted(endpoint.problem_codes, key=lambda code: (status_of(code), code))
    return {
        status: list(of_status)
        for status, of_status in groupby(codes, key=status_of)
        if status not in endpoint.replies
    }


def _name(codes: list[str]) -> str:
    return ".".join(codes)


def _refusal(codes: list[str]) -> Json:
    refusal: Json = {
        "description": "; ".join(PROBLEMS[code].title for code in codes),
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": _REF.format(name=Problem.__name__)},
                        {"properties": {"code": {"enum": codes}}},
                    ]
                }
            }
        },
    }
    if any(PROBLEMS[code].is_retryable for code in codes):
        refusal["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return refusal


def _schemas() -> Json:
    """The schema of every message and event, with the rules that stand beside their fields."""
    bodies = [
        body
        for endpoint in ENDPOINTS
        for bodies in (endpoint.request, *endpoint.replies.values())
        for body in (bodies if isinstance(bodies, tuple) else (bodies,))
        if isinstance(body, type)
    ]
    _, schemas = msgspec.json.schema_components(
        {*bodies, *EVENT_TYPES.values(), Problem}, ref_template=_REF
    )
    for name, schema in schemas.items():
        schema["description"] = inspect.cleandoc(schema.get("description", ""))
        kind = getattr(messages, name)
        for each in dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ():
            schema["properties"][each.name].update(each.metadata)
    return dict(sorted(schemas.items()))
