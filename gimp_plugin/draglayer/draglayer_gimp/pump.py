"""The main loop's side of the worker: a timer that hands its events on, on the main thread."""

from collections.abc import Callable

from gi.repository import GLib

from ._vendor.bridge_client import EditWorker, WorkerEvent

# A cancel or a step shows up within this; draining an empty queue costs nothing.
INTERVAL_MS = 50


class Pump:
    """Polls a worker while it is open.

    Args:
        worker: Its thread never touches GIMP; its events are fetched here.
        on_event: Called for each event, in order, on the main thread.
    """

    def __init__(self, worker: EditWorker, on_event: Callable[[WorkerEvent], None]) -> None:
        self._worker = worker
        self._on_event = on_event
        self._timer = GLib.timeout_add(INTERVAL_MS, self._tick)

    def _tick(self) -> bool:
        for event in self._worker.drain():
            self._on_event(event)
        return GLib.SOURCE_CONTINUE

    def close(self) -> None:
        """Stop polling; events that are still queued are dropped."""
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
