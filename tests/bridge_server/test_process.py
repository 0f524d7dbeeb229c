"""The bridge as a process: it starts without torch, answers, and stops without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge_client.client import BridgeClient
from bridge_client.discovery import read_discovery_file
from bridge_client.errors import ClientError
from bridge_client.messages import DiscoveryRecord

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[2]

POLL_S = 0.02

# The real entries with the one slow import held back: these tests are about the bridge.
WITHOUT_ENGINE = "import sys; sys.modules['engine'] = None\n"
MODULE = WITHOUT_ENGINE + "from bridge_server.__main__ import main; sys.exit(main())"
COMMAND = WITHOUT_ENGINE + "from draglayer_cli.serve import command; command([])"


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again until the condition holds."""
    deadline_s, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline_s, "It never came true."
        pause.wait(POLL_S)


class BridgeProcess:
    """``python -m bridge_server`` in a folder of its own."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        environment = {**os.environ, "DRAGLAYER_RUNTIME_DIR": str(folder)}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def client(self) -> BridgeClient:
        """A client of it, once it answers."""
        wait_until(lambda: self.process.poll() is not None or self._record() is not None)
        record = self._record()
        assert record is not None, self.end()
        return BridgeClient.prove(record)

    def _record(self) -> DiscoveryRecord | None:
        return read_discovery_file(self.folder)

    def end(self) -> str:
        """Make sure that it is gone; gives what it said."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.communicate(timeout=PATIENCE_S)[0]


@pytest.fixture(params=[MODULE, COMMAND], ids=["module", "command"])
def bridge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BridgeProcess]:
    running = BridgeProcess(tmp_path / "run", ["-c", request.param])
    yield running
    running.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_no_file_stays(bridge: BridgeProcess, number: signal.Signals) -> None:
    assert bridge.client().server_info().api
    bridge.process.send_signal(number)
    assert bridge.process.wait(PATIENCE_S) == 0
    assert read_discovery_file(bridge.folder) is None
    assert [path.name for path in bridge.folder.iterdir()] == ["bridge.lock"]
    output = bridge.end()
    assert "Fatal" not in output and "Exception ignored" not in output


def test_shutdown_over_http_ends_the_process(bridge: BridgeProcess) -> None:
    bridge.client().shut_down()
    assert bridge.process.wait(PATIENCE_S) == 0
    assert read_discovery_file(bridge.folder) is None


def test_a_second_process_gives_way_politely(bridge: BridgeProcess) -> None:
    client = bridge.client()
    second = BridgeProcess(bridge.folder, ["-c", MODULE])
    output = second.process.communicate(timeout=PATIENCE_S)[0]
    assert second.process.returncode == 0
    assert "already running" in output
    assert client.server_info().api


def test_a_folder_open_to_others_is_refused_with_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    running = BridgeProcess(tmp_path, ["-m", "bridge_server"])
    output = running.process.communicate(timeout=PATIENCE_S)[0]
    assert running.process.returncode == 2
    assert "writable by you only" in output
    assert "Traceback" not in output


def test_a_missing_engine_is_told_and_the_bridge_lives(tmp_path: Path) -> None:
    running = BridgeProcess(tmp_path / "run", ["-c", MODULE])
    try:
        client = running.client()
        wait_until(lambda: "loading" not in client.readiness().reason)
        assert client.readiness().reason == "A part of the engine is missing."
        with pytest.raises(ClientError):
            client.job("0" * 32)
    finally:
        running.end()


def test_the_server_imports_no_torch() -> None:
    code = (
        "import sys, bridge_server.__main__, tests.conftest;"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'engine')])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
