"""A screen of the test's own, with a mouse and a keyboard: Xvfb, xdotool and ImageMagick."""

import io
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

PROGRAMS = ("Xvfb", "xdotool", "import")
SIZE_PX = (1600, 1100)
POLL_S = 0.1
ATTEMPTS, ATTEMPT_S = 4, 5.0

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T | None], timeout_s: float = 60.0) -> T:
    """Ask until the answer is something; the test fails with `what` when it never is."""
    end_s = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end_s:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for: {what}")
        time.sleep(POLL_S)


def persist(what: str, act: Callable[[], None], condition: Callable[[], T | None]) -> T:
    """Act, and act again when nothing came of it: GIMP swallows a click that gives it the focus."""
    for _ in range(ATTEMPTS - 1):
        act()
        try:
            return wait_for(what, condition, ATTEMPT_S)
        except AssertionError:
            continue
    act()
    return wait_for(what, condition)


class Screen:
    """What a person has: eyes, a mouse and keys.

    Args:
        display: Name of the X display.
        shots: Folder for screenshots.
    """

    def __init__(self, display: str, shots: Path) -> None:
        self.display = display
        self._shots = shots
        self._shots.mkdir(parents=True, exist_ok=True)

    def _call(self, *line: str) -> bytes:
        environment = {**os.environ, "DISPLAY": self.display}
        # xdotool's search has no hit, and ends with 1, as long as a window is not there.
        return subprocess.run(
            line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        ).stdout

    def find_window(self, title_pattern: str) -> str | None:
        """The id of the visible window with such a title."""
        found = self._call("xdotool", "search", "--onlyvisible", "--name", title_pattern).split()
        return found[0].decode() if found else None

    def fill_screen(self, window: str) -> None:
        """Give the window the whole screen."""
        self.move_window(window, 0, 0)
        self._call("xdotool", "windowsize", "--sync", window, *map(str, SIZE_PX))

    def move_window(self, window: str, x: int, y: int) -> None:
        """Put the window's corner there."""
        self._call("xdotool", "windowmove", window, str(x), str(y))

    def focus(self, window: str) -> None:
        """Let keys go to this window: there is no window manager that would see to it."""
        self._call("xdotool", "windowfocus", "--sync", window)

    def place_of(self, window: str) -> tuple[int, int, int, int]:
        """The window's corner and size on the screen."""
        told = self._call("xdotool", "getwindowgeometry", "--shell", window).decode()
        values = dict(line.split("=") for line in told.split())
        return tuple(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def point(self, x: float, y: float) -> None:
        """Move the mouse."""
        self._call("xdotool", "mousemove", str(round(x)), str(round(y)))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one place, move in steps, let go at the other."""
        self.point(*start)
        self._call("xdotool", "mousedown", "1")
        for share in (0.3, 0.6, 0.9, 1.0):
            self.point(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
        self._call("xdotool", "mouseup", "1")

    def click(self, x: float, y: float) -> None:
        """Press and let go."""
        self.point(x, y)
        self._call("xdotool", "mousedown", "1")
        self._call("xdotool", "mouseup", "1")

    def key(self, *keys: str) -> None:
        """Press keys one after another; they go to the window that has the focus."""
        self._call("xdotool", "key", *keys)

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """A key held down."""
        self._call("xdotool", "keydown", key)
        try:
            yield
        finally:
            self._call("xdotool", "keyup", key)

    def look(self) -> np.ndarray:
        """The screen: (H, W, 3), uint8, RGB."""
        shot = self._call("import", "-silent", "-window", "root", "png:-")
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))

    def shoot(self, name: str) -> None:
        """Keep a screenshot."""
        Image.fromarray(self.look()).save(self._shots / f"{name}.png")


@contextmanager
def running_screen(shots: Path) -> Iterator[Screen]:
    """A screen that nobody else uses: the X server picks the number itself."""
    read_end, write_end = os.pipe()
    size = f"{SIZE_PX[0]}x{SIZE_PX[1]}x24"
    # By itself the server begins anew when its last client leaves, an xdotool say, and turns away
    # whoever comes just then: GIMP, which is starting.
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(write_end),
            "-screen",
            "0",
            size,
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield Screen(f":{number}", shots)
    finally:
        server.terminate()
        server.wait()


def find_picture(
    screen: np.ndarray, picture: np.ndarray, mark: tuple[int, int]
) -> tuple[int, int] | None:
    """Where a picture's corner is on the screen, shown at its own size; None = nowhere.

    Args:
        screen: (H, W, 3), uint8.
        picture: (h, w, 3), uint8.
        mark: (x, y) of a place in the picture whose surroundings are like no other.
    """
    side = 24
    column, row = mark[0] - side // 2, mark[1] - side // 2
    patch = picture[row : row + side, column : column + side].astype(np.int16)
    near = np.abs(screen.astype(np.int16) - patch[0, 0]).max(axis=2) <= 1
    for y, x in np.argwhere(near):
        seen = screen[y : y + side, x : x + side]
        if seen.shape == patch.shape and np.abs(seen - patch).max() <= 1:
            return int(x) - column, int(y) - row
    return None
