"""How the worker's tests wait: as a host's timer polls."""

import threading
import time

from bridge_client import StateChanged

WAIT_S = 10.0
PAUSE = threading.Event()


def drain_until(worker, is_last):
    """All events up to the one that was waited for."""
    events, end_s = [], time.monotonic() + WAIT_S
    while not any(is_last(event) for event in events):
        assert time.monotonic() < end_s, events
        PAUSE.wait(0.005)
        events += worker.drain()
    return events


def is_final(event):
    return isinstance(event, StateChanged) and not event.state.is_busy


def is_kind(kind):
    return lambda event: isinstance(event, kind)


def states(events):
    return [event.state for event in events if isinstance(event, StateChanged)]


def only(events, kind):
    (event,) = [event for event in events if isinstance(event, kind)]
    return event
