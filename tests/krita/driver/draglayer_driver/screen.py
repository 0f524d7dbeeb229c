"""The screen and the mouse of a virtual display, and where the canvas lies on it."""

import subprocess
from pathlib import Path

from PyQt5.QtCore import QEvent, QObject, QPoint, QPointF
from PyQt5.QtGui import QTransform
from PyQt5.QtWidgets import QAbstractScrollArea, QApplication, QWidget

# With a window manager missing there is no other way to say which widget is the canvas.
CANVAS_CLASSES = ("KisOpenGLCanvas2", "KisQPainterCanvas")
Place = tuple[int, int]


class Child:
    """A program that runs beside Krita's loop."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def has_ended(self) -> bool:
        """Whether it is done; raises where it failed."""
        code = self._process.poll()
        if code:
            raise RuntimeError(f"{self._process.args} ended with {code}")
        return code == 0

    def wait(self) -> None:
        """Blocks until it is done."""
        self._process.wait(timeout=20)


class Painted(QObject):
    """Sees when a window has shown what is true now.

    Args:
        window: Asked to be painted anew.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self._is_painted = False
        window.installEventFilter(self)
        window.update()

    def eventFilter(self, watched, event) -> bool:  # noqa: N802 - Qt's name
        """Sees the painting, and lets it be."""
        if event.type() == QEvent.Type.Paint:
            self._is_painted = True
        return False

    def has_ended(self) -> bool:
        """Whether it was painted."""
        return self._is_painted


class Screen:
    """Mouse and camera.

    Args:
        folder: Where pictures are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def shoot(self, name: str) -> Child:
        """Takes a picture of the whole screen."""
        return Child("import", "-window", "root", str(self._folder / f"{name}.png"))

    def click(self, place: Place) -> Child:
        """Presses and releases the left button."""
        return Child("xdotool", *_move(place), *_PAUSE, "mousedown", "1", *_PAUSE, "mouseup", "1")

    def drag(self, start: Place, end: Place) -> Child:
        """Drags with the left button, as a hand does: by way of the middle, with pauses."""
        middle = (start[0] + end[0]) // 2, (start[1] + end[1]) // 2
        return Child(
            "xdotool",
            *(*_move(start), *_PAUSE, "mousedown", "1", *_PAUSE),
            *(*_move(middle), *_PAUSE, *_move(end), *_PAUSE, "mouseup", "1"),
        )


_PAUSE = ("sleep", "0.1")


def _move(place: Place) -> tuple[str, ...]:
    return "mousemove", str(place[0]), str(place[1])


class CanvasView:
    """Canvas pixels on the screen.

    Args:
        view: The active view.
    """

    def __init__(self, view) -> None:
        self._view = view

    def is_shown(self) -> bool:
        """Whether the canvas is on the screen."""
        return self._widget() is not None

    def on_screen(self, place_canvas: tuple[float, float]) -> Place:
        """The screen's pixel that shows a place of the canvas."""
        widget = self._widget()
        place = self._transform(widget).map(QPointF(*place_canvas))
        on_screen = widget.mapToGlobal(QPoint(round(place.x()), round(place.y())))
        return on_screen.x(), on_screen.y()

    def _widget(self) -> QWidget | None:
        for widget in QApplication.allWidgets():
            if widget.metaObject().className() in CANVAS_CLASSES and widget.isVisible():
                return widget
        return None

    def _transform(self, widget: QWidget) -> QTransform:
        if hasattr(type(self._view), "flakeToCanvasTransform"):  # Krita 5.2 and later
            to_image = self._view.flakeToImageTransform()
            return to_image.inverted()[0] * self._view.flakeToCanvasTransform()
        area = widget.parent()
        while not isinstance(area, QAbstractScrollArea):
            area = area.parent()
        document, canvas = self._view.document(), self._view.canvas()
        scale = canvas.zoomLevel() * 72.0 / document.resolution()
        transform = QTransform()
        transform.translate(
            widget.width() / 2 + _past_middle(area.horizontalScrollBar()),
            widget.height() / 2 + _past_middle(area.verticalScrollBar()),
        )
        transform.scale(scale, scale)
        transform.translate(-document.width() / 2, -document.height() / 2)
        return transform


def _past_middle(bar) -> float:
    return (bar.minimum() + bar.maximum()) / 2.0 - bar.value()
