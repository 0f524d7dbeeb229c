"""A device that runs out of memory within a step of the real engine."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import torch

from bridge_client.client import BridgeClient
from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import CreateSession, EndEvent, ImageRef, JobKind, JobState, StartJob
from bridge_server.pools.thread import EngineApi, ThreadPool, import_engine
from engine.checkpoints.catalogue import LoadedModel
from engine.generator.generator import Generator
from engine.generator.synthesis import SynthesisLayer
from tests.fakes.bridge import RunningBridge
from tests.fakes.generator import seeded_weights, tiny_info

SIDE = 40
PAIR = PointPair(Point(12.0, 16.0), Point(24.0, 16.0))


class Memory:
    """The device's memory, which a test fills: then no layer of the generator can be computed."""

    def __init__(self) -> None:
        weights = seeded_weights()
        generator = Generator.from_weights(weights)
        self.model = LoadedModel(generator=generator, info=tiny_info(weights))
        self.is_full = False
        for module in generator.modules():
            if isinstance(module, SynthesisLayer):
                module.register_forward_pre_hook(self._allocate)

    def _allocate(self, module: torch.nn.Module, arguments: Any) -> None:
        if self.is_full:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def client(start_bridge: Callable[..., RunningBridge], memory: Memory) -> BridgeClient:
    def load() -> EngineApi:
        return dataclasses.replace(import_engine(), load_generator=lambda name: memory.model)

    return BridgeClient.prove(start_bridge(ThreadPool(load)).record)


@pytest.fixture
def session_id(client: BridgeClient) -> str:
    pixels = bytes(range(256)) * (SIDE * SIDE * 4 // 256)
    image = ImageRef(sha256=client.put_blob(pixels), width=SIDE, height=SIDE, format="rgba8")
    request = CreateSession(image=image, bounds_canvas=Bounds(0, 0, SIDE, SIDE))
    return client.create_session(request).id


def run_job(client: BridgeClient, session_id: str, kind: JobKind) -> EndEvent:
    """The job's end."""
    asked = {"pairs": (PAIR,), "step_budget": 2} if kind is JobKind.DRAG else {}
    job = client.start_job(session_id, StartJob(id=secrets.token_hex(16), kind=kind, **asked))
    with client.events(job.id) as stream:
        *_, (_, last) = stream
    assert isinstance(last, EndEvent)
    return last


@pytest.mark.parametrize("kind", [JobKind.INVERT, JobKind.DRAG])
def test_the_job_fails_in_an_artists_words_and_the_next_one_runs(
    client: BridgeClient, session_id: str, memory: Memory, kind: JobKind
) -> None:
    if kind is JobKind.DRAG:
        run_job(client, session_id, JobKind.INVERT)
    memory.is_full = True
    problem = run_job(client, session_id, kind).problem
    assert problem is not None and problem.code == "out-of-vram"
    assert "too little free memory" in problem.detail and "GPU" in problem.hint
    memory.is_full = False
    assert run_job(client, session_id, kind).state is JobState.SUCCEEDED


def test_what_was_dragged_before_is_kept(
    client: BridgeClient, session_id: str, memory: Memory
) -> None:
    run_job(client, session_id, JobKind.DRAG)
    before = client.session(session_id).history
    memory.is_full = True
    assert run_job(client, session_id, JobKind.DRAG).state is JobState.FAILED
    memory.is_full = False
    assert client.session(session_id).history == before
    assert run_job(client, session_id, JobKind.SHOW).has_result
