"""Who may use the engine next."""

from __future__ import annotations

import threading

from bridge_client.geometry import Bounds
from bridge_server.engine_port import SessionSpec
from bridge_server.sessions import Session
from bridge_server.turns import Turn, Turns

SPEC = SessionSpec(
    model="default",
    bounds_canvas=Bounds(0, 0, 1, 1),
    pixels=bytes(4),
    pixel_format="rgba8",
    editable_mask=None,
)


def new_session() -> Session:
    return Session(SPEC, now_s=0.0)


def turn_of(session: Session, *, is_ready: bool = True) -> Turn:
    return Turn(session=session, act=lambda: True, is_ready=lambda: is_ready)


def test_first_come_first_served() -> None:
    turns, all_turns = Turns(), [turn_of(new_session()) for _ in range(3)]
    for turn in all_turns:
        turns.add(turn)
    assert [turns.take() for _ in all_turns] == all_turns


def test_a_paused_turn_lets_the_others_pass_but_not_those_of_its_session() -> None:
    turns, paused, other = Turns(), new_session(), new_session()
    behind, passing = turn_of(paused), turn_of(other)
    for turn in (turn_of(paused, is_ready=False), behind, passing):
        turns.add(turn)
    turns.end()
    assert turns.take() is passing
    assert turns.take() is None


def test_what_waits_of_a_session_is_known() -> None:
    turns, session = Turns(), new_session()
    turns.add(turn_of(session))
    assert turns.has(session) and not turns.has(new_session())


def test_what_is_put_back_comes_before_what_waited() -> None:
    turns, session = Turns(), new_session()
    first, second = turn_of(session), turn_of(session)
    turns.add(first)
    turns.add(second)
    taken = turns.take()
    assert taken is first
    turns.put_back(taken)
    assert turns.take() is first


def test_who_waits_is_woken_when_a_turn_becomes_ready() -> None:
    turns, may_go = Turns(), threading.Event()
    turn = Turn(session=new_session(), act=lambda: True, is_ready=may_go.is_set)
    turns.add(turn)
    taken: list[Turn | None] = []
    taker = threading.Thread(target=lambda: taken.append(turns.take()))
    taker.start()
    may_go.set()
    turns.wake()
    taker.join(10)
    assert taken == [turn]


def test_the_end_gives_what_is_ready_and_then_no_more() -> None:
    turns, turn = Turns(), turn_of(new_session())
    turns.add(turn)
    turns.end()
    assert turns.take() is turn
    assert turns.take() is None
