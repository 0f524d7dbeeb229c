"""Golden documents: client and server read and write the same JSON for every message."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from bridge_client import messages
from bridge_client.json_codec import from_json, to_json
from bridge_client.messages import EVENT_TYPES, JobEvent
from bridge_client.stream import EventParser, read_event
from bridge_server import wire
from bridge_server.endpoints import ENDPOINTS
from bridge_server.problems import PROBLEMS

FOLDER = Path(__file__).parent / "data" / "protocol"
# Parts of other messages, which their documents show.
PARTS = {"FieldError", "HandleHint", "HistoryState", "ImageRef"}
PARTS |= {"Limits", "LoggedEvent", "Match", "ModelInfo"}


def class_name(path: Path) -> str:
    return "".join(word.capitalize() for word in path.stem.split("-"))


GOLDEN = {class_name(path): path for path in sorted(FOLDER.glob("*.json"))}


def test_every_message_has_a_golden_document() -> None:
    source = Path(messages.__file__).read_text()
    classes = set(re.findall(r"^@dataclass.*\nclass (\w+)", source, re.MULTILINE))
    assert set(GOLDEN) == classes - PARTS


@pytest.mark.parametrize("name", GOLDEN)
def test_both_ends_read_the_same(name: str) -> None:
    body, kind = GOLDEN[name].read_bytes(), getattr(messages, name)
    assert from_json(body, kind) == wire.decode_message(body, kind)


@pytest.mark.parametrize("name", GOLDEN)
def test_both_ends_write_what_is_golden(name: str) -> None:
    body = GOLDEN[name].read_bytes()
    message = from_json(body, getattr(messages, name))
    assert json.loads(to_json(message)) == json.loads(body)
    assert json.loads(wire.encode_message(message)) == json.loads(body)


@pytest.mark.parametrize("name", GOLDEN)
def test_both_ends_ignore_what_they_do_not_know(name: str) -> None:
    kind = getattr(messages, name)
    body = GOLDEN[name].read_bytes()
    more = json.dumps({**json.loads(body), "from_the_future": [1, {"x": None}]}).encode()
    assert from_json(more, kind) == wire.decode_message(more, kind) == from_json(body, kind)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_event_comes_out_of_the_stream_as_it_went_in(name: str) -> None:
    kind = EVENT_TYPES[name]
    event: JobEvent = from_json(GOLDEN[kind.__name__].read_bytes(), kind)
    number = None if name == "heartbeat" else 7
    chunk = wire.encode_event(event, seq=number)
    (parsed,) = EventParser().feed(chunk)
    assert read_event(parsed) == (number, event)


def test_the_schema_of_every_message_can_be_told() -> None:
    kinds = [getattr(messages, name) for name in GOLDEN]
    _, components = msgspec.json.schema_components(kinds)
    assert set(GOLDEN) <= set(components)


def test_the_page_tells_every_problem_event_and_endpoint() -> None:
    page = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text()
    for code, kind in PROBLEMS.items():
        assert f"| `{code}` | {kind.status} | {kind.title} |" in page
    for name in EVENT_TYPES:
        assert f"| `{name}` |" in page
    for row in ENDPOINTS:
        statuses = ", ".join(map(str, row.statuses))
        line = rf"^\| `{row.method} {re.escape(row.path)}[^`|]*` \|[^|]*\| {statuses} \|$"
        assert re.search(line, page, re.MULTILINE), f"{row.method} {row.path}: {statuses}"
