"""Memory stays where it is, however often an artist edits, on the fake engine and on a real one."""

from __future__ import annotations

import gc
import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge_server.bridge import Bridge
from bridge_server.config import MIB, BridgeConfig
from tests.fakes.bridge import BLOB_HEADERS, drag_body, start_job, wait_end
from tests.fakes.engine import FakeEngine

SIDE_PX = 128  # 64 KiB a window
WARM_EDITS, EDITS = 200, 1000
# After the stores are full, 800 edits may add their ids and no more; a window kept of each would be
# 50 MiB, and 1.3 KiB of each is too much.
MAX_GROWTH_BYTES = MIB


@pytest.fixture
def config(tmp_path: Path) -> BridgeConfig:
    """Stores that a few edits fill."""
    return BridgeConfig(
        runtime_folder=tmp_path / "run",
        max_blob_bytes=MIB,
        max_result_bytes=MIB,
        max_jobs_kept=16,
    )


@pytest.fixture
def traced() -> Iterator[None]:
    """Python's memory is counted meanwhile."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.slow
def test_a_thousand_edits_leave_nothing_behind(
    traced: None, client: FlaskClient, bridge: Bridge, engine: FakeEngine
) -> None:
    held = []
    for number in range(EDITS):
        edit(client, bridge, number)
        engine.sessions.clear()  # which the fake keeps for tests to look at
        if number + 1 in (WARM_EDITS, EDITS):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    assert held[1] - held[0] < MAX_GROWTH_BYTES


def edit(client: FlaskClient, bridge: Bridge, number: int) -> None:
    """One edit of a window of its own, from the upload to the close."""
    pixels = number.to_bytes(4, "big") * SIDE_PX * SIDE_PX
    digest = hashlib.sha256(pixels).hexdigest()
    assert client.put(f"/v1/blobs/{digest}", data=pixels, headers=BLOB_HEADERS).status_code == 201
    image = {"sha256": digest, "width": SIDE_PX, "height": SIDE_PX, "format": "rgba8"}
    bounds = {"x": 100, "y": 50, "width": SIDE_PX, "height": SIDE_PX}
    reply = client.post("/v1/sessions", json={"image": image, "bounds_canvas": bounds})
    job_id = start_job(client, reply.json["id"], drag_body())
    wait_end(bridge, job_id)
    assert client.get(f"/v1/jobs/{job_id}/result").status_code == 200
    assert client.delete(f"/v1/sessions/{reply.json['id']}").status_code == 204
