"""One edit in the real GIMP, by mouse and keyboard, from the open picture to the undone layer."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.gimp.host import REPOSITORY, GimpHost
from tests.gimp.running import Watched, running_gimp
from tests.gimp.screen import PROGRAMS, Screen, find_picture, running_screen, wait_for

pytestmark = [pytest.mark.gimp, pytest.mark.slow, pytest.mark.timeout(900)]

SHOTS = REPOSITORY / "out" / "gimp"
DIALOG = "^Drag Layer$"


@pytest.fixture
def screen(gimp_host: GimpHost):
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI has no {', '.join(missing)}")
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    with running_screen(SHOTS) as running:
        yield running


class Artist:
    """Works GIMP's main window as a person does.

    Args:
        screen: Where GIMP shows.
        watched: The image.
        picture: What the picture looks like, (H, W, 3).
    """

    def __init__(self, screen: Screen, watched: Watched, picture: np.ndarray) -> None:
        self.screen, self.watched = screen, watched
        self._window = wait_for("GIMP's window", lambda: screen.find_window("– GIMP$"), 120)
        screen.fill_screen(self._window)
        watched.facts()
        self.look_at_image()
        self._corner = (0, 0)
        screen.point(800, 600)

        def zoomed() -> tuple[int, int] | None:
            screen.key("1", "shift+j")
            return find_picture(screen.look(), picture)

        self._corner = wait_for("the picture at 100 %", zoomed)

    def look_at_image(self) -> None:
        """Let keys go to the image's window."""
        self.screen.focus(self._window)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A canvas place on the screen."""
        return self._corner[0] + x, self._corner[1] + y

    def choose_layer(self, name: str) -> None:
        """Page through the layers to this one."""

        def is_chosen() -> bool:
            if self.watched.facts()["chosen"] == [name]:
                return True
            self.screen.key("Page_Up")
            return False

        wait_for(f"layer {name}", is_chosen)

    def select(self, left: int, top: int, width: int, height: int) -> None:
        """With the rectangle select tool."""
        self.screen.key("r")
        self.screen.drag(self.at(left, top), self.at(left + width, top + height))
        self.screen.key("Return")
        wait_for("a selection", lambda: self.watched.facts()["selection"])

    def draw_pair(self, handle: tuple[float, float], target: tuple[float, float]) -> None:
        """With the Paths tool: a new stroke from the handle to the target."""
        before = len(self.watched.facts()["anchors"])
        self.screen.key("b")
        if before:
            with self.screen.held("shift"):
                self.screen.click(*self.at(*handle))
        else:
            self.screen.click(*self.at(*handle))
        wait_for("a stroke", lambda: len(self.watched.facts()["anchors"]) == before + 1)
        self.screen.click(*self.at(*target))
        wait_for("its end", lambda: len(self.watched.facts()["anchors"][-1]) == 2)

    def open_dialog(self) -> str:
        """By the menu."""
        self.screen.key("alt+r", "y")
        return wait_for("the dialog", lambda: self.screen.find_window(DIALOG))


def test_one_edit_from_the_picture_to_its_undo(gimp_host, gimp_profile, screen, live_bridge, tmp_path):
    picture = tmp_path / "demo.ora"
    shutil.copy("/work/scratch/gp/demo/demo.ora", picture)
    flat = np.asarray(Image.open("/work/scratch/gp/demo/demo.png").convert("RGB"))
    with running_gimp(
        gimp_host, gimp_profile, screen, picture, tmp_path, live_bridge.folder
    ) as watched:
        artist = Artist(screen, watched, flat)
        screen.shoot("1-opened")
        artist.choose_layer("portrait")
        artist.select(520, 320, 280, 280)
        artist.draw_pair((660, 510), (690, 520))
        screen.shoot("2-drawn")
        before, picture_before = watched.facts(), watched.composite()
        print(before)
        artist.open_dialog()
        screen.shoot("3-dialog")
        print(screen.place_of(screen.find_window(DIALOG)))
        dialog = screen.find_window(DIALOG)
        screen.move_window(dialog, 1150, 100)
        screen.focus(dialog)
        screen.key("alt+s")

        def inserted():
            screen.key("alt+i")
            return len(watched.layer_names()) == 3

        wait_for("inserted", inserted)
        screen.shoot("4-inserted")
        print(watched.facts())
        screen.key("alt+c")
        wait_for("no dialog", lambda: not screen.find_window(DIALOG))
        artist.look_at_image()
        screen.key("ctrl+z")
        wait_for("undo", lambda: len(watched.layer_names()) == 2)
        assert (watched.composite() == picture_before).all()
