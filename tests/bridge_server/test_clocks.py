"""The clock of the leases."""

from __future__ import annotations

from bridge_server.clocks import AwakeClock
from tests.fakes.bridge import FakeClock


def test_it_goes_with_the_clock_below(clock: FakeClock) -> None:
    awake = AwakeClock(clock)
    for _ in range(60):
        clock.turn(1)
        now_s = awake()
    assert now_s == 60


def test_sleep_does_not_count(clock: FakeClock) -> None:
    awake = AwakeClock(clock, longest_gap_s=5)
    clock.turn(8 * 3600)
    assert awake() == 5
    clock.turn(1)
    assert awake() == 6
