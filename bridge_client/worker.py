"""EditWorker: the only thread. Requests in, events out; the host's timer calls `drain`.

`start`, `cancel`, `drain` and `close` are for the host's main thread and never wait for the
network.
"""

import logging
import queue
import threading
from collections.abc import Callable

from .client import BridgeClient
from .edit import (
    DragProgress,
    EditRequest,
    EditState,
    Failed,
    InversionProgress,
    PreviewReady,
    StateChanged,
    WorkerEvent,
)
from .edit_run import EditRun
from .errors import ClientError
from .follow import Stopped, StopSignal

_LATEST_WINS = (InversionProgress, DragProgress, PreviewReady)

_log = logging.getLogger("draglayer.client")


class _Outbox:
    """Events for the host. Of news that replaces older news only the latest is kept, so that a
    host that doesn't poll for a while can't make us grow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[WorkerEvent] = []

    def put(self, event: WorkerEvent) -> None:
        with self._lock:
            if isinstance(event, _LATEST_WINS):
                self._events = [each for each in self._events if type(each) is not type(event)]
            self._events.append(event)

    def take_all(self) -> list[WorkerEvent]:
        with self._lock:
            events, self._events = self._events, []
            return events


class EditWorker:
    """Carries one edit after another to the bridge.

    Args:
        connect: Gives a client for the bridge; called on the worker's thread, once for each edit.
    """

    def __init__(self, connect: Callable[[], BridgeClient]) -> None:
        self._connect = connect
        self._requests: queue.SimpleQueue[EditRequest | None] = queue.SimpleQueue()
        self._outbox = _Outbox()
        self._signal = StopSignal()
        self._is_busy = False
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an edit runs."""
        return self._is_busy

    def start(self, request: EditRequest) -> None:
        """Begins an edit.

        Raises:
            ClientError: One runs already, or the worker is closed.
        """
        if self._signal.is_closing:
            raise ClientError("The plug-in is closing.")
        if self._is_busy:
            raise ClientError("An edit is already running.", "Cancel it first.")
        self._is_busy = True
        self._signal.clear()
        if self._thread is None:
            # A daemon: a host that quits must never wait for a bridge that hangs.
            self._thread = threading.Thread(target=self._loop, name="draglayer", daemon=True)
            self._thread.start()
        self._requests.put(request)

    def cancel(self) -> None:
        """Stops the edit after its step; what it has is kept. Without an edit it does nothing."""
        if self._is_busy:
            self._signal.set()

    def drain(self) -> list[WorkerEvent]:
        """Everything that happened since the last call, in order."""
        return self._outbox.take_all()

    def close(self, timeout_s: float = 1.0) -> None:
        """Ends the thread; after this time it is left behind, and dies with the host."""
        self._signal.set(is_closing=True)
        self._requests.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _loop(self) -> None:
        while (request := self._requests.get()) is not None:
            final = self._run(request)
            self._is_busy = False
            for event in final:
                self._outbox.put(event)

    def _run(self, request: EditRequest) -> list[WorkerEvent]:
        try:
            return EditRun(request, self._connect, self._signal, self._outbox.put).run()
        except Stopped:
            return [StateChanged(EditState.CANCELLED)]
        except ClientError as error:
            return [Failed(error.message, error.hint), StateChanged(EditState.FAILED)]
        except Exception:
            # The outermost border of this thread: whatever it is, the host must hear of it.
            _log.exception("the edit ended with an unexpected error")
            failed = Failed(
                "The plug-in made an unexpected mistake.",
                "Press Start to try again; the host's log says more.",
            )
            return [failed, StateChanged(EditState.FAILED)]
