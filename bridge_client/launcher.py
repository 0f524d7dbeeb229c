"""Launcher: finds the bridge, or starts it with the interpreter that `install` recorded."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .client import BridgeClient
from .discovery import read_discovery_file, runtime_folder
from .errors import ClientError, LaunchFailed
from .exit_codes import ExitCode
from .json_codec import JsonMismatch, from_json
from .presence import Presence

LAUNCHER_FILE_NAME = "launcher.json"
START_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.05

_SERVE_HINT = "Start it yourself: type `draglayer serve` in a terminal, then press Start again."
_DOCTOR_HINT = "Type `draglayer doctor` in a terminal: it says what is wrong."
# Exit code → what happened. One that is not here was foreseen by nobody.
_ENDINGS = {
    ExitCode.FOLDER_UNUSABLE: "The bridge can't use its folder: is the disk full?",
    ExitCode.DEVICE_LOST: "The graphics device stopped working while the bridge was starting.",
    ExitCode.OTHER_HANGS: "Another bridge is running, and it does not answer.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherRecord:
    """launcher.json: how this machine starts the bridge."""

    interpreter: str


def default_launcher_file() -> Path:
    """launcher.json beside the `_vendor` folder in which a plug-in keeps this package."""
    return Path(__file__).parent.parent.parent / LAUNCHER_FILE_NAME


def bridge_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for the bridge: the host's, without what belongs to the host's own Python.

    Hosts that bring a Python along (AppImage, Snap, the Windows installers) point PYTHONHOME,
    PYTHONPATH and the library path at it, and another interpreter breaks on them.
    """
    is_bundled = any(name in environment for name in ("APPDIR", "SNAP", "FLATPAK_ID"))
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("PYTHON") and not (is_bundled and name == "LD_LIBRARY_PATH")
    }


class Launcher:
    """Connects to the bridge. Call `connect` on the worker's thread: it may wait for a start.

    Args:
        launcher_file: Where the interpreter is recorded; beside the vendored copy where None.
        environment: Variables to go by; the process's where None.
        start_timeout_s: How long a started bridge may take to answer.
    """

    def __init__(
        self,
        launcher_file: Path | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self._launcher_file = launcher_file or default_launcher_file()
        self._environment = dict(os.environ if environment is None else environment)
        self._start_timeout_s = start_timeout_s
        self._pause = threading.Event()
        self._presence = Presence(runtime_folder(self._environment))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> "subprocess.Popen[bytes] | None":
        """The bridge that this launcher started; it may serve other editors too."""
        return self._process

    def connect(self) -> BridgeClient:
        """A client for the bridge that runs, or for the one that is started now.

        From then on the bridge knows that this process lives, and stays as long as one does.

        Raises:
            ClientError: With what the artist can do.
        """
        self._presence.hold()
        found = self._find()
        return found if found is not None else self._start()

    def _find(self) -> BridgeClient | None:
        record = read_discovery_file(runtime_folder(self._environment))
        if record is None:
            return None
        try:
            return BridgeClient.prove(record)
        except ClientError:
            # A stale file, or a stranger on its port: as good as no bridge. A new one replaces it.
            return None

    def _start(self) -> BridgeClient:
        command = self._command()
        try:
            self._process = _spawn(command, bridge_environment(self._environment))
        except OSError as error:
            raise LaunchFailed("The bridge could not be started from here.", _SERVE_HINT) from error
        end_s = time.monotonic() + self._start_timeout_s
        while time.monotonic() < end_s:
            found = self._find()
            if found is not None:
                return found
            # Another editor's bridge may have won the race: then ours ends with 0, theirs answers.
            if self._process.poll():
                raise _ended(self._process.returncode)
            self._pause.wait(POLL_INTERVAL_S)
        raise LaunchFailed(
            f"The bridge did not answer within {self._start_timeout_s:.0f} seconds.", _SERVE_HINT
        )

    def _command(self) -> list[str]:
        try:
            record = from_json(self._launcher_file.read_bytes(), LauncherRecord)
        except (OSError, JsonMismatch) as error:
            raise LaunchFailed("The bridge is not running.", _SERVE_HINT) from error
        if not Path(record.interpreter).is_absolute():
            raise LaunchFailed("The recorded interpreter is not usable.", _SERVE_HINT)
        # -I: neither the host's folder nor its variables may shadow the bridge's modules.
        return [record.interpreter, "-I", "-m", "bridge_server"]


def _spawn(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    # Its own session or group: Ctrl-C in the host's terminal is not meant for a shared bridge.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        apart = {"creationflags": flags}
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, **apart
    )


def _ended(exit_code: int) -> LaunchFailed:
    for code, message in _ENDINGS.items():
        if code == exit_code:
            return LaunchFailed(message, _DOCTOR_HINT)
    return LaunchFailed("The bridge stopped while it was starting.", _DOCTOR_HINT)
