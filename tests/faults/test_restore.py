"""A bridge that is lost at work: the client starts another, which goes on where the last stood."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge_client import (
    Bounds,
    DragProgress,
    EditRequest,
    EditState,
    EditWorker,
    Failed,
    HistoryChanged,
    InversionProgress,
    ResultReady,
    StateChanged,
    WorkerEvent,
)
from bridge_client.exit_codes import ExitCode
from tests.fakes.bridge import PIXELS, WINDOW
from tests.fakes.editor import PAIRS
from tests.fakes.processes import wait_until
from tests.faults.conftest import Machine

REQUEST = EditRequest(
    window_canvas=Bounds(**WINDOW),
    pixels=PIXELS,
    pixel_order="rgba8",
    pairs=PAIRS,
    step_budget=10_000,
)
ENDLESS = {"drag_steps": 10_000, "pace_s": 0.01}


class Host:
    """An editor in this process, which polls its worker as a timer would."""

    def __init__(self, machine: Machine) -> None:
        self.worker = EditWorker(machine.launcher().connect)
        self.events: list[WorkerEvent] = []

    def has(self, kind: type[WorkerEvent], **values: object) -> bool:
        """Whether an event of this kind and with these values has come."""
        self.events += self.worker.drain()
        return any(
            isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in values.items())
            for event in self.events
        )

    def wait_for(self, kind: type[WorkerEvent], **values: object) -> None:
        """Until it has come; an edit that ended otherwise is not waited for."""
        wait_until(lambda: self.has(kind, **values) or self._has_ended())
        assert self.has(kind, **values), self.events

    def _has_ended(self) -> bool:
        ended = (EditState.DONE, EditState.CANCELLED, EditState.FAILED)
        return any(self.has(StateChanged, state=state) for state in ended)

    def wait_state(self, state: EditState) -> None:
        """Until the edit is there."""
        self.wait_for(StateChanged, state=state)

    def get(self, kind: type[WorkerEvent]) -> WorkerEvent:
        """The latest event of this kind."""
        return [event for event in self.events if isinstance(event, kind)][-1]

    def drag_until_written_down(self) -> None:
        """Into the midst of a drag, of which the client has a copy: who pauses may go."""
        self.worker.start(REQUEST)
        self.wait_for(DragProgress)
        self.worker.pause()
        self.wait_state(EditState.PAUSED)
        wait_until(lambda: b'"undo_depth": 1' in self.worker._edit._snapshot)
        self.worker.resume()
        self.events.clear()
        self.wait_for(DragProgress)


@pytest.fixture
def host(machine: Machine) -> Iterator[Host]:
    host = Host(machine)
    yield host
    host.worker.close(10.0)


def test_a_bridge_killed_in_the_midst_of_a_drag_is_replaced_and_the_edit_restored(
    machine: Machine, host: Host
) -> None:
    bridge = machine.start_bridge(**ENDLESS)
    host.drag_until_written_down()
    host.events.clear()
    bridge.process.kill()
    host.wait_for(ResultReady, reason="restored")
    host.wait_state(EditState.DONE)
    assert host.get(HistoryChanged).history.undo_depth == 1
    assert not host.has(InversionProgress)
    host.events.clear()
    host.worker.undo()
    host.wait_for(HistoryChanged)
    assert host.get(HistoryChanged).history.redo_depth == 1


def test_a_drag_of_which_nothing_was_written_down_is_not_repeated_by_itself(
    machine: Machine, host: Host
) -> None:
    bridge = machine.start_bridge(**ENDLESS)
    host.worker.start(REQUEST)
    host.wait_for(DragProgress)
    bridge.process.kill()
    host.wait_state(EditState.FAILED)
    assert "started again" in host.get(Failed).message
    host.events.clear()
    host.worker.start(REQUEST)
    host.wait_for(ResultReady, reason="reached")
    assert not host.has(InversionProgress), "The picture was found in the model already."


def test_a_lost_device_costs_the_artist_no_more_than_the_last_steps(
    machine: Machine, host: Host
) -> None:
    bridge = machine.start_bridge(failure=[300, "device-lost"], drag_steps=1000, pace_s=0.01)
    host.drag_until_written_down()
    host.wait_for(ResultReady, reason="restored")
    assert bridge.wait() == ExitCode.DEVICE_LOST
