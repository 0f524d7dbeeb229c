import pytest

from bridge_client.messages import HeartbeatEvent, JobState, LoggedEvent, StateEvent
from bridge_client.stream import (
    MAX_EVENT_BYTES,
    EventParser,
    ServerSentEvent,
    StreamMismatch,
    read_event,
    read_logged_event,
)

TEXT = (
    'id: 7\nevent: state\ndata: {"state":"queued"}\n\n: comment\n\nevent: end\ndata: a\ndata: ü\n\n'
)
EVENTS = [
    ServerSentEvent("7", "state", '{"state":"queued"}'),
    ServerSentEvent(None, "end", "a\nü"),
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_events_come_out_whole_however_the_bytes_are_cut(line_end, size):
    # A closing comment, because a CR at the very end might still be followed by its LF.
    stream = (TEXT.replace("\n", line_end) + ":x").encode()
    parser = EventParser()
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


def test_an_event_without_data_is_none():
    assert EventParser().feed(b"id: 1\nevent: state\n\n") == []


def test_an_event_without_end_is_refused_before_it_fills_the_memory():
    parser = EventParser()
    with pytest.raises(StreamMismatch, match="longer"):
        for _ in range(2 * MAX_EVENT_BYTES // 65536):
            parser.feed(b"data: " + b"x" * 65530)


def test_many_short_lines_without_end_are_refused_too():
    parser = EventParser()
    with pytest.raises(StreamMismatch, match="longer"):
        for _ in range(2 * MAX_EVENT_BYTES // 65536):
            parser.feed(b"data: x\n" * 8192)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(StreamMismatch, match="UTF-8"):
        EventParser().feed(b"data: \xff\n\n")


def test_an_event_is_read_into_its_message():
    assert read_event(EVENTS[0]) == (7, StateEvent(state=JobState.QUEUED))
    assert read_event(ServerSentEvent(None, "heartbeat", "{}")) == (None, HeartbeatEvent())


def test_an_event_of_a_newer_bridge_is_passed_over():
    assert read_event(ServerSentEvent("1", "weather", "{}")) is None


@pytest.mark.parametrize(
    "event",
    [ServerSentEvent("1", "state", "[]"), ServerSentEvent("x", "state", '{"state":"queued"}')],
)
def test_an_event_that_breaks_its_promise_is_refused(event):
    with pytest.raises(StreamMismatch):
        read_event(event)


def test_an_event_of_a_page_is_read_as_one_of_a_stream():
    logged = LoggedEvent(seq=3, event="state", data={"state": "queued", "queue_position": None})
    assert read_logged_event(logged) == (3, StateEvent(state=JobState.QUEUED))
    assert read_logged_event(LoggedEvent(seq=1, event="weather", data={})) is None
    with pytest.raises(StreamMismatch, match="state"):
        read_logged_event(LoggedEvent(seq=1, event="state", data={"state": "raining"}))
