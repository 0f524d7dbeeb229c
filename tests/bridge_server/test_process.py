"""The bridge as a process: it starts without torch, answers, and stops without a trace."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_client.errors import ClientError
from bridge_client.exit_codes import ExitCode
from tests.fakes.processes import PATIENCE_S, ROOT, BridgeProcess, wait_until

# The real entries with the one slow import held back: these tests are about the bridge.
WITHOUT_ENGINE = "import sys; sys.modules['engine'] = None\n"
MODULE = WITHOUT_ENGINE + "from bridge_server.__main__ import main; sys.exit(main())"
COMMAND = WITHOUT_ENGINE + "from draglayer_cli.serve import command; command([])"


@pytest.fixture(params=[MODULE, COMMAND], ids=["module", "command"])
def bridge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BridgeProcess]:
    running = BridgeProcess(tmp_path, ["-c", request.param])
    yield running
    running.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_no_file_stays(bridge: BridgeProcess, number: signal.Signals) -> None:
    assert bridge.client().server_info().api
    bridge.process.send_signal(number)
    assert bridge.process.wait(PATIENCE_S) == 0
    assert bridge.record() is None
    assert [path.name for path in bridge.runtime.iterdir()] == ["bridge.lock"]
    output = bridge.end()
    assert "Fatal" not in output and "Exception ignored" not in output


def test_shutdown_over_http_ends_the_process(bridge: BridgeProcess) -> None:
    bridge.client().shut_down()
    assert bridge.process.wait(PATIENCE_S) == 0
    assert bridge.record() is None


def test_a_second_process_gives_way_politely(bridge: BridgeProcess) -> None:
    client = bridge.client()
    second = BridgeProcess(bridge.folder, ["-c", MODULE])
    output = second.process.communicate(timeout=PATIENCE_S)[0]
    assert second.process.returncode == 0
    assert "already running" in output
    assert client.server_info().api


def test_a_folder_open_to_others_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    running = BridgeProcess(tmp_path, ["-m", "bridge_server"])
    output = running.process.communicate(timeout=PATIENCE_S)[0]
    assert running.process.returncode == ExitCode.FOLDER_UNUSABLE
    assert "writable by you only" in output
    assert "Traceback" not in output


def test_a_missing_engine_is_told_and_the_bridge_lives(tmp_path: Path) -> None:
    running = BridgeProcess(tmp_path, ["-c", MODULE])
    try:
        client = running.client()
        wait_until(lambda: "loading" not in client.readiness().reason)
        assert client.readiness().reason == "A part of the engine is missing."
        with pytest.raises(ClientError):
            client.job("0" * 32)
    finally:
        running.end()


def test_it_logs_to_its_file_without_a_terminal(bridge: BridgeProcess) -> None:
    bridge.client().shut_down()
    assert bridge.wait() == ExitCode.STOPPED
    assert "The bridge listens on port" in bridge.log()
    assert "The bridge has stopped." in bridge.log()


def test_a_second_process_leaves_the_log_alone(bridge: BridgeProcess) -> None:
    bridge.client()
    wait_until(lambda: "could not be loaded" in bridge.log())
    before = bridge.log()
    BridgeProcess(bridge.folder, ["-c", MODULE]).process.communicate(timeout=PATIENCE_S)
    assert bridge.log() == before


def test_the_server_imports_no_torch() -> None:
    code = (
        "import sys, bridge_server.__main__, tests.conftest;"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'engine')])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
