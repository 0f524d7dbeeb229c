"""EventLog: one writer, many readers, bounded, resumable from any event id.

A log with cursors and not a queue: a queue with one consumer loses events when the reader comes
back. Progress, pairs and previews are *state*, so a newer one replaces the older one of its kind;
state changes and the end stay, but for the oldest of a job that was paused very often. So the log
is bounded, and no cursor is too old: a reader that was away for long gets the latest of each kind,
which together say what is true now.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bridge_client.messages import (
    DragProgressEvent,
    EndEvent,
    HintsEvent,
    InversionProgressEvent,
    JobEvent,
    PairsEvent,
    PreviewEvent,
    ServerStoppingEvent,
    SnapshotEvent,
)

_LATEST_WINS = (
    InversionProgressEvent,
    DragProgressEvent,
    HintsEvent,
    PairsEvent,
    PreviewEvent,
    SnapshotEvent,
)
_LAST = (EndEvent, ServerStoppingEvent)
MAX_STATES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One event with its place in the log."""

    seq: int
    event: JobEvent


class EventLog:
    """The events of one job, numbered from 1."""

    def __init__(self) -> None:
        """Start empty and open."""
        self._events: list[LoggedEvent] = []
        self._last_seq = 0
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def last_seq(self) -> int:
        """Number of the newest event; 0 while there is none."""
        with self._changed:
            return self._last_seq

    def append(self, event: JobEvent) -> None:
        """Write one event and wake the readers.

        After an ``end`` or ``server-stopping`` event the log is closed and ignores what comes: the
        step that was being made when the bridge stopped may still report itself.
        """
        with self._changed:
            if self._is_closed:
                return
            kept = 0 if isinstance(event, _LATEST_WINS) else MAX_STATES - 1
            same = [old for old in self._events if type(old.event) is type(event)]
            for superseded in same[: max(0, len(same) - kept)]:
                self._events.remove(superseded)
            self._last_seq += 1
            self._events.append(LoggedEvent(seq=self._last_seq, event=event))
            self._is_closed = isinstance(event, _LAST)
            self._changed.notify_all()

    def read(self, after: int, *, timeout_s: float) -> tuple[tuple[LoggedEvent, ...], bool]:
        """Events behind the cursor, waiting for the first one at most ``timeout_s``.

        Args:
            after: number of the last event that the reader has; 0 for all. A number that this log
                never gave reads as 0.
            timeout_s: how long to wait when there is nothing new.

        Returns:
            The events in order, and whether the log is closed (no more will come).
        """
        with self._changed:
            cursor = after if 0 <= after <= self._last_seq else 0
            self._changed.wait_for(lambda: self._last_seq > cursor or self._is_closed, timeout_s)
            events = tuple(entry for entry in self._events if entry.seq > cursor)
            return events, self._is_closed

    def wait_closed(self, timeout_s: float) -> bool:
        """Whether the log is closed by then; lets a reader rest without missing the end."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_closed, timeout_s)
