"""The event log."""

from __future__ import annotations

import threading

from bridge_client.messages import (
    EndEvent,
    InversionProgressEvent,
    JobState,
    PreviewEvent,
    ServerStoppingEvent,
    StateEvent,
)
from bridge_server.progress import MAX_STATES, EventLog

RUNNING = StateEvent(state=JobState.RUNNING)
END = EndEvent(state=JobState.SUCCEEDED)


def inversion_step(index: int) -> InversionProgressEvent:
    return InversionProgressEvent(step_index=index, step_budget=9, loss=1.0)


def seqs(log: EventLog, after: int = 0) -> list[int]:
    return [entry.seq for entry in log.read(after, timeout_s=0)[0]]


def test_events_are_numbered_from_one_and_read_behind_a_cursor() -> None:
    log = EventLog()
    log.append(StateEvent(state=JobState.QUEUED))
    log.append(RUNNING)
    assert seqs(log) == [1, 2]
    assert seqs(log, after=1) == [2]
    assert seqs(log, after=2) == []


def test_newer_progress_replaces_older_but_states_stay() -> None:
    log = EventLog()
    log.append(RUNNING)
    for index in range(1000):
        log.append(inversion_step(index))
        log.append(PreviewEvent(etag=str(index)))
    events = [entry.event for entry in log.read(0, timeout_s=0)[0]]
    assert events == [RUNNING, inversion_step(999), PreviewEvent(etag="999")]


def test_states_are_bounded_and_the_latest_is_there() -> None:
    log = EventLog()
    for _ in range(3 * MAX_STATES):
        log.append(StateEvent(state=JobState.PAUSED))
        log.append(RUNNING)
    events = log.read(1, timeout_s=0)[0]
    assert len(events) == MAX_STATES
    assert events[-1].event == RUNNING


def test_a_cursor_into_replaced_events_gets_what_replaced_them() -> None:
    log = EventLog()
    for index in range(10):
        log.append(inversion_step(index))
    assert seqs(log, after=3) == [10]


def test_an_unknown_cursor_reads_everything() -> None:
    log = EventLog()
    log.append(RUNNING)
    assert seqs(log, after=77) == [1]
    assert seqs(log, after=-1) == [1]


def test_nothing_follows_the_end() -> None:
    log = EventLog()
    log.append(END)
    log.append(inversion_step(1))
    log.append(ServerStoppingEvent())
    events, is_closed = log.read(0, timeout_s=0)
    assert [entry.event for entry in events] == [END]
    assert is_closed


def test_reading_behind_the_end_of_a_closed_log_returns_at_once() -> None:
    log = EventLog()
    log.append(END)
    assert log.read(1, timeout_s=60) == ((), True)


def test_a_waiting_reader_is_woken_by_the_writer() -> None:
    log = EventLog()
    got: list[int] = []
    reader = threading.Thread(
        target=lambda: got.extend(e.seq for e in log.read(0, timeout_s=10)[0])
    )
    reader.start()
    log.append(RUNNING)
    reader.join(10)
    assert got == [1]


def test_every_reader_gets_every_state() -> None:
    log = EventLog()
    got: list[list[int]] = [[], [], []]

    def follow(numbers: list[int]) -> None:
        is_closed = False
        while not is_closed:
            after = numbers[-1] if numbers else 0
            events, is_closed = log.read(after, timeout_s=10)
            numbers.extend(entry.seq for entry in events)

    readers = [threading.Thread(target=follow, args=(numbers,)) for numbers in got]
    for reader in readers:
        reader.start()
    for _ in range(20):
        log.append(RUNNING)
    log.append(END)
    for reader in readers:
        reader.join(10)
    assert got == [list(range(1, 22))] * 3
