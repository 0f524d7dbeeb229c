"""A bridge whose engine does nothing but take its time: what remains is what the bridge costs.

    python -m benchmarks.paced_bridge SECONDS_A_STEP

The server and its process are the real ones. A drag's ``distance_px`` is the monotonic time at
which the step was made, so that a reader in another process can tell how old the news is.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator

import numpy as np

from bridge_client.discovery import runtime_folder
from bridge_client.geometry import PointPair
from bridge_client.messages import HistoryState, Match, ModelInfo
from bridge_server.__main__ import serve
from bridge_server.config import BridgeConfig
from bridge_server.engine_port import (
    DragStep,
    EngineStep,
    EngineTask,
    LayerPixels,
    RgbImage,
    SessionSpec,
)

PREVIEW_SIDE_PX = 16


class PacedPool:
    """An ``EnginePool`` without an engine.

    Args:
        step_s: how long a step takes.
    """

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s

    def models(self) -> tuple[ModelInfo, ...]:
        """One model."""
        return (
            ModelInfo(
                id="default", title="None", licence="None", resolution_px=64, feature_side_px=16
            ),
        )

    def devices(self) -> tuple[str, ...]:
        """None."""
        return ()

    def warm_up(self) -> None:
        """Nothing to load."""

    def open(self, spec: SessionSpec) -> PacedSession:
        """A session that gives back what it got."""
        return PacedSession(spec, self._step_s)


class PacedSession:
    """An ``EngineSession``: steps that take their time and change nothing."""

    is_inverted = True
    history = HistoryState()
    match: Match | None = None

    def __init__(self, spec: SessionSpec, step_s: float) -> None:
        self._spec = spec
        self._step_s = step_s
        self._pairs: tuple[PointPair, ...] = ()
        self._pause = threading.Event()  # never set: a wait that is exact enough

    def run(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        """As many steps as the budget allows."""
        self._pairs = task.pairs
        budget = task.step_budget or 100
        for index in range(budget + 1):
            self._pause.wait(self._step_s)
            yield DragStep(
                step_index=index,
                step_budget=budget,
                handles_canvas=tuple(pair.handle for pair in self._pairs),
                distance_px=time.monotonic(),
                confidences=tuple(1.0 for _ in self._pairs),
            )

    def set_pairs(self, pairs: tuple[PointPair, ...]) -> None:
        """From the next step on."""
        self._pairs = pairs

    def preview(self) -> RgbImage:
        """A small grey picture."""
        return np.full((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX, 3), 128, dtype=np.uint8)

    def result(self) -> LayerPixels:
        """The window as it came."""
        return LayerPixels(
            bounds_canvas=self._spec.bounds_canvas,
            pixels=self._spec.pixels,
            pixel_format=self._spec.pixel_format,
        )

    def snapshot(self) -> bytes:
        """Nothing to write down."""
        return b""

    def close(self) -> None:
        """Nothing to free."""


if __name__ == "__main__":
    config = BridgeConfig(runtime_folder=runtime_folder())
    sys.exit(serve(config, PacedPool(float(sys.argv[1]))))
