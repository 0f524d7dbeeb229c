import pytest

from bridge_client.geometry import Point
from bridge_client.json_codec import MAX_JSON_BYTES, JsonMismatch, from_json, to_json
from bridge_client.messages import DragProgressEvent, ReadinessReply, ServerInfo, StateEvent


@pytest.mark.parametrize(
    "text",
    [
        '{"x": NaN, "y": 0}',
        '{"x": Infinity, "y": 0}',
        '{"x": 1e999, "y": 0}',
        '{"x": ' + "9" * 400 + ', "y": 0}',
        '{"x": "1", "y": 0}',
        '{"x": true, "y": 0}',
        '{"x": 1}',
        '{"x": 1, "x": 2, "y": 0}',
        "[1, 2]",
        "null",
        "",
        "{",
        "[" * 100_000,
    ],
)
def test_text_that_is_no_point_is_refused(text):
    with pytest.raises(JsonMismatch):
        from_json(text.encode(), Point)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(JsonMismatch):
        from_json(b'"\xff"', Point)


def test_text_longer_than_any_message_is_refused_unread():
    with pytest.raises(JsonMismatch, match="longer"):
        from_json(b" " * (MAX_JSON_BYTES + 1), Point)


def test_fields_that_a_newer_side_sends_are_ignored():
    assert from_json(b'{"x": 1, "y": 2, "z": 3}', Point) == Point(1.0, 2.0)


def test_missing_fields_take_their_defaults():
    assert from_json(b'{"is_ready": true}', ReadinessReply) == ReadinessReply(is_ready=True)


def test_a_refusal_names_the_field():
    text = b'{"step_index":0,"step_budget":1,"distance_px":1,"handles_canvas":[{"x":1,"y":"2"}]}'
    with pytest.raises(JsonMismatch, match=r"\$\.handles_canvas\[0\]\.y must be a number"):
        from_json(text, DragProgressEvent)


@pytest.mark.parametrize(
    "text", ['{"state":"dreaming"}', '{"state":"queued","queue_position":1.5}']
)
def test_values_outside_their_kind_are_refused(text):
    with pytest.raises(JsonMismatch):
        from_json(text.encode(), StateEvent)


def test_formats_are_words_of_the_protocol():
    head = '{"api":"1","instance_id":"0","limits":{"max_blob_bytes":1,"max_streams":1,'
    limits = '"max_queued_jobs":1,"max_sessions":1,"max_snapshot_bytes":1}'
    text = head + limits + ',"formats":["gif"]}'
    with pytest.raises(JsonMismatch, match="formats"):
        from_json(text.encode(), ServerInfo)


def test_what_is_not_a_number_is_not_written():
    with pytest.raises(ValueError):
        to_json({"x": float("nan")})
