"""The heartbeat: brings the worker's events and the artist's doings to the editor.

Krita has no signal for a change of selection, layer or shape, so these are polled; the worker's
thread may not call Krita, so its events are polled too.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from ._vendor.bridge_client import ClientError, EditWorker
from .editor import LayerEditor, sentence
from .qt import QCoreApplication, QGuiApplication, QObject, Qt, QTimer, pyqtSignal

DRAIN_INTERVAL_MS = 33
TICKS_PER_LOOK = 15
CLOSE_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)


class Pump(QObject):
    """Drains the worker and looks at the canvas; tells the dockers that something may be new.

    Args:
        editor: What is fed.
        worker: What is drained, and closed when Krita ends.
    """

    changed = pyqtSignal()

    def __init__(self, editor: LayerEditor, worker: EditWorker) -> None:
        super().__init__()
        self.editor = editor
        self._worker = worker
        self._tick_count = 0
        self._watching: set[int] = set()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(DRAIN_INTERVAL_MS)
        QCoreApplication.instance().aboutToQuit.connect(self.close)

    def run(self, action: Callable[[], Any]) -> None:
        """Runs what a button or the timer asks for and has the dockers show what came of it."""
        self.guard(action)
        self.changed.emit()

    def guard(self, action: Callable[[], Any]) -> None:
        """The outermost border: Krita would show a modal "Script error" for what gets through."""
        try:
            action()
        except ClientError as error:
            self.editor.tell(sentence(error))
        except Exception:
            _log.exception("an action of the docker failed")
            self.editor.tell("Draglayer made a mistake; Krita's error output says which.")

    def watch(self, docker_id: int, *, is_visible: bool) -> None:
        """Says whether a docker is seen; the canvas is looked at only while one is."""
        if is_visible:
            self._watching.add(docker_id)
        else:
            self._watching.discard(docker_id)

    def close(self) -> None:
        """Ends the worker with Krita."""
        self._timer.stop()
        self._worker.close(CLOSE_TIMEOUT_S)

    def _tick(self) -> None:
        self.guard(self._beat)

    def _beat(self) -> None:
        self._tick_count += 1
        events = self._worker.drain()
        if events:
            self.run(functools.partial(self.editor.take, events))
        # While a button is down the artist is drawing, and nothing should make him wait.
        is_idle = QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton
        if self._tick_count % TICKS_PER_LOOK == 0 and self._watching and is_idle:
            self.run(self.editor.look)
