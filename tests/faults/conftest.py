"""A machine of its own for each test: a runtime folder, a recorded interpreter, and editors."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge_client.discovery import read_discovery_file
from bridge_client.launcher import Launcher
from bridge_server.discovery import is_held
from tests.fakes.processes import (
    PATIENCE_S,
    ROOT,
    BridgeProcess,
    environment_of,
    fake_bridge_command,
    wait_until,
)


class Editor:
    """An editor's process and what it says."""

    def __init__(self, folder: Path, launcher_file: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.editor", str(launcher_file), *arguments],
            cwd=ROOT,
            env=environment_of(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, word: str) -> str:
        """What follows the word in the first line that begins with it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.split()[0] == word:
                return line.removeprefix(word).strip()
        raise AssertionError(f"The editor ended without saying {word}.")

    def kill(self) -> None:
        """As the system kills it: without a word."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)


class Machine:
    """One user's machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "run"
        self.launcher_file = folder / "launcher.json"
        self.environment = environment_of(folder)
        self._bridges: list[BridgeProcess] = []
        self._launchers: list[Launcher] = []
        self._editors: list[Editor] = []

    def start_bridge(self, *, is_awaited: bool = True, **options: Any) -> BridgeProcess:
        """A bridge with the fake engine; ``popen`` holds more for Popen."""
        popen = options.pop("popen", {})
        bridge = BridgeProcess(self.folder, fake_bridge_command(**options), **popen)
        self._bridges.append(bridge)
        if is_awaited:
            bridge.client()
        return bridge

    def record_interpreter(self, **options: Any) -> None:
        """What editors start from now on: a bridge with the fake engine."""
        command = shlex.join([sys.executable, *fake_bridge_command(**options)])
        interpreter = self.folder / "python"
        interpreter.write_text(f"#!/bin/sh\ncd {shlex.quote(str(ROOT))}\nexec {command}\n")
        interpreter.chmod(0o755)
        self.launcher_file.write_text(json.dumps({"interpreter": str(interpreter)}))

    def launcher(self) -> Launcher:
        """A launcher of this process."""
        self._launchers.append(Launcher(self.launcher_file, environment=self.environment))
        return self._launchers[-1]

    def start_editor(self, *arguments: str) -> Editor:
        """An editor's process."""
        self._editors.append(Editor(self.folder, self.launcher_file, *arguments))
        return self._editors[-1]

    def log(self) -> str:
        """What the bridges of this machine logged."""
        path = self.folder / "log" / "bridge.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def wait_gone(self) -> None:
        """Until no bridge holds the folder."""
        wait_until(lambda: not is_held(self.runtime))

    def close(self) -> None:
        """End every process."""
        for editor in self._editors:
            editor.kill()
        for bridge in self._bridges:
            bridge.end()
        for launcher in self._launchers:
            if launcher.process is not None:
                launcher.process.kill()
                launcher.process.wait(PATIENCE_S)
        # What an editor started is nobody's child any more; while one is killed, another that was
        # still starting may take its place.
        wait_until(self._has_no_orphan)

    def _has_no_orphan(self) -> bool:
        if not is_held(self.runtime):
            return True
        record = read_discovery_file(self.runtime)
        if record is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGKILL)
        return False


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine without a bridge; editors start one with the fake engine."""
    machine = Machine(tmp_path)
    machine.record_interpreter()
    yield machine
    machine.close()
