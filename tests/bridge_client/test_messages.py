import msgspec
import pytest

from bridge_client import Bounds, Extent, Point, PointPair
from bridge_client.json_codec import from_json, to_json
from bridge_client.messages import (
    EVENT_NAMES,
    EVENT_TYPES,
    CreateSession,
    DiscoveryRecord,
    DragProgressEvent,
    EndEvent,
    EndReason,
    EventPage,
    FieldError,
    HandleHint,
    HeartbeatEvent,
    HintsEvent,
    ImageRef,
    InversionProgressEvent,
    JobKind,
    JobReply,
    JobState,
    Limits,
    LivenessReply,
    LoggedEvent,
    Match,
    MatchLevel,
    ModelInfo,
    ModelList,
    PairsEvent,
    PreviewEvent,
    Problem,
    ProposeRegion,
    ReadinessReply,
    RegionReply,
    ServerInfo,
    ServerStoppingEvent,
    SessionReply,
    SetPairs,
    ShutDown,
    SnapshotEvent,
    StartJob,
    StateEvent,
)

IMAGE = ImageRef(sha256="a" * 64, width=4, height=4, format="bgra8")
MASK = ImageRef(sha256="b" * 64, width=4, height=4, format="l8")
WINDOW = Bounds(-1, 2, 4, 4)
PAIR = PointPair(Point(1.5, 2.0), Point(3.0, 2.0))
PROBLEM = Problem(
    code="out-of-vram",
    title="Out of memory",
    status=503,
    detail="The device is full.",
    hint="Close other programs.",
    retryable=True,
    errors=(FieldError(pointer="/pairs/0", message="is odd"),),
)
MESSAGES = [
    DiscoveryRecord(
        api="1.0", url="http://127.0.0.1:1", pid=1, instance_id="0" * 32, started="x", token="t"
    ),
    LivenessReply(status="live", proof="00"),
    ReadinessReply(is_ready=False, reason="The model is being loaded."),
    ServerInfo(
        api="1.0",
        instance_id="0" * 32,
        limits=Limits(
            max_blob_bytes=1,
            max_streams=8,
            max_queued_jobs=8,
            max_sessions=8,
            max_snapshot_bytes=1,
        ),
        versions={"draglayer": "0.1.0"},
        capabilities=("preview",),
        devices=("cpu",),
    ),
    CreateSession(image=IMAGE, bounds_canvas=WINDOW, editable_mask=MASK),
    SessionReply(
        id="0" * 32,
        model="default",
        bounds_canvas=WINDOW,
        revision=1,
        is_inverted=True,
        lease_s=300.0,
        match=Match(share=0.95, level=MatchLevel.GOOD, sentence="The model can draw it."),
    ),
    StartJob(id="0" * 32, kind=JobKind.DRAG, pairs=(PAIR,), step_budget=20, base_revision=1),
    StartJob(id="0" * 32, kind=JobKind.INVERT, profile="instant"),
    StartJob(id="0" * 32, kind=JobKind.SHOW, position=3, amount=1.25),
    SetPairs(pairs=(PAIR,)),
    ShutDown(force=True),
    ModelList(
        models=(
            ModelInfo(id="x", title="X", licence="CC0-1.0", resolution_px=64, feature_side_px=16),
        )
    ),
    ProposeRegion(canvas=Extent(9, 9), layer_content=Bounds(0, 0, 9, 9), points=(PAIR.handle,)),
    RegionReply(bounds_canvas=WINDOW, px_per_feature=0.25),
    EventPage(events=(LoggedEvent(seq=1, event="pairs", data={"a": [1, None]}),), is_closed=True),
    JobReply(
        id="0" * 32,
        session_id="1" * 32,
        kind=JobKind.DRAG,
        state=JobState.FAILED,
        seq=7,
        problem=PROBLEM,
    ),
    PROBLEM,
    StateEvent(state=JobState.QUEUED, queue_position=2),
    InversionProgressEvent(step_index=0, step_budget=5, loss=0.25),
    DragProgressEvent(
        step_index=0, step_budget=5, handles_canvas=(Point(1.0, 2.0),), distance_px=3.5
    ),
    HintsEvent(
        hints=(
            HandleHint(
                confidence=0.5,
                is_trackable=True,
                best_place_canvas=PAIR.handle,
                best_confidence=0.5,
            ),
        )
    ),
    PairsEvent(pairs=(PAIR,), pairs_revision=2),
    SnapshotEvent(etag='"01234567-3"'),
    PreviewEvent(etag='"3"'),
    HeartbeatEvent(),
    EndEvent(state=JobState.SUCCEEDED, end_reason=EndReason.STALLED, has_result=True),
    ServerStoppingEvent(),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_went(message):
    assert from_json(to_json(message), type(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_the_servers_reader_and_writer_agree_with_ours(message):
    assert msgspec.json.decode(to_json(message), type=type(message)) == message
    assert from_json(msgspec.json.encode(message), type(message)) == message


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ImageRef, {"sha256": "A" * 64, "width": 1, "height": 1, "format": "l8"}),
        (ImageRef, {"sha256": "a" * 64 + "\n", "width": 1, "height": 1, "format": "l8"}),
        (ImageRef, {"sha256": "a" * 64, "width": 0, "height": 1, "format": "l8"}),
        (CreateSession, {"image": MASK, "bounds_canvas": WINDOW}),
        (CreateSession, {"image": IMAGE, "bounds_canvas": Bounds(0, 0, 5, 5)}),
        (CreateSession, {"image": IMAGE, "bounds_canvas": WINDOW, "editable_mask": IMAGE}),
        (CreateSession, {"image": IMAGE, "bounds_canvas": WINDOW, "model": "../secret"}),
        (StartJob, {"id": "short", "kind": JobKind.INVERT}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.DRAG}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.INVERT, "pairs": (PAIR,)}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.DRAG, "pairs": (PAIR,) * 257}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.DRAG, "pairs": (PAIR,), "step_budget": 0}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.UNDO, "pairs": (PAIR,)}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.UNDO, "step_budget": 5}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.REDO, "position": 1}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.SHOW, "amount": 1.51}),
        (StartJob, {"id": "0" * 32, "kind": JobKind.SHOW, "position": -1}),
        (SetPairs, {"pairs": ()}),
        (SetPairs, {"pairs": (PAIR,) * 257}),
        (CreateSession, {"image": IMAGE, "bounds_canvas": WINDOW, "snapshot": "../x"}),
        (EndEvent, {"state": JobState.RUNNING}),
    ],
)
def test_a_message_that_exists_is_legal(kind, fields):
    with pytest.raises(ValueError):
        kind(**fields)


def test_an_image_knows_how_many_bytes_it_has():
    assert (IMAGE.byte_count, MASK.byte_count) == (64, 16)


def test_the_token_does_not_show():
    assert "hidden" not in repr(
        DiscoveryRecord(api="", url="", pid=1, instance_id="", started="", token="hidden")
    )


def test_every_event_has_one_name():
    assert {EVENT_NAMES[kind]: kind for kind in EVENT_NAMES} == EVENT_TYPES


def test_three_states_are_final():
    final = {state for state in JobState if state.is_final}
    assert final == {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
