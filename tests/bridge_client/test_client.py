import secrets

import pytest

from bridge_client import (
    Bounds,
    BridgeClient,
    Extent,
    Point,
    PointPair,
    ProtocolMismatch,
    RequestRejected,
    ServerUnreachable,
)
from bridge_client.discovery import read_discovery_file
from bridge_client.messages import (
    CreateSession,
    DragProgressEvent,
    EndEvent,
    ImageRef,
    JobKind,
    JobState,
    ProposeRegion,
    StartJob,
    StateEvent,
)
from bridge_client.transport import HttpTransport
from tests.bridge_client.loopback_bridge import LoopbackBridge

WINDOW = Bounds(10, 20, 4, 4)
PAIR = PointPair(Point(11, 21), Point(13, 21))


def open_session(client):
    digest = client.put_blob(bytes(64))
    image = ImageRef(sha256=digest, width=4, height=4, format="rgba8")
    return client.create_session(CreateSession(image=image, bounds_canvas=WINDOW))


def start_drag(client):
    job = StartJob(id=secrets.token_hex(16), kind=JobKind.DRAG, pairs=(PAIR,))
    return client.start_job(open_session(client).id, job)


def test_a_bridge_that_proves_itself_is_used(bridge, write_record):
    client = BridgeClient.prove(read_discovery_file(write_record(bridge.record)))
    assert client.readiness().is_ready


def test_the_token_never_goes_to_a_stranger(write_record):
    stranger = LoopbackBridge(proof_token="x" * 43)
    try:
        record = read_discovery_file(write_record(stranger.record))
        with pytest.raises(ProtocolMismatch, match="not the bridge"):
            BridgeClient.prove(record)
        assert stranger.requests == ["GET /health/live"]
        assert stranger.secrets_seen == [""]
    finally:
        stranger.close()


def test_a_bridge_of_another_major_version_gets_a_sentence(bridge, write_record):
    record = read_discovery_file(write_record({**bridge.record, "api": "2.0"}))
    with pytest.raises(ProtocolMismatch, match="protocol 2.0"):
        BridgeClient.prove(record)


def test_a_newer_minor_version_is_fine(bridge, write_record):
    record = read_discovery_file(write_record({**bridge.record, "api": "1.9"}))
    BridgeClient.prove(record)


def test_pixels_travel_once(bridge, client):
    assert client.put_blob(b"pixels") == client.put_blob(b"pixels")
    assert list(bridge.blobs.values()) == [b"pixels"]
    assert [each.split()[0] for each in bridge.requests] == ["HEAD", "PUT", "HEAD"]


def test_a_session_is_opened_read_and_freed(bridge, client):
    session = open_session(client)
    assert client.session(session.id) == session
    client.delete_session(session.id)
    assert bridge.deleted_sessions == [session.id]


def test_a_job_tells_its_events_in_order(client):
    job = start_drag(client)
    with client.events(job.id) as events:
        numbered = list(events)
    assert [number for number, _ in numbered] == [1, 2, 3, 4]
    assert numbered[0][1] == StateEvent(state=JobState.RUNNING)
    assert isinstance(numbered[-1][1], EndEvent)


def test_events_are_taken_up_behind_the_last_one_seen(client):
    job = start_drag(client)
    with client.events(job.id, after=3) as events:
        assert [number for number, _ in events] == [4]


def test_the_result_says_where_it_belongs(client):
    result = client.result(start_drag(client).id)
    assert result.bounds_canvas == Bounds(11, 21, 2, 2)
    assert (result.pixels, result.pixel_order) == (bytes(range(16)), "rgba8")


@pytest.mark.parametrize("told, form", [("", "patch"), ("replacement", "replacement")])
def test_the_result_says_how_to_lay_it_in(bridge, client, told, form):
    bridge.result_form = told
    assert client.result(start_drag(client).id).form == form


def test_a_result_of_an_unknown_form_is_refused(bridge, client):
    bridge.result_form = "collage"
    job = start_drag(client)
    with pytest.raises(ProtocolMismatch, match="can't read"):
        client.result(job.id)


def test_a_result_that_was_damaged_is_refused(bridge, client):
    job = start_drag(client)
    bridge.corrupts_result = True
    with pytest.raises(ProtocolMismatch, match="can't read"):
        client.result(job.id)


def test_a_preview_comes_with_its_tag(client):
    assert client.preview(start_drag(client).id) == ('"1"', b"jpeg")


def test_a_refusal_carries_the_bridges_sentence_and_code(client):
    with pytest.raises(RequestRejected, match="does not know this job") as caught:
        client.job("0" * 32)
    error = caught.value
    assert (error.code, error.status, error.hint) == ("job-missing", 404, "Hint.")


def test_a_refused_stream_carries_them_too(client):
    with pytest.raises(RequestRejected, match="does not know this job"):
        client.events("0" * 32)


def test_a_wrong_token_is_a_refusal_that_does_not_tell_it(bridge):
    client = BridgeClient(HttpTransport(bridge.port), "wrong" * 10)
    with pytest.raises(RequestRejected) as caught:
        client.server_info()
    assert caught.value.code == "unauthorized"
    assert "wrongwrong" not in f"{caught.value!r} {client!r} {vars(caught.value)}"


def test_a_bridge_that_is_gone_gets_a_sentence():
    bridge = LoopbackBridge()
    client = BridgeClient(HttpTransport(bridge.port), bridge.token)
    bridge.close()
    with pytest.raises(ServerUnreachable, match="does not answer"):
        client.server_info()


def test_a_page_of_events_tells_what_the_stream_tells(client):
    job = start_drag(client)
    with client.events(job.id) as stream:
        told = list(stream)
    assert client.event_page(job.id) == (told, True)
    assert isinstance(told[1][1], DragProgressEvent) and told[1][1].confidences == (0.5,)
    assert client.event_page(job.id, after=3, wait_s=1.5)[0] == told[3:]


def test_a_job_is_paused_resumed_and_given_other_pairs(bridge, client):
    job = start_drag(client)
    assert client.pause_job(job.id).id == client.resume_job(job.id).id == job.id
    client.set_pairs(job.id, (PAIR,))
    pair = {"handle": {"x": 11, "y": 21}, "target": {"x": 13, "y": 21}}
    asked = [("pause", {}), ("resume", {}), ("pairs", {"pairs": [pair]})]
    assert bridge.jobs[job.id].asked == asked


def test_a_snapshot_comes_once_for_each_tag(bridge, client):
    job = start_drag(client)
    (session,) = bridge.sessions.values()
    assert client.snapshot(session.id) is None
    bridge.jobs[job.id].write_down()
    etag, content = client.snapshot(session.id)
    assert content.startswith(b"snapshot 1")
    assert client.snapshot(session.id, known_etag=etag) is None
    bridge.corrupts_result = True
    with pytest.raises(ProtocolMismatch, match="can't read"):
        client.snapshot(session.id)


def test_the_catalogue_and_the_window_can_be_asked_for(client):
    (model,) = client.models()
    assert (model.id, model.feature_side_px) == ("default", 16)
    content = Bounds(0, 0, 40, 40)
    request = ProposeRegion(canvas=Extent(40, 40), layer_content=content, points=(PAIR.handle,))
    region = client.propose_region(request)
    assert (region.bounds_canvas, region.px_per_feature) == (Bounds(1, 2, 32, 32), 2.0)


def test_a_bridge_in_use_is_stopped_by_force_only(client):
    with pytest.raises(RequestRejected) as caught:
        client.shut_down()
    assert caught.value.code == "sessions-in-use"
    client.shut_down(is_forced=True)
