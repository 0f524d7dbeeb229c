"""A visible GIMP with a watcher inside that answers what the image is now."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.gimp.host import GimpHost
from tests.gimp.screen import Screen, wait_for

WATCHER = Path(__file__).parent / "inside" / "watcher.py"

# Where X servers listen. They do so by an abstract name too, which needs no folder, but not when
# another server has just let go of it.
X_SOCKETS = (Path("/tmp/.X11-unix"),)


class Watched:
    """The open image, asked through the watcher.

    Args:
        folder: Where questions and answers lie.
        gimp: The process.
        log: What it says.
    """

    def __init__(self, folder: Path, gimp: "subprocess.Popen[bytes]", log: Path) -> None:
        self._folder, self._gimp, self._log = folder, gimp, log
        self._number = 0

    def check_running(self) -> None:
        """Fail with GIMP's own words when it has ended."""
        code = self._gimp.poll()
        assert code is None, f"GIMP ended with {code}:\n{self._log.read_text()}"

    def ask(self, wants: str) -> Any:
        """One answer; None for "stop"."""
        self._number += 1
        draft = self._folder / "draft-question.json"
        draft.write_text(json.dumps({"number": self._number, "wants": wants}))
        draft.rename(self._folder / "question.json")
        if wants == "stop":
            return None
        path = self._folder / f"answer-{self._number}.json"

        def is_answered() -> bool:
            self.check_running()
            return path.exists()

        wait_for(f"GIMP's answer about {wants}", is_answered)
        return json.loads(path.read_text())

    def facts(self) -> Any:
        """Layers, selection and strokes."""
        return self.ask("facts")

    def layer_names(self) -> list[str]:
        """From the top."""
        return [layer["name"] for layer in self.facts()["layers"]]

    def composite(self) -> np.ndarray:
        """What the image looks like: (H, W, 4), uint8, straight RGBA."""
        told = self.ask("composite")
        width, height = told["size"]
        pixels = np.fromfile(told["file"], dtype=np.uint8)
        return pixels.reshape(height, width, 4)


@contextmanager
def running_gimp(
    host: GimpHost, profile: Path, screen: Screen, picture: Path, *, folder: Path, runtime: Path
) -> Iterator[Watched]:
    """GIMP with the picture open, until the end of the block; it must then end well.

    Args:
        host: Which GIMP.
        profile: Its profile, the plug-in installed.
        screen: Where it shows.
        picture: The file to open.
        folder: A folder that both sides see; profile, picture and runtime folder lie in it.
        runtime: The bridge's runtime folder.
    """
    watch = folder / "watch"
    watch.mkdir()
    code = f"exec(compile(open({str(folder / 'watcher.py')!r}).read(), 'watcher', 'exec'))"
    (folder / "watcher.py").write_bytes(WATCHER.read_bytes())
    line = host.command(
        [
            *("gimp", "--new-instance", "--no-splash", "--console-messages"),
            *("--batch-interpreter=python-fu-eval", "-b", code, "--quit", str(picture)),
        ],
        folders=[folder, *(each for each in X_SOCKETS if each.exists())],
        variables={
            "HOME": str(folder),
            "GIMP3_DIRECTORY": str(profile),
            "DISPLAY": screen.display,
            "NO_AT_BRIDGE": "1",
            "DRAGLAYER_RUNTIME_DIR": str(runtime),
            "DRAGLAYER_WATCH": str(watch),
        },
    )
    log = folder / "gimp.log"
    with open(log, "w") as out:
        gimp = subprocess.Popen(line, stdout=out, stderr=subprocess.STDOUT)
    watched = Watched(watch, gimp, log)
    try:
        yield watched
        screen.shoot("last")
        watched.check_running()
        watched.ask("stop")
        assert gimp.wait(60) == 0, log.read_text()
    finally:
        if gimp.poll() is None:
            gimp.kill()
            gimp.wait()
