"""Memory stays where it is over edits of a real engine: 30 with the 32 px generator."""

from __future__ import annotations

import dataclasses
import functools
import gc
import mmap
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge_client import Bounds, BridgeClient, Point, PointPair
from bridge_client.messages import CreateSession, EndEvent, ImageRef, JobKind, JobState, StartJob
from bridge_server.config import MIB
from bridge_server.pools.thread import EngineApi, ThreadPool, import_engine
from engine.inversion.cache import InversionCache
from engine.inversion.projection import ProjectionParams
from engine.inversion.refinement import RefinementParams
from engine.inversion.stages import InversionParams, InversionStep
from engine.session import EditingSession
from tests.fakes.bridge import RunningBridge
from tests.fakes.generator import trained_model

SIDE_PX = 64
WINDOW = Bounds(0, 0, SIDE_PX, SIDE_PX)
PAIR = PointPair(Point(20.0, 20.0), Point(26.0, 20.0))
WARM_EDITS, EDITS = 5, 30
# What may grow is the cache of inversions, by a latent of 2 kB for each new picture.
MAX_GROWTH_BYTES = EDITS * 4096
# What is not a tensor of Python's, as a graph that nobody lets go. Allocators keep some for later.
MAX_RESIDENT_GROWTH_BYTES = 32 * MIB


class HastySession(EditingSession):
    """Searches just long enough to have searched."""

    def invert(self, params: InversionParams | None = None) -> Iterator[InversionStep]:
        return super().invert(
            InversionParams(
                projection=ProjectionParams(samples=16, starts=2, start_steps=2, steps=2),
                refinement=RefinementParams(steps=2),
            )
        )


def load() -> EngineApi:
    """The real engine with the 32 px generator."""
    model, inversions = trained_model(), InversionCache()
    return dataclasses.replace(
        import_engine(),
        load_generator=lambda name: model,
        open_session=functools.partial(HastySession, inversions=inversions),
    )


@pytest.mark.slow
def test_thirty_edits_leave_no_tensor_behind(start_bridge: Callable[..., RunningBridge]) -> None:
    client = BridgeClient.prove(start_bridge(ThreadPool(load)).record)
    tensors, resident = [], []
    for number in range(EDITS):
        session_id = edit(client, number)
        if number + 1 in (WARM_EDITS, EDITS):
            tensors.append(live_tensor_bytes())  # with one session open: the others are freed
            resident.append(resident_bytes())
        client.delete_session(session_id)
    assert tensors[1] - tensors[0] <= MAX_GROWTH_BYTES
    assert resident[1] - resident[0] <= MAX_RESIDENT_GROWTH_BYTES


def edit(client: BridgeClient, number: int) -> str:
    """One edit of a picture of its own, from the upload to the result; gives its session."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX]
    rgba = np.stack([rows * 3, columns * 3, rows + columns + number, 0 * rows + 255], axis=2)
    image = ImageRef(
        sha256=client.put_blob(rgba.astype(np.uint8).tobytes()),
        width=SIDE_PX,
        height=SIDE_PX,
        format="rgba8",
    )
    session_id = client.create_session(CreateSession(image=image, bounds_canvas=WINDOW)).id
    job_id = secrets.token_hex(16)
    drag = StartJob(id=job_id, kind=JobKind.DRAG, pairs=(PAIR,), step_budget=3)
    client.start_job(session_id, drag)
    with client.events(job_id) as stream:
        (end,) = (event for _, event in stream if isinstance(event, EndEvent))
    assert end.state is JobState.SUCCEEDED
    assert client.result(job_id).pixels
    return session_id


def live_tensor_bytes() -> int:
    """Of all tensors that Python holds, each storage counted once."""
    gc.collect()
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage() for each in tensors}
    return sum(storage.nbytes() for storage in storages.values())


def resident_bytes() -> int:
    """Of this process, in RAM; 0 where the system does not tell."""
    table = Path("/proc/self/statm")
    pages = int(table.read_text().split()[1]) if table.exists() else 0
    return pages * mmap.PAGESIZE
