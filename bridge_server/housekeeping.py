"""Housekeeper: the thread that lets leases run out and, when asked to, stops the bridge."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Housekeeper:
    """Calls ``expire`` now and then until a stop is asked for, then calls ``stop`` once.

    Stopping happens here and not on the thread that serves: the replies and stream ends that a
    stop causes have to go out while it goes on.
    """

    def __init__(
        self, expire: Callable[[], None], stop: Callable[[], None], *, interval_s: float
    ) -> None:
        """Args: the two calls, and the time between two of the first."""
        self._expire = expire
        self._stop = stop
        self._interval_s = interval_s
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._work, name="draglayer-housekeeper")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask_stop(self) -> None:
        """Stop soon; may be called from any thread, from a signal handler, and twice."""
        self._asked.set()

    def join(self) -> None:
        """Wait until ``stop`` has returned."""
        self._thread.join()

    def _work(self) -> None:
        while not self._asked.wait(self._interval_s):
            try:
                self._expire()
            except Exception:  # the thread's outermost border: leases must go on running out
                _log.exception("Housekeeping failed.")
        self._stop()
