"""EditWorker: the only thread. Commands in, events out; the host's timer calls `drain`.

No method waits for the network: they are for the host's main thread.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from .client import BridgeClient
from .edit import (
    DragProgress,
    EditCommand,
    EditRequest,
    EditState,
    Failed,
    FurtherDrag,
    HandleCheck,
    HistoryMove,
    InversionProgress,
    PreviewReady,
    StateChanged,
    WorkerEvent,
)
from .edit_run import EditRun
from .errors import ClientError
from .follow import EditSignal, SetPaused, Stopped
from .geometry import PointPair
from .messages import JobKind, SetPairs
from .open_edit import OpenEdit

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
    """Carries one command after another to the bridge.

    The edit stays open between them, until another layer is edited or the worker is closed: so it
    can be dragged further, undone and shown otherwise.

    Args:
        connect: Gives a client for the bridge; called on the worker's thread, for each edit and
            when the bridge was lost.
    """

    def __init__(self, connect: Callable[[], BridgeClient]) -> None:
        self._edit = OpenEdit(connect)
        self._commands: queue.SimpleQueue[EditCommand | None] = queue.SimpleQueue()
        self._outbox = _Outbox()
        self._signal = EditSignal()
        self._lock = threading.Lock()
        self._running: EditCommand | None = None
        self._next_show: HistoryMove | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a command runs."""
        return self._running is not None

    def start(self, request: EditRequest) -> None:
        """Begins an edit.

        Raises:
            ClientError: Something runs already, or the worker is closed.
        """
        self._begin(request)

    def check(self, request: EditRequest) -> None:
        """Looks whether the edit's handles can be followed; a start of the same layer goes on from
        there.

        Raises:
            ClientError: As `start`.
        """
        self._begin(HandleCheck(pairs=request.pairs, request=request))

    def check_on(self, pairs: Sequence[PointPair]) -> None:
        """Looks whether handles in the open edit, as it is shown, can be followed.

        Raises:
            ClientError: As `start`.
        """
        self._begin(HandleCheck(pairs=tuple(pairs)))

    def drag_on(self, pairs: Sequence[PointPair], step_budget: int | None = None) -> None:
        """Drags from where the open edit stands.

        Raises:
            ClientError: As `start`.
        """
        self._begin(FurtherDrag(pairs=tuple(pairs), step_budget=step_budget))

    def undo(self) -> None:
        """Goes back to what was before the present drag.

        Raises:
            ClientError: As `start`.
        """
        self._begin(HistoryMove(kind=JobKind.UNDO))

    def redo(self) -> None:
        """Shows the drag that was undone last.

        Raises:
            ClientError: As `start`.
        """
        self._begin(HistoryMove(kind=JobKind.REDO))

    def show(self, *, position: int | None = None, amount: float | None = None) -> None:
        """Shows the present drag at another step or by another amount. What is asked while one is
        being shown is made as one when that is done, as sliders need it.

        Raises:
            ClientError: As `start`.
        """
        move = HistoryMove(kind=JobKind.SHOW, position=position, amount=amount)
        with self._lock:
            running = self._running
            if isinstance(running, HistoryMove) and running.kind is JobKind.SHOW:
                self._next_show = move.after(self._next_show)
                return
        self._begin(move)

    def pause(self) -> None:
        """Lets the edit rest after its step. Without an edit it does nothing."""
        if self.is_busy:
            self._signal.ask(SetPaused(True))

    def resume(self) -> None:
        """Lets a paused edit go on. Without an edit it does nothing."""
        if self.is_busy:
            self._signal.ask(SetPaused(False))

    def set_pairs(self, pairs: Sequence[PointPair]) -> None:
        """Moves, adds, pins or lets go points of the drag that runs, or that is about to.

        Raises:
            ValueError: There is none, or there are too many.
        """
        change = SetPairs(pairs=tuple(pairs))
        if self.is_busy:
            self._signal.ask(change)

    def cancel(self) -> None:
        """Stops the edit after its step; what it has is kept. Without an edit it does nothing."""
        if self.is_busy:
            self._signal.set()

    def drain(self) -> list[WorkerEvent]:
        """Everything that happened since the last call, in order."""
        return self._outbox.take_all()

    def close(self, timeout_s: float = 1.0) -> None:
        """Ends the thread; after this time it is left behind, and dies with the host."""
        self._signal.set(is_closing=True)
        self._commands.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _begin(self, command: EditCommand) -> None:
        if self._signal.is_closing:
            raise ClientError("The plug-in is closing.")
        with self._lock:
            if self._running is not None:
                raise ClientError("An edit is already running.", "Cancel it first.")
            self._running = command
            self._signal.clear()
        if self._thread is None:
            # A daemon: a host that quits must never wait for a bridge that hangs.
            self._thread = threading.Thread(target=self._loop, name="draglayer", daemon=True)
            self._thread.start()
        self._commands.put(command)

    def _loop(self) -> None:
        waiting: EditCommand | None = None
        while (command := waiting or self._commands.get()) is not None:
            final = self._run(command)
            with self._lock:
                waiting, self._next_show = self._next_show, None
                self._running = waiting
            for event in final:
                # The host stays busy until the last wish is done: else it would set a slider back
                # under the hand that moves it.
                if waiting is None or event != StateChanged(EditState.DONE):
                    self._outbox.put(event)
        self._edit.free()

    def _run(self, command: EditCommand) -> list[WorkerEvent]:
        try:
            return EditRun(command, self._edit, self._signal, self._outbox.put).run()
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
