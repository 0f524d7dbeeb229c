"""A job's events to the very end: through changes, a cancel, lost connections, a closing host."""

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from .client import BridgeClient, EventStream
from .errors import JobFailed, RequestRejected, ServerUnreachable
from .messages import EndEvent, JobEvent, JobState, ServerStoppingEvent, SetPairs, StateEvent

CANCEL_TIMEOUT_S = 2.0
# A bridge that lives answers again at once; one that is gone refuses the connection at once.
RECONNECT_PAUSES_S = (0.1, 0.3, 0.6)


class Stopped(Exception):
    """The artist cancelled before there was a layer, or the host closes. No error."""


@dataclass(frozen=True, slots=True)
class SetPaused:
    """Pause the job, or let it go on."""

    is_paused: bool


JobChange = SetPaused | SetPairs


class EditSignal:
    """What the main thread asks of the edit that runs; wakes the stream that is being read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._stream: EventStream | None = None
        self._is_closing = False
        self._changes: dict[type[JobChange], JobChange] = {}

    @property
    def is_set(self) -> bool:
        """Whether the edit shall stop."""
        return self._asked.is_set()

    @property
    def is_closing(self) -> bool:
        """Whether the host goes away: nothing is waited for any more."""
        return self._is_closing

    def has_news(self, *, has_cancelled: bool) -> bool:
        """Whether something was asked that the bridge was not told yet."""
        with self._lock:
            return self._is_closing or bool(self._changes) or (self.is_set and not has_cancelled)

    def set(self, *, is_closing: bool = False) -> None:
        """Asks for the stop, from any thread, without waiting; asking again changes nothing."""
        with self._lock:
            if self._is_closing or (self.is_set and not is_closing):
                # The stream that is read now already tells of the cancel: leave it alone.
                return
            self._is_closing = self._is_closing or is_closing
            self._asked.set()
            self._wake()

    def ask(self, change: JobChange) -> None:
        """Asks for a change; of changes of one kind that were not taken yet the latest counts."""
        with self._lock:
            self._changes[type(change)] = change
            self._wake()

    def take_changes(self) -> list[JobChange]:
        """What was asked since the last call."""
        with self._lock:
            changes, self._changes = list(self._changes.values()), {}
            return changes

    def clear(self) -> None:
        """Forgets what came for the edit before; a close stays."""
        with self._lock:
            self._changes = {}
            if not self._is_closing:
                self._asked.clear()

    def watch(self, stream: EventStream, *, has_cancelled: bool) -> None:
        """Names the stream that shall be woken, and wakes it at once where somebody was quicker."""
        with self._lock:
            self._stream = stream
        if self.has_news(has_cancelled=has_cancelled):
            stream.abort()

    def unwatch(self) -> None:
        """No stream is read now."""
        with self._lock:
            self._stream = None

    def rest(self, seconds: float) -> None:
        """Waits, but no longer than until the stop is asked for."""
        self._asked.wait(seconds)

    def _wake(self) -> None:
        if self._stream is not None:
            self._stream.abort()


class _Patience:
    """How often a stream may end too early before the bridge counts as gone."""

    def __init__(self, signal: EditSignal) -> None:
        self._signal = signal
        self._pauses_s = list(RECONNECT_PAUSES_S)

    @property
    def is_at_end(self) -> bool:
        return not self._pauses_s

    def renew(self) -> None:
        self._pauses_s = list(RECONNECT_PAUSES_S)

    def wait(self) -> None:
        if self.is_at_end:
            raise ServerUnreachable(
                "The bridge ends the connection again and again.",
                "Start it again with `draglayer serve`.",
            )
        self._signal.rest(self._pauses_s.pop(0))


def follow_job(
    client: BridgeClient,
    job_id: str,
    signal: EditSignal,
    apply_change: Callable[[JobChange], None],
) -> Generator[JobEvent, None, None]:
    """The job's events in order, each once, the last an EndEvent.

    A cancel or a change wakes the reader out of the stream, goes to the bridge over a connection of
    its own, and the stream is taken up again behind the last event that was seen: no second thread,
    and the host's main thread never talks to the network.

    Raises:
        Stopped: The host closes; the job is told to stop and not waited for.
        ServerUnreachable: The bridge is gone.
        JobFailed: The bridge was stopped.
    """
    after: int | None = None
    has_cancelled = False
    patience = _Patience(signal)
    while True:
        if signal.is_set and not has_cancelled:
            client.cancel_job(job_id, timeout_s=CANCEL_TIMEOUT_S)
            has_cancelled = True
            yield StateEvent(state=JobState.CANCELLING)
        if signal.is_closing:
            raise Stopped
        for change in signal.take_changes():
            apply_change(change)
        try:
            with closing(_watched(client, job_id, after, signal, has_cancelled)) as events:
                for number, event in events:
                    after = after if number is None else number
                    patience.renew()
                    yield event
                    if isinstance(event, EndEvent):
                        return
        except (ServerUnreachable, RequestRejected) as error:
            # A reader that left in a hurry holds its place for a moment: "stream-limit".
            is_passing = isinstance(error, ServerUnreachable) or error.is_retryable
            if patience.is_at_end or not is_passing:
                raise
        if not signal.has_news(has_cancelled=has_cancelled):
            patience.wait()


def _watched(
    client: BridgeClient,
    job_id: str,
    after: int | None,
    signal: EditSignal,
    has_cancelled: bool,
) -> Generator[tuple[int | None, JobEvent], None, None]:
    with client.events(job_id, after=after) as stream:
        signal.watch(stream, has_cancelled=has_cancelled)
        try:
            for number, event in stream:
                if isinstance(event, ServerStoppingEvent):
                    raise JobFailed(
                        "The bridge was stopped.",
                        "Press Start to start it again.",
                        code="server-stopping",
                    )
                yield number, event
        finally:
            signal.unwatch()
