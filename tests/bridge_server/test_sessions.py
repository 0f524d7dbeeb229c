"""The session store."""

from __future__ import annotations

import pytest

from bridge_client.geometry import Bounds
from bridge_client.messages import HistoryState
from bridge_server.engine_port import SessionSpec
from bridge_server.problems import ProblemError
from bridge_server.sessions import SessionStore
from tests.fakes.bridge import FakeClock, new_id

SPEC = SessionSpec(
    model="default",
    bounds_canvas=Bounds(0, 0, 1, 1),
    pixels=bytes(4),
    pixel_format="rgba8",
    editable_mask=None,
)


@pytest.fixture
def store(clock: FakeClock) -> SessionStore:
    return SessionStore(max_sessions=2, clock=clock)


def test_ids_are_128_bits_and_differ(store: SessionStore) -> None:
    first, second = store.create(SPEC), store.create(SPEC)
    assert first.id != second.id
    assert len(first.id) == 32


def test_the_third_of_two_is_refused(store: SessionStore) -> None:
    store.create(SPEC)
    store.create(SPEC)
    with pytest.raises(ProblemError) as caught:
        store.create(SPEC)
    assert caught.value.code == "session-limit"


def test_unknown_and_ended_are_told_apart(store: SessionStore) -> None:
    session = store.create(SPEC)
    assert store.remove(session.id) is session
    assert store.remove(session.id) is None
    for session_id, code in ((session.id, "session-expired"), (new_id(), "session-missing")):
        with pytest.raises(ProblemError) as caught:
            store.get(session_id)
        assert caught.value.code == code
    assert session.is_closed


def test_using_a_session_renews_its_lease(store: SessionStore, clock: FakeClock) -> None:
    used, idle = store.create(SPEC), store.create(SPEC)
    clock.turn(50)
    store.get(used.id)
    clock.turn(20)
    assert store.idle_for(60) == (idle,)


def test_the_longest_idle_comes_first(store: SessionStore, clock: FakeClock) -> None:
    first = store.create(SPEC)
    clock.turn(1)
    second = store.create(SPEC)
    clock.turn(1)
    assert store.idle_for(0) == (first, second)


def test_a_closed_session_holds_no_pixels(store: SessionStore) -> None:
    session = store.create(SPEC)
    session.keep_snapshot(b"snapshot")
    store.remove(session.id)
    assert (session.spec.pixels, session.spec.snapshot, session.snapshot) == (b"", None, None)


def test_a_session_says_what_became_of_it(store: SessionStore) -> None:
    session = store.create(SPEC)
    session.advance(is_inverted=True, history=HistoryState(), match=None)
    reply = session.reply(lease_s=9)
    assert (reply.revision, reply.is_inverted, reply.lease_s) == (1, True, 9)
