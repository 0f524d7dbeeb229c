"""`draglayer status` and `draglayer stop` on a bridge in a process of its own, and without one."""

import os
import signal

import pytest

from bridge_client import Bounds
from bridge_client.messages import CreateSession, ImageRef
from bridge_client.presence import Presence
from bridge_server.discovery import single_instance
from tests.fakes.bridge import PIXELS, WINDOW, image_ref
from tests.fakes.processes import BridgeProcess, fake_bridge_command, wait_until


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGLAYER_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def bridge(folder):
    running = BridgeProcess(folder, fake_bridge_command())
    wait_until(lambda: running.client().readiness().is_ready)
    yield running
    running.end()


def open_session(bridge):
    client = bridge.client()
    client.put_blob(PIXELS)
    image = ImageRef(**image_ref(PIXELS, "rgba8"))
    client.create_session(CreateSession(image=image, bounds_canvas=Bounds(**WINDOW)))


def test_a_bridge_that_runs_is_described(draglayer, bridge, folder):
    presence = Presence(folder / "run")
    presence.hold()
    result = draglayer("status")
    presence.release()
    assert result.exit_code == 0, result.output
    assert f"process {bridge.pid}" in result.stdout
    assert "ready on fake" in result.stdout and "Editors:  1" in result.stdout
    assert bridge.record().token not in result.output


def test_without_a_bridge_status_says_so(draglayer):
    result = draglayer("status")
    assert result.exit_code == 1 and "No bridge runs" in result.stdout


def test_stop_returns_when_the_process_has_let_go(draglayer, bridge):
    result = draglayer("stop")
    assert result.exit_code == 0, result.output
    assert bridge.record() is None
    assert bridge.wait() == 0
    assert draglayer("stop").stdout == "No bridge runs.\n"


def test_a_bridge_in_use_is_stopped_by_force_only(draglayer, bridge):
    open_session(bridge)
    refused = draglayer("stop")
    assert refused.exit_code == 1 and "--force" in refused.stderr
    assert bridge.client().server_info()
    assert draglayer("stop", "--force").exit_code == 0
    assert bridge.wait() == 0


def test_a_bridge_that_holds_the_folder_in_silence_is_named(draglayer, folder):
    (folder / "run").mkdir(mode=0o700)
    with single_instance(folder / "run"):
        for command in ("status", "stop"):
            result = draglayer(command)
            assert result.exit_code == 1 and "does not answer" in result.output


def test_a_bridge_that_was_killed_is_no_bridge(draglayer, bridge):
    os.kill(bridge.pid, signal.SIGKILL)
    bridge.process.wait()
    assert bridge.record() is not None
    assert "No bridge runs" in draglayer("status").stdout
