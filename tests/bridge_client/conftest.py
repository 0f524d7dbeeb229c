"""Fixtures of the client's tests: a loopback bridge, and a worker on it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_client import Bounds, BridgeClient, EditRequest, EditWorker, Point, PointPair
from bridge_client.transport import HttpTransport
from tests.bridge_client.loopback_bridge import LoopbackBridge


@pytest.fixture
def bridge() -> Iterator[LoopbackBridge]:
    running = LoopbackBridge()
    yield running
    running.close()


@pytest.fixture
def client(bridge: LoopbackBridge) -> BridgeClient:
    return BridgeClient(HttpTransport(bridge.port), bridge.token)


@pytest.fixture
def worker(client: BridgeClient) -> Iterator[EditWorker]:
    running = EditWorker(lambda: client)
    yield running
    running.close(5.0)


@pytest.fixture
def request_4px() -> EditRequest:
    """A 4 x 4 window at (10, 20) with one pair."""
    return EditRequest(
        window_canvas=Bounds(10, 20, 4, 4),
        pixels=bytes(64),
        pixel_order="bgra8",
        mask=b"\xff" * 16,
        pairs=(PointPair(Point(11, 21), Point(13, 21)),),
    )


@pytest.fixture
def write_record(tmp_path: Path):
    """Writes a discovery file as a bridge does; gives its folder."""

    def write(record: dict, mode: int = 0o600) -> Path:
        path = tmp_path / "bridge.json"
        path.write_text(json.dumps(record))
        path.chmod(mode)
        return tmp_path

    return write
