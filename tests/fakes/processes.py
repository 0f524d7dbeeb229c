"""The bridge and editors as processes of their own, which a test can kill."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_client.client import BridgeClient
from bridge_client.discovery import read_discovery_file, record_port
from bridge_client.messages import DiscoveryRecord

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
POLL_S = 0.02


def wait_until(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Look again and again until the condition holds."""
    deadline_s, pause = time.monotonic() + patience_s, threading.Event()
    while not condition():
        assert time.monotonic() < deadline_s, "It never came true."
        pause.wait(POLL_S)


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    """The variables of a process whose runtime folder and log are in this folder."""
    runtime, logs = str(folder / "run"), str(folder / "log")
    return {**os.environ, "DRAGLAYER_RUNTIME_DIR": runtime, "DRAGLAYER_LOG_DIR": logs, **more}


def fake_bridge_command(**options: Any) -> list[str]:
    """The arguments of Python for a bridge with the fake engine; see ``serve_fake``."""
    return ["-m", "tests.fakes.serve_fake", json.dumps(options)]


class BridgeProcess:
    """A bridge in a process, its runtime folder and its log below one folder."""

    def __init__(self, folder: Path, command: list[str], **popen_options: Any) -> None:
        """Args: a folder of its own, what Python is called with, and more for Popen."""
        self.folder = folder
        self.runtime = folder / "run"
        self.log_path = folder / "log" / "bridge.log"
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment_of(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **popen_options,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def record(self) -> DiscoveryRecord | None:
        """What its discovery file says now."""
        return read_discovery_file(self.runtime)

    def client_record(self) -> DiscoveryRecord:
        """What its discovery file says, once it is there."""
        wait_until(lambda: self.process.poll() is not None or self.record() is not None)
        record = self.record()
        assert record is not None, self.end()
        return record

    def client(self) -> BridgeClient:
        """A client of it, once it answers."""
        return BridgeClient.prove(self.client_record())

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(PATIENCE_S)

    def log(self) -> str:
        """What its log file says."""
        return self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""

    def end(self) -> str:
        """Make sure that it is gone; gives what it said."""
        if self.process.poll() is None:
            self.process.kill()
        return str(self.process.communicate(timeout=PATIENCE_S)[0])


def http_call(
    bridge: BridgeProcess, method: str, path: str, body: object, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    """One request with the token; a body that is no bytes is sent as JSON."""
    record = bridge.client_record()
    sent = {"Authorization": f"Bearer {record.token}", **headers}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", record_port(record), timeout=PATIENCE_S)
    try:
        connection.request(method, path, body=body, headers=sent)
        reply = connection.getresponse()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
    finally:
        connection.close()
