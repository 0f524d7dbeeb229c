"""Shared by all tests: seeds, the leak detector, and a bridge in process and on a real socket."""

from __future__ import annotations

import gc
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge_server.access import Access
from bridge_server.app import create_app
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from tests.fakes.bridge import ARTIST_TOKEN, IN_PROCESS_PORT, FakeClock, RunningBridge
from tests.fakes.engine import FakeEngine

# Read when torch is loaded, which this file must not do. Threads that spin for each other on a busy
# machine of few cores made tests of tiny generators ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SEED = 20230510
LEAK_PATIENCE_S = 5.0


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Every test starts from the same random state."""
    random.seed(SEED)
    np.random.seed(SEED)
    # Only where a test has loaded it already: this file must not make the bridge's tests load it.
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(SEED)


@pytest.fixture(autouse=True)
def leak_detector() -> Iterator[None]:
    """Fail the test that leaves a live thread or an open TCP socket behind."""
    threads, sockets = set(threading.enumerate()), _tcp_sockets()
    yield
    deadline_s = time.monotonic() + LEAK_PATIENCE_S
    left = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in left:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    alive = [thread.name for thread in left if thread.is_alive()]
    assert not alive, f"The test left threads: {alive}"
    if _tcp_sockets() - sockets:
        gc.collect()  # a socket that only waits for the collector would warn of itself
        assert not _tcp_sockets() - sockets, "The test left an open TCP socket."


def _tcp_sockets() -> set[str]:
    """Names of this process's open TCP sockets; empty where the system does not list them."""
    descriptors, table = Path("/proc/self/fd"), Path("/proc/self/net/tcp")
    if not (descriptors.is_dir() and table.is_file()):
        return set()
    names = set()
    for entry in descriptors.iterdir():
        try:
            names.add(os.readlink(entry))
        except FileNotFoundError:
            continue  # the descriptor by which the folder is being listed
    names = {name for name in names if name.startswith("socket:[")}
    if not names:
        return names  # the table is slow to read, and most tests open nothing
    inodes = {line.split()[9] for line in table.read_text().splitlines()[1:]}
    return {name for name in names if name[8:-1] in inodes}


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test turns."""
    return FakeClock()


@pytest.fixture
def engine() -> FakeEngine:
    """A fake engine whose steps pass at once."""
    return FakeEngine()


@pytest.fixture
def config(tmp_path: Path) -> BridgeConfig:
    """Limits as shipped, in a folder of the test's own."""
    return BridgeConfig(runtime_folder=tmp_path / "run")


@pytest.fixture
def bridge(config: BridgeConfig, engine: FakeEngine, clock: FakeClock) -> Iterator[Bridge]:
    """A started bridge without sockets."""
    bridge = Bridge(config, engine, clock=clock)
    bridge.start()
    yield bridge
    engine.gate.open()
    bridge.stop()


@pytest.fixture
def app(bridge: Bridge, config: BridgeConfig, clock: FakeClock) -> Flask:
    """The bridge's application."""
    access = Access(
        token=ARTIST_TOKEN,
        port=IN_PROCESS_PORT,
        max_json_bytes=config.max_json_bytes,
        max_body_bytes=config.max_body_bytes,
        clock=clock,
    )
    return create_app(bridge, access)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A test client that carries the token."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ARTIST_TOKEN}"
    return client


@pytest.fixture
def start_bridge(tmp_path: Path) -> Iterator[Callable[..., RunningBridge]]:
    """Starts bridges on real sockets; all are stopped at the end."""
    running: list[RunningBridge] = []

    def start(engine: FakeEngine | None = None, **limits: float) -> RunningBridge:
        folder = tmp_path / f"run-{len(running)}"
        running.append(RunningBridge(folder, engine or FakeEngine(), **limits))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def live_bridge(start_bridge: Callable[..., RunningBridge], engine: FakeEngine) -> RunningBridge:
    """A bridge with the fake engine on a real socket."""
    return start_bridge(engine)
