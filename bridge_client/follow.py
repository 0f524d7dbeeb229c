"""A job's events to the very end: through a cancel, a lost connection and a closing host."""

import threading
from collections.abc import Generator
from contextlib import closing

from .client import BridgeClient, EventStream
from .errors import JobFailed, ServerUnreachable
from .messages import EndEvent, JobEvent, JobState, ServerStoppingEvent, StateEvent

CANCEL_TIMEOUT_S = 2.0
# A bridge that lives answers again at once; one that is gone refuses the connection at once.
RECONNECT_PAUSES_S = (0.1, 0.3, 0.6)


class Stopped(Exception):
    """The artist cancelled before there was a layer, or the host closes. No error."""


class StopSignal:
    """Cancel and close, as the main thread asks for them; wakes the stream that is being read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._stream: EventStream | None = None
        self._is_closing = False

    @property
    def is_set(self) -> bool:
        """Whether the edit shall stop."""
        return self._asked.is_set()

    @property
    def is_closing(self) -> bool:
        """Whether the host goes away: nothing is waited for any more."""
        return self._is_closing

    def set(self, *, is_closing: bool = False) -> None:
        """Asks for the stop, from any thread, without waiting; asking again changes nothing."""
        with self._lock:
            if self._is_closing or (self.is_set and not is_closing):
                # The stream that is read now already tells of the cancel: leave it alone.
                return
            self._is_closing = self._is_closing or is_closing
            self._asked.set()
            if self._stream is not None:
                self._stream.abort()

    def clear(self) -> None:
        """Forgets a cancel that came for the edit before; a close stays."""
        with self._lock:
            if not self._is_closing:
                self._asked.clear()

    def watch(self, stream: EventStream, *, has_cancelled: bool) -> None:
        """Names the stream that `set` shall wake, and wakes it at once where `set` was quicker."""
        with self._lock:
            self._stream = stream
            if self._is_closing or (self.is_set and not has_cancelled):
                stream.abort()

    def unwatch(self) -> None:
        """No stream is read now."""
        with self._lock:
            self._stream = None

    def pause(self, seconds: float) -> None:
        """Waits, but no longer than until the stop is asked for."""
        self._asked.wait(seconds)


def follow_job(
    client: BridgeClient, job_id: str, signal: StopSignal
) -> Generator[JobEvent, None, None]:
    """The job's events in order, each once, the last an EndEvent.

    A cancel wakes the reader out of the stream, goes to the bridge over a connection of its own,
    and the stream is taken up again behind the last event that was seen: no second thread, and the
    host's main thread never talks to the network.

    Raises:
        Stopped: The host closes; the job is told to stop and not waited for.
        ServerUnreachable: The bridge is gone.
        JobFailed: The bridge was stopped.
    """
    after: int | None = None
    has_cancelled = False
    losses = 0
    while True:
        if signal.is_set and not has_cancelled:
            client.cancel_job(job_id, timeout_s=CANCEL_TIMEOUT_S)
            has_cancelled = True
            yield StateEvent(state=JobState.CANCELLING)
        if signal.is_closing:
            raise Stopped
        try:
            with closing(_watched(client, job_id, after, signal, has_cancelled)) as events:
                for number, event in events:
                    after, losses = (after if number is None else number), 0
                    yield event
                    if isinstance(event, EndEvent):
                        return
        except ServerUnreachable:
            if losses == len(RECONNECT_PAUSES_S):
                raise
        if signal.is_set and not has_cancelled:
            continue
        if losses == len(RECONNECT_PAUSES_S):
            raise ServerUnreachable(
                "The bridge ends the connection again and again.",
                "Start it again with `draglayer serve`.",
            )
        signal.pause(RECONNECT_PAUSES_S[losses])
        losses += 1


def _watched(
    client: BridgeClient,
    job_id: str,
    after: int | None,
    signal: StopSignal,
    has_cancelled: bool,
) -> Generator[tuple[int | None, JobEvent], None, None]:
    with client.events(job_id, after=after) as stream:
        signal.watch(stream, has_cancelled=has_cancelled)
        try:
            for number, event in stream:
                if isinstance(event, ServerStoppingEvent):
                    raise JobFailed("The bridge was stopped.", "Press Start to start it again.")
                yield number, event
        finally:
            signal.unwatch()
