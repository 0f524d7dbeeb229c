"""When a bridge that nobody needs ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge_client.presence import Presence
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from bridge_server.serving import reason_to_end
from tests.fakes.bridge import FakeClock, drag_body, open_session, start_job, wait_end
from tests.fakes.engine import FakeEngine, StepGate


@pytest.fixture
def lingering(tmp_path: Path) -> BridgeConfig:
    """As for editors: a minute without one, ten with one."""
    return BridgeConfig(runtime_folder=tmp_path, linger_s=60, idle_exit_s=600)


def test_without_an_editor_it_lingers_a_little(lingering: BridgeConfig) -> None:
    assert reason_to_end(lingering, 59) == ""
    assert "last editor" in reason_to_end(lingering, 60)


def test_with_an_editor_it_stays_until_it_is_idle_for_long(lingering: BridgeConfig) -> None:
    editor = Presence(lingering.runtime_folder)
    assert editor.hold()
    assert reason_to_end(lingering, 599) == ""
    assert "Nobody used" in reason_to_end(lingering, 600)
    editor.release()


def test_in_a_terminal_it_stays(tmp_path: Path) -> None:
    assert reason_to_end(BridgeConfig(runtime_folder=tmp_path), 1e9) == ""


def test_quiet_is_since_the_last_request(
    client: FlaskClient, bridge: Bridge, clock: FakeClock
) -> None:
    clock.turn(100)
    assert bridge.quiet_s() == 100
    client.get("/v1/server")
    assert bridge.quiet_s() == 0


def test_a_stranger_without_the_token_keeps_nothing_alive(
    client: FlaskClient, bridge: Bridge, clock: FakeClock
) -> None:
    clock.turn(100)
    client.get("/v1/server", headers={"Authorization": "Bearer wrong"})
    client.get(f"/health/live?nonce={'0f' * 16}", headers={"Authorization": ""})
    assert bridge.quiet_s() == 100


def test_a_running_job_is_not_quiet(
    client: FlaskClient, bridge: Bridge, clock: FakeClock, engine: FakeEngine
) -> None:
    engine.gate = StepGate()
    job_id = start_job(client, open_session(client), drag_body())
    clock.turn(50)
    assert bridge.quiet_s() == 0
    engine.gate.open()
    wait_end(bridge, job_id)
    clock.turn(50)
    assert bridge.quiet_s() > 0
