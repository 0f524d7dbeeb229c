"""EventStream: one reader's view of a job's log as Server-Sent Events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge_client.messages import HeartbeatEvent
from bridge_server import wire
from bridge_server.problems import ProblemError
from bridge_server.progress import EventLog


class StreamSlots:
    """How many readers may wait for events; each of them holds a thread of the server."""

    def __init__(self, max_streams: int) -> None:
        """Args: the bound."""
        self._max_streams = max_streams
        self._open = 0
        self._lock = threading.Lock()

    @property
    def open_count(self) -> int:
        """Streams that are open."""
        with self._lock:
            return self._open

    def take(self) -> None:
        """Take a place.

        Raises:
            ProblemError: ``stream-limit`` when there is none.
        """
        with self._lock:
            if self._open >= self._max_streams:
                raise ProblemError("stream-limit", f"{self._max_streams} streams are open.")
            self._open += 1

    def give_back(self) -> None:
        """Free the place."""
        with self._lock:
            self._open -= 1

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A place for as long as this lasts.

        Raises:
            ProblemError: ``stream-limit`` when there is none.
        """
        self.take()
        try:
            yield
        finally:
            self.give_back()


def sse_chunks(
    log: EventLog,
    *,
    after: int,
    heartbeat_s: float,
    interval_s: float,
    on_beat: Callable[[], None],
) -> Iterator[bytes]:
    """The log's events behind the cursor until it is closed.

    Args:
        log: the job's log.
        after: number of the last event that the reader has.
        heartbeat_s: longest silence; only by writing does the server learn that a reader left.
        interval_s: shortest time between two batches of events, so that a fast loop does not flood
            the host; the end is never held back.
        on_beat: called with every chunk while the reader is there.
    """
    cursor, is_closed = after, False
    while not is_closed:
        events, is_closed = log.read(cursor, timeout_s=heartbeat_s)
        on_beat()
        if events:
            cursor = events[-1].seq
            yield b"".join(wire.encode_event(entry.event, seq=entry.seq) for entry in events)
        elif not is_closed:
            yield wire.encode_event(HeartbeatEvent(), seq=None)
        if not is_closed:
            log.wait_closed(interval_s)
