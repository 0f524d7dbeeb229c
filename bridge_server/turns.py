"""Turns: who may use the engine next.

First come, first served, with two exceptions. A paused job gives the engine away until it is asked
to go on: one artist's pause must not stop the others. And nothing of a session begins before what
was asked of it earlier has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bridge_server.sessions import Session


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turn:
    """One thing to do for a session."""

    session: Session
    act: Callable[[], bool]
    """Does it, as far as it goes; gives whether it is over."""
    is_ready: Callable[[], bool] = _always
    """Whether it would get further now."""


class Turns:
    """The turns that wait, in order; all methods may be called from any thread."""

    def __init__(self) -> None:
        """Start with none."""
        self._waiting: list[Turn] = []
        self._is_ending = False
        self._changed = threading.Condition()

    def add(self, turn: Turn) -> None:
        """Put a turn behind the others."""
        with self._changed:
            self._waiting.append(turn)
            self._changed.notify_all()

    def has(self, session: Session) -> bool:
        """Whether one of the session waits."""
        with self._changed:
            return any(turn.session is session for turn in self._waiting)

    def put_back(self, turn: Turn) -> None:
        """Put a turn that is not over before the others again."""
        with self._changed:
            self._waiting.insert(0, turn)
            self._changed.notify_all()

    def wake(self) -> None:
        """Look again: a turn may have become ready."""
        with self._changed:
            self._changed.notify_all()

    def end(self) -> None:
        """Give what is ready now, and then no more."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()

    def take(self) -> Turn | None:
        """The next turn, waited for; None when there will be none."""
        with self._changed:
            while (turn := self._first_ready()) is None:
                if self._is_ending:
                    return None
                self._changed.wait()
            self._waiting.remove(turn)
            return turn

    def _first_ready(self) -> Turn | None:
        held: set[Session] = set()
        for turn in self._waiting:
            if turn.session not in held and turn.is_ready():
                return turn
            held.add(turn.session)
        return None
