"""Works GIMP's windows as a person does, and waits until each act has shown its effect."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.gimp.running import Watched
from tests.gimp.screen import Screen, find_picture, persist, wait_for

DIALOG = "^Drag Layer$"
# Below the portrait and left of it.
DIALOG_PLACE = (0, 636)
# Of the dialog, from its corner: the middle of its picture; from its bottom: its buttons, and what
# it says above them.
PICTURE_MIDDLE = slice(100, 260)
BUTTONS_PX, STATUS_PX = 50, 50
# Where the main window, which fills the screen, says what a click would do.
HINT_ROWS, HINT_COLUMNS = slice(1070, 1096), slice(310, 1000)
# A fresh profile is filled first; and the engine works on two slow cores.
START_TIMEOUT_S, EDIT_TIMEOUT_S = 180.0, 420.0


class Artist:
    """One person before one image.

    Args:
        screen: Where GIMP shows.
        watched: The image, to see what an act did.
        picture: File that looks like the image.
        mark: (x, y) of a place in it that is like no other.
    """

    def __init__(
        self, screen: Screen, watched: Watched, picture: Path, mark: tuple[float, float]
    ) -> None:
        self._screen, self._watched = screen, watched
        self._dialog = ""
        self._before = np.zeros(())

        def find_main_window() -> str | None:
            watched.check_running()
            return screen.find_window("– GIMP$")

        self._window = wait_for("GIMP's window", find_main_window, START_TIMEOUT_S)
        screen.fill_screen(self._window)
        self._watched.facts()
        screen.focus(self._window)
        # Out of the picture: the brush's outline would cover what is looked for.
        screen.point(0, 0)
        known = np.asarray(Image.open(picture).convert("RGB"))

        def find_at_full_size() -> tuple[int, int] | None:
            screen.key("1", "shift+j")
            return find_picture(screen.look(), known, (int(mark[0]), int(mark[1])))

        self._corner = wait_for("the picture at 100 %, centred", find_at_full_size)

    def _at(self, place: tuple[float, float]) -> tuple[float, float]:
        return self._corner[0] + place[0], self._corner[1] + place[1]

    def _choose_tool(self, key: str) -> None:
        """Press the tool's key, and wait for its hint in the status bar: no call tells the tool."""
        before = wait_for("a hint in the status bar", self._steady_hint)[0]
        self._screen.key(key)

        def has_changed() -> bool:
            steady = self._steady_hint()
            return steady is not None and not np.array_equal(steady[0], before)

        wait_for(f"the tool of key {key}", has_changed)

    def _steady_hint(self) -> tuple[np.ndarray] | None:
        # A tool speaks when the mouse moves over the picture.
        seen = []
        for place in ((40, 40), (41, 40)):
            self._screen.point(*self._at(place))
            seen.append(self._screen.look()[HINT_ROWS, HINT_COLUMNS])
        is_there = seen[0].std() > 5.0
        return (seen[0],) if is_there and np.array_equal(*seen) else None

    def choose_layer(self, name: str) -> None:
        """Page through the layers to this one."""

        def is_chosen() -> bool:
            if self._watched.facts()["chosen"] == [name]:
                return True
            self._screen.key("Page_Up")
            return False

        wait_for(f"layer {name} chosen", is_chosen)

    def select(self, area: Any) -> None:
        """Draw it with the rectangle select tool."""
        corner = area["x"], area["y"]
        opposite = area["x"] + area["width"], area["y"] + area["height"]
        expected = [*corner, *opposite]
        self._choose_tool("r")

        def draw() -> None:
            # A drag that begins within a selection would move it: a second try begins with none.
            self._screen.key("shift+ctrl+a")
            self._screen.drag(self._at(corner), self._at(opposite))

        persist(
            "the selection",
            draw,
            lambda: self._watched.facts()["selection"] == expected,
        )
        # Ends the rectangle's own handles.
        self._screen.key("Return")

    def draw_pair(self, handle: tuple[float, float], target: tuple[float, float]) -> None:
        """Draw a stroke of its own with the Paths tool."""
        count = len(self._watched.facts()["anchors"])

        def begin_stroke() -> None:
            if count:
                with self._screen.held("shift"):
                    self._screen.click(*self._at(handle))
            else:
                self._screen.click(*self._at(handle))

        if not count:
            # Not again for a later pair: choosing the tool anew starts another path.
            self._choose_tool("b")
        persist(
            "a new stroke",
            begin_stroke,
            lambda: len(self._watched.facts()["anchors"]) == count + 1,
        )
        persist(
            "its end",
            lambda: self._screen.click(*self._at(target)),
            lambda: len(self._watched.facts()["anchors"][-1]) == 2,
        )

    def open_dialog(self) -> None:
        """By the menu: Filters, Drag Layer."""
        self._screen.key("alt+r", "y")
        self._dialog = wait_for("the dialog", lambda: self._screen.find_window(DIALOG))
        self._screen.move_window(self._dialog, *DIALOG_PLACE)
        wait_for("the dialog at its place", self._is_dialog_in_place)
        self._screen.focus(self._dialog)

    def _is_dialog_in_place(self) -> bool:
        # Its border is dark where the picture's wall was light.
        left, top = DIALOG_PLACE
        return bool(self._screen.look()[top + 5, left + 300].max() < 100)

    def _look_at_preview(self) -> np.ndarray:
        return self._look_at_dialog()[PICTURE_MIDDLE, PICTURE_MIDDLE]

    def _look_at_dialog(self) -> np.ndarray:
        left, top, width, height = self._screen.place_of(self._dialog)
        return self._screen.look()[top : top + height, left : left + width].astype(np.int16)

    def check_points(self) -> None:
        """Press Check, and wait until the dialog tells what it found and can be used as before."""
        status, buttons = wait_for("the dialog", self._steady_words)
        self._screen.key("alt+k")

        def has_told() -> bool:
            now = self._steady_words()
            return now is not None and (
                np.array_equal(now[1], buttons) and not np.array_equal(now[0], status)
            )

        wait_for("what was found", has_told, EDIT_TIMEOUT_S)
        self._screen.shoot("2-checked")

    def _steady_words(self) -> tuple[np.ndarray, np.ndarray] | None:
        """What the dialog says, and its buttons, which fade when they go off and on."""
        first, second = (self._look_at_dialog()[-BUTTONS_PX - STATUS_PX :] for _ in range(2))
        is_steady = np.array_equal(first, second)
        return (first[:STATUS_PX], first[STATUS_PX:]) if is_steady else None

    def start_and_watch_preview(self) -> None:
        """Press Start, and wait until the preview shows that something moves."""
        self._before = wait_for("the dialog's picture", self._steady_preview)[0]
        self._screen.shoot("3-dialog")

        def is_moving() -> bool:
            if self._shows_a_change():
                return True
            self._screen.key("alt+s")  # does nothing while an edit runs
            return False

        wait_for("a preview", is_moving, EDIT_TIMEOUT_S)
        self._screen.shoot("4-preview")

    def _shows_a_change(self) -> bool:
        # More than the first preview, which is the layer itself as a JPEG.
        return bool(np.abs(self._look_at_preview() - self._before).mean() > 5.0)

    def look_at_what_was_before(self) -> None:
        """Press Undo drag, which does nothing before the drag has ended, and Redo drag."""

        def is_undone() -> bool:
            self._screen.key("alt+u")
            return not self._shows_a_change()

        def is_redone() -> bool:
            self._screen.key("alt+r")
            return self._shows_a_change()

        wait_for("the picture before the drag", is_undone, EDIT_TIMEOUT_S)
        self._screen.shoot("5-drag-undone")
        wait_for("the drag again", is_redone)
        self._screen.shoot("6-drag-redone")

    def _steady_preview(self) -> tuple[np.ndarray] | None:
        first, second = self._look_at_preview(), self._look_at_preview()
        is_drawn = first.std() > 5.0
        return (first,) if is_drawn and np.array_equal(first, second) else None

    def insert(self) -> None:
        """Press Insert, which does nothing before there is a result."""
        count = len(self._watched.facts()["layers"])

        def is_inserted() -> bool:
            self._screen.key("alt+i")
            return len(self._watched.facts()["layers"]) > count

        wait_for("the new layer", is_inserted, EDIT_TIMEOUT_S)

    def close_dialog(self) -> None:
        """Press Close."""
        self._screen.key("alt+c")
        wait_for("no dialog", lambda: self._screen.find_window(DIALOG) is None)

    def undo(self) -> None:
        """Press Ctrl+Z once in the image."""
        count = len(self._watched.facts()["layers"])
        self._screen.focus(self._window)
        self._screen.key("ctrl+z")
        wait_for("the undo", lambda: len(self._watched.facts()["layers"]) < count)
