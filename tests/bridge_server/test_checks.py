"""A check of the handles before a drag."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from bridge_client.messages import HintsEvent
from bridge_server.bridge import Bridge
from tests.fakes.bridge import PAIR, invert_body, new_id, open_session, start_job, wait_end
from tests.fakes.engine import FakeEngine

ON_NOTHING = {"handle": {"x": 103.0, "y": 52.0}, "target": {"x": 104.0, "y": 52.0}}


def checked(client: FlaskClient, bridge: Bridge, session_id: str) -> str:
    body = {"id": new_id(), "kind": "check", "pairs": [PAIR, ON_NOTHING]}
    job_id = start_job(client, session_id, body)
    wait_end(bridge, job_id)
    return job_id


def test_a_check_gives_one_hint_for_each_pair(client: FlaskClient, bridge: Bridge) -> None:
    job_id = checked(client, bridge, open_session(client))
    log = bridge.jobs.get(job_id).log.read(0, timeout_s=0)[0]
    (told,) = [each.event for each in log if isinstance(each.event, HintsEvent)]
    assert [hint.is_trackable for hint in told.hints] == [True, False]
    assert told.hints[1].best_place_canvas.x == 103.5
    job = client.get(f"/v1/jobs/{job_id}").json
    assert (job["state"], job["has_result"]) == ("succeeded", False)


def test_a_check_finds_the_picture_first_and_the_drag_goes_on_from_there(
    client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    session_id = open_session(client)
    checked(client, bridge, session_id)
    session = client.get(f"/v1/sessions/{session_id}").json
    assert (session["is_inverted"], session["revision"]) == (True, 1)
    assert engine.sessions[0].inversions == 1


def test_a_check_of_a_picture_that_was_found_changes_nothing(
    client: FlaskClient, bridge: Bridge
) -> None:
    session_id = open_session(client)
    wait_end(bridge, start_job(client, session_id, invert_body()))
    before = client.get(f"/v1/sessions/{session_id}").json
    checked(client, bridge, session_id)
    assert client.get(f"/v1/sessions/{session_id}").json == before


@pytest.mark.parametrize("changes", [{"pairs": []}, {"step_budget": 3}, {"amount": 1.0}])
def test_a_malformed_check_is_refused(client: FlaskClient, changes: dict[str, object]) -> None:
    body = {"id": new_id(), "kind": "check", "pairs": [PAIR], **changes}
    reply = client.post(f"/v1/sessions/{open_session(client)}/jobs", json=body)
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")
