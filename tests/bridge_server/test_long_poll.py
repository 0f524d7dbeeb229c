"""The event log page by page: for clients that cannot read a stream."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from tests.fakes.bridge import drag_body, open_session, start_job, wait_end
from tests.fakes.engine import FakeEngine, StepGate


def page(client: FlaskClient, job_id: str, **query: object) -> dict[str, Any]:
    reply = client.get(f"/v1/jobs/{job_id}/events", query_string={"wait_s": 0, **query})
    assert (reply.status_code, reply.mimetype) == (200, "application/json")
    return dict(reply.json)


@pytest.fixture
def ended(client: FlaskClient, bridge: Bridge) -> str:
    """A drag that has ended."""
    job_id = start_job(client, open_session(client), drag_body())
    wait_end(bridge, job_id)
    return job_id


def test_a_page_tells_what_the_stream_tells(client: FlaskClient, ended: str) -> None:
    told = page(client, ended)
    stream = client.get(f"/v1/jobs/{ended}/events").text
    names = [line[7:] for line in stream.splitlines() if line.startswith("event: ")]
    numbers = [int(line[4:]) for line in stream.splitlines() if line.startswith("id: ")]
    assert [each["event"] for each in told["events"]] == names
    assert [each["seq"] for each in told["events"]] == numbers
    assert told["events"][-1]["data"]["state"] == "succeeded"
    assert told["is_closed"]


def test_a_page_begins_behind_the_cursor(client: FlaskClient, ended: str) -> None:
    events = page(client, ended)["events"]
    rest = page(client, ended, after=events[1]["seq"], wait_s="2.5")
    assert rest["events"] == events[2:]
    assert page(client, ended, after=events[-1]["seq"]) == {"events": [], "is_closed": True}


def test_page_and_stream_have_one_cursor(client: FlaskClient, ended: str) -> None:
    path, header = f"/v1/jobs/{ended}/events", {"Last-Event-ID": "2"}
    by_header = client.get(path, headers=header).text
    assert by_header == client.get(f"{path}?after=2").text
    assert "id: 2\n" not in by_header
    rest = client.get(f"{path}?wait_s=0", headers=header).json["events"]
    assert rest == page(client, ended, after=2)["events"]
    assert client.get(f"{path}?after=x").status_code == 422


def test_a_page_waits_for_the_first_event(
    app: Flask, client: FlaskClient, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    engine.gate.wait_waiting()
    after = page(client, job_id)["events"][-1]["seq"]
    assert page(client, job_id, after=after) == {"events": [], "is_closed": False}
    got: list[dict[str, Any]] = []
    waiting = threading.Thread(
        target=lambda: got.append(page(client, job_id, after=after, wait_s=30))
    )
    waiting.start()
    engine.gate.allow(1)
    waiting.join(10)
    assert got[0]["events"][0]["event"] == "inversion-progress"


@pytest.mark.parametrize(
    "query",
    [
        {"wait_s": "-1"},
        {"wait_s": "31"},
        {"wait_s": "x"},
        {"wait_s": "nan"},
        {"wait_s": ""},
        {"wait_s": "1e1"},
        {"wait_s": "1", "after": "-1"},
        {"wait_s": "1", "after": "1.5"},
        {"wait_s": "1", "after": "9" * 19},
    ],
)
def test_cursor_and_patience_are_numbers(
    client: FlaskClient, ended: str, query: dict[str, str]
) -> None:
    reply = client.get(f"/v1/jobs/{ended}/events", query_string=query)
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")


def test_a_wrong_header_is_told_beside_a_good_query(client: FlaskClient, ended: str) -> None:
    reply = client.get(f"/v1/jobs/{ended}/events?after=1", headers={"Last-Event-ID": "7Z"})
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")


def test_pages_give_their_places_back(
    client: FlaskClient, ended: str, config: BridgeConfig
) -> None:
    for _ in range(config.max_streams + 1):
        page(client, ended)
