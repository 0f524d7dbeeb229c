"""A test-only plug-in that does with Krita's tools and the mouse what an artist does.

Krita holds node events back while Python runs, so the artist is a generator: whatever it waits for
is yielded, and asked again from Krita's own loop until it is true.
"""

import functools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from krita import Extension, Krita
from PyQt5.QtCore import QPoint, QThread, QTimer
from PyQt5.QtWidgets import QAbstractButton, QLabel, QProgressBar, QSlider, QWidget

from .screen import CanvasView, Painted, Screen

PLAN_VARIABLE = "DRAGLAYER_E2E_PLAN"
ASK_INTERVAL_MS = 50
PATIENCE_S = 60.0
FULL_AMOUNT_PERCENT = 100
TRANSLUCENT = 153  # of 255
SELECT_TOOL = "KisToolSelectRectangular"
LINE_TOOL = "KritaShape/KisToolLine"
# The mouse points at pixels of the screen, so of a canvas shown smaller it misses by one or two.
NEAR_PX = 4

Steps = Iterator[Callable[[], bool]]


class ArtistExtension(Extension):
    """Starts the artist when the first window is there."""

    def setup(self) -> None:
        """Krita calls it; there is nothing to set up."""

    def createActions(self, window) -> None:  # noqa: N802 - Krita's name
        """Krita calls it for each window."""
        plan = json.loads(Path(os.environ[PLAN_VARIABLE]).read_text(encoding="utf-8"))
        self._runner = Runner(plan)


class Runner:
    """Runs the artist's steps from Krita's loop and ends Krita after them."""

    def __init__(self, plan: dict) -> None:
        self._out = Path(plan["out"])
        self._artist = Artist(plan)
        self._steps = self._artist.steps()
        self._condition = _loop_runs
        self._deadline_s = time.monotonic() + PATIENCE_S
        # Krita would show a modal dialog for an exception in a slot, and wait for ever.
        sys.excepthook = lambda *details: self._fail("".join(traceback.format_exception(*details)))
        self._timer = QTimer()
        self._timer.timeout.connect(self._ask)
        self._timer.start(ASK_INTERVAL_MS)

    def _ask(self) -> None:
        try:
            if not self._condition():
                if time.monotonic() > self._deadline_s:
                    raise TimeoutError(f"waited in vain while {self._artist.situation}")
                return
            self._condition = next(self._steps)
            patience_s = getattr(self._condition, "patience_s", PATIENCE_S)
            self._deadline_s = time.monotonic() + patience_s
        except StopIteration:
            self._quit()
        except BaseException:
            self._fail(traceback.format_exc())

    def _fail(self, text: str) -> None:
        self._timer.stop()
        (self._out / "failure.txt").write_text(text, encoding="utf-8")
        picture = self._artist.screen.shoot("failure")
        picture.wait()
        sys.stdout.flush()
        sys.stderr.flush()
        # Krita's own way out would give 0.
        os._exit(99)

    def _quit(self) -> None:
        """Leaves Krita by its menu, so that the plug-in's end is part of the test."""
        self._timer.stop()
        report = json.dumps(self._artist.report, indent=2)
        (self._out / "report.json").write_text(report, encoding="utf-8")
        for document in Krita.instance().documents():
            document.setModified(False)  # or Krita would ask
        Krita.instance().action("file_quit").trigger()


def _loop_runs() -> bool:
    return QThread.currentThread().loopLevel() == 1


