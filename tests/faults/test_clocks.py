"""Clocks that jump: a time server, a person, a laptop that slept."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bridge_client.geometry import Bounds
from bridge_server.bridge import Bridge
from bridge_server.clocks import AwakeClock
from bridge_server.config import BridgeConfig
from bridge_server.engine_port import SessionSpec
from tests.fakes.bridge import EventReader, FakeClock, RunningBridge, drag_body
from tests.fakes.engine import FakeEngine, StepGate

SPEC = SessionSpec(
    model="default",
    bounds_canvas=Bounds(0, 0, 1, 1),
    pixels=bytes(4),
    pixel_format="rgba8",
    editable_mask=None,
)
DAY_S = 24 * 3600.0


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S], ids=["forwards", "backwards"])
def test_a_wall_clock_that_jumps_disturbs_no_edit(
    start_bridge: Callable[..., RunningBridge], monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    engine = FakeEngine(gate=StepGate())
    bridge = start_bridge(engine, housekeeping_s=0.05)
    session_id = bridge.open_session()
    job_id = bridge.start_job(session_id, drag_body())
    with EventReader(bridge, job_id) as reader:
        engine.gate.allow(1)
        reader.wait_for("inversion-progress")
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + jump_s)
        engine.gate.open()
        assert reader.rest()[-1][2]["state"] == "succeeded"
    assert bridge.call("GET", f"/v1/sessions/{session_id}")[0] == 200


def test_a_laptop_that_slept_finds_its_edits_as_they_were(
    config: BridgeConfig, clock: FakeClock
) -> None:
    """On Windows the monotonic clock goes on while the machine sleeps."""
    bridge = Bridge(config, FakeEngine(), clock=AwakeClock(clock))
    session = bridge.sessions.create(SPEC)
    clock.turn(DAY_S)
    bridge.expire()
    assert bridge.sessions.all() == (session,)
    assert bridge.quiet_s() < 10


def test_awake_time_runs_leases_out_as_before(config: BridgeConfig, clock: FakeClock) -> None:
    bridge = Bridge(config, FakeEngine(), clock=AwakeClock(clock))
    bridge.sessions.create(SPEC)
    for _ in range(int(config.session_lease_s) + 1):
        clock.turn(1)
        bridge.expire()
    assert bridge.sessions.all() == ()
