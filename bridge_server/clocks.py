"""AwakeClock: seconds in which this machine was awake, for leases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class AwakeClock:
    """A monotonic clock that stands still while nobody reads it for long.

    A laptop that sleeps, or a process that is held up, must not find every lease run out when it
    goes on: on Windows the monotonic clock counts sleep. The housekeeper reads it each second, so a
    longer gap means that we were not awake, and then no client could be heard either. The wall
    clock, which people and time servers set, decides nothing in the bridge.
    """

    def __init__(
        self, read: Callable[[], float] = time.monotonic, *, longest_gap_s: float = 5.0
    ) -> None:
        """Args: the clock below, and the longest time between two readings that counts whole."""
        self._read = read
        self._longest_gap_s = longest_gap_s
        self._lock = threading.Lock()
        self._last_s = read()
        self._awake_s = 0.0

    def __call__(self) -> float:
        """Seconds awake so far."""
        with self._lock:
            now_s = self._read()
            self._awake_s += min(now_s - self._last_s, self._longest_gap_s)
            self._last_s = now_s
            return self._awake_s