class Artist:
    """Opens a picture, selects, draws arrows, presses Check and Start, looks at what was before and
    at an earlier step, weakens the drag a little, presses Insert, and undoes once; then does it
    again on a translucent layer."""

    def __init__(self, plan: dict) -> None:
        self._plan = plan
        self._out = Path(plan["out"])
        self.screen = Screen(self._out)
        self.doing = "starting"
        self.report: dict = {}
        self._krita = Krita.instance()
        self._document = None
        self._docker = None

    def steps(self) -> Steps:
        """All that the artist does."""
        yield from self._open_picture()
        yield from self._select()
        yield from self._draw_arrows()
        yield from self._check()
        yield from self._start()
        yield from self._go_through()
        yield from self._insert()
        yield from self._undo()
        yield from self._replace()
        yield from self._undo_replacement()

    def _open_picture(self) -> Steps:
        self.doing = "opening the picture"
        self._krita.setBatchmode(True)  # no question about profiles
        window = self._krita.activeWindow()
        # There is no window manager to make it large.
        window.qwindow().setGeometry(0, 0, *self._plan["screen"])
        self._document = self._krita.openDocument(self._plan["picture"])
        window.addView(self._document)
        yield lambda: self._krita.activeDocument() == self._document
        yield lambda: self._document.activeNode() is not None
        self._view = CanvasView(window.activeView())
        yield self._view.is_shown
        self._document.setActiveNode(self._layer(self._plan["layer"]))
        yield lambda: self._document.activeNode().name() == self._plan["layer"]
        self._settle()
        self._before = self._composite()
        self._keep("before")
        yield from self._shoot("0-opened")

    def _select(self) -> Steps:
        self.doing = "selecting"
        x, y, width, height = self._plan["selection"]
        self._use(SELECT_TOOL)
        yield from self._drag((x, y), (x + width, y + height))
        # Krita's threads fill a selection tile by tile, and what there is of one can be read.
        yield lambda: _is_near(self._selection(), (x, y, width, height))
        self._settle()
        self.report["selection"] = self._selection()

    def _draw_arrows(self) -> Steps:
        self.doing = "drawing the arrows"
        self._krita.action("add_new_shape_layer").trigger()
        yield lambda: self._document.activeNode().type() == "vectorlayer"
        self._krita.activeWindow().activeView().setBrushSize(4.0)
        self._use(LINE_TOOL)
        for count, (handle, target) in enumerate(self._plan["pairs"], start=1):
            yield from self._drag(handle, target)
            yield functools.partial(self._has_arrows, count)
        self.report["svg"] = self._document.activeNode().duplicate().toSvg()
        # Krita draws vector layers when it finds the time.
        yield lambda: self._composite() != self._before
        self._settle()
        self._keep("with_arrows")

    def _has_arrows(self, count: int) -> bool:
        return len(self._document.activeNode().shapes()) == count

    def _check(self) -> Steps:
        self.doing = "pressing Check"
        self._docker = next(
            docker for docker in self._krita.dockers() if docker.objectName() == "draglayer"
        )
        self._docker.show()
        self._docker.raise_()
        yield self._button("start").isEnabled
        self.report["input_text"] = self._widget(QLabel, "input").text()
        yield from self._shoot("1-arrows")
        yield from self._press("check")
        status = self._widget(QLabel, "status")
        yield _patiently(lambda: "follow" in status.text(), self._edit_patience_s)
        yield self._button("start").isEnabled
        self.report["checked_text"] = status.text()
        yield from self._shoot("1-checked")

    def _start(self) -> Steps:
        self.doing = "pressing Start"
        yield from self._press("start")
        yield lambda: not self._button("start").isEnabled()
        self.doing = "waiting for progress"
        progress = self._widget(QProgressBar, "progress")
        yield _patiently(lambda: progress.value() > 0 or self._has_ended(), self._edit_patience_s)
        preview = self._widget(QLabel, "preview")
        yield _patiently(lambda: bool(preview.pixmap()) or self._has_ended(), self._edit_patience_s)
        self.report["progress"] = progress.value()
        self.report["has_preview"] = bool(preview.pixmap())
        status = self._widget(QLabel, "status")
        yield _patiently(lambda: "Dragging" in status.text(), self._edit_patience_s)
        self.report["running_text"] = status.text()
        yield from self._shoot("2-running")
        self.doing = "waiting for the result"
        yield _patiently(self._has_ended, self._edit_patience_s)
        self.report["ended_text"] = self._widget(QLabel, "status").text()
        yield from self._shoot("3-result")
        if not self._button("insert").isEnabled():
            raise RuntimeError(f"there is no result: {self.report['ended_text']}")

    def _go_through(self) -> Steps:
        self.doing = "undoing and redoing the drag"
        yield from self._press("undo")
        yield self._button("redo").isEnabled
        self.report["undone_text"] = self._widget(QLabel, "status").text()
        self.report["can_insert_undone"] = self._button("insert").isEnabled()
        yield from self._shoot("4-drag-undone")
        yield from self._press("redo")
        yield self._button("insert").isEnabled
        yield from self._look_at_an_earlier_step()
        self.doing = "weakening the drag"
        slider = self._widget(QSlider, "amount")
        yield from self._click_left_of(slider)
        yield lambda: slider.value() < FULL_AMOUNT_PERCENT and self._button("insert").isEnabled()
        self.report["amount_text"] = self._widget(QLabel, "amount_text").text()
        yield from self._shoot("5-weaker")

    def _look_at_an_earlier_step(self) -> Steps:
        self.doing = "looking at an earlier step"
        slider = self._widget(QSlider, "position")
        last = slider.maximum()
        yield from self._click_left_of(slider)
        yield lambda: slider.value() < last and self._button("insert").isEnabled()
        self.report["position_text"] = self._widget(QLabel, "position_text").text()
        yield from self._shoot("4-earlier-step")
        # As the key End does; a click there would meet the handle.
        slider.triggerAction(QSlider.SliderAction.SliderToMaximum)
        yield lambda: slider.value() == last and self._button("insert").isEnabled()

    def _click_left_of(self, slider: QSlider) -> Steps:
        """Makes it go a page back."""
        left = slider.mapToGlobal(QPoint(slider.width() // 10, slider.height() // 2))
        yield self.screen.click((left.x(), left.y())).has_ended

    @property
    def situation(self) -> str:
        """What is being done, and what the docker says."""
        said = "" if self._docker is None else self._widget(QLabel, "status").text()
        return f"{self.doing}; the docker says: {said!r}"

    def _has_ended(self) -> bool:
        return self._button("insert").isEnabled() or self._button("start").isEnabled()

    def _has_inserted(self) -> bool:
        return self._widget(QLabel, "status").text().startswith("Inserted")

    @property
    def _edit_patience_s(self) -> float:
        return float(self._plan["edit_patience_s"])

    def _insert(self) -> Steps:
        self.doing = "inserting"
        names = self._names()
        active_name = self._document.activeNode().name()
        yield from self._press("insert")
        yield lambda: len(self._names()) == len(names) + 1
        # Krita makes the new layer active a tick later; the plug-in gives the artist's layer back.
        yield lambda: self._document.activeNode().name() == active_name
        yield self._has_inserted
        self._settle()
        self.report["names_before"], self.report["names_after"] = names, self._names()
        (new_name,) = set(self._names()) - set(names)
        new_layer = self._layer(new_name)
        bounds = new_layer.bounds()
        box = bounds.x(), bounds.y(), bounds.width(), bounds.height()
        self.report["new_layer"] = {"name": new_name, "bounds": box}
        (self._out / "new_layer.bgra").write_bytes(bytes(new_layer.pixelData(*box)))
        self._keep("after")
        self.report["inserted_text"] = self._widget(QLabel, "status").text()
        yield from self._shoot("6-inserted")
        self.report["active_before"] = active_name
        self.report["active_after"] = self._document.activeNode().name()

    def _undo(self) -> Steps:
        self.doing = "undoing"
        self._krita.action("edit_undo").trigger()
        yield lambda: self._names() == self.report["names_before"]
        self._settle()
        self._keep("undone")
        yield from self._shoot("7-undone")

    def _replace(self) -> Steps:
        self.doing = "replacing a translucent layer"
        source = self._layer(self._plan["layer"])
        source.setOpacity(TRANSLUCENT)
        self._settle()
        self._keep("translucent")
        yield self._button("start").isEnabled
        yield from self._press("start")
        yield lambda: not self._button("start").isEnabled()
        yield _patiently(self._button("insert").isEnabled, self._edit_patience_s)
        yield from self._shoot("8-translucent")
        yield from self._press("insert")
        # The layer is there before the plug-in has hidden the source and said so.
        yield lambda: len(self._names()) == len(self.report["names_before"]) + 1
        yield self._has_inserted
        self._settle()
        self._keep("replaced")
        (new_name,) = set(self._names()) - set(self.report["names_before"])
        new = self._layer(new_name)
        self.report["replaced"] = {
            "names": self._names(),
            "text": self._widget(QLabel, "status").text(),
            "is_source_visible": source.visible(),
            "opacity": new.opacity(),
            "blending_mode": new.blendingMode(),
        }
        yield from self._shoot("9-replaced")

    def _undo_replacement(self) -> Steps:
        self.doing = "undoing the replacement"
        self._krita.action("edit_undo").trigger()
        yield lambda: self._names() == self.report["names_before"]
        # Krita's undo leaves visibility as it is; the plug-in looks after it.
        yield lambda: self._layer(self._plan["layer"]).visible()
        self._settle()
        self._keep("restored")

    def _selection(self) -> list[int]:
        """Its x, y, width and height; no numbers where there is none."""
        selection = self._document.selection()
        if selection is None:
            return []
        return [selection.x(), selection.y(), selection.width(), selection.height()]

    def _settle(self) -> None:
        self._document.waitForDone()
        self._document.refreshProjection()

    def _keep(self, name: str) -> None:
        """Writes the composite and the source layer, as they are now."""
        source = bytes(self._layer(self._plan["layer"]).pixelData(*self._canvas_box))
        (self._out / f"{name}.composite.bgra").write_bytes(self._composite())
        (self._out / f"{name}.source.bgra").write_bytes(source)

    def _composite(self) -> bytes:
        return bytes(self._document.pixelData(*self._canvas_box))

    @property
    def _canvas_box(self) -> tuple[int, int, int, int]:
        return 0, 0, self._document.width(), self._document.height()

    def _names(self) -> list[str]:
        return [node.name() for node in self._document.topLevelNodes()]

    def _layer(self, name: str):
        return next(node for node in self._document.topLevelNodes() if node.name() == name)

    def _use(self, tool: str) -> None:
        self._krita.action(tool).trigger()

    def _drag(self, start: tuple[float, float], end: tuple[float, float]) -> Steps:
        places = self._view.on_screen(start), self._view.on_screen(end)
        yield self.screen.drag(*places).has_ended

    def _shoot(self, name: str) -> Steps:
        # Qt paints what a condition was true of only afterwards.
        yield Painted(self._krita.activeWindow().qwindow()).has_ended
        yield self.screen.shoot(name).has_ended

    def _press(self, name: str) -> Steps:
        button = self._button(name)
        middle = button.mapToGlobal(QPoint(button.width() // 2, button.height() // 2))
        yield self.screen.click((middle.x(), middle.y())).has_ended

    def _button(self, name: str) -> QAbstractButton:
        return self._widget(QAbstractButton, name)

    def _widget(self, kind: type, name: str) -> QWidget:
        return self._docker.findChild(kind, f"draglayer_{name}")


def _is_near(box: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(box) == len(wanted) and all(
        abs(value - aim) <= NEAR_PX for value, aim in zip(box, wanted, strict=True)
    )


def _patiently(condition: Callable[[], bool], patience_s: float) -> Callable[[], bool]:
    def asked() -> bool:
        return condition()

    asked.patience_s = patience_s
    return asked
