"""What the server needs of an engine, as Protocols: a pool opens sessions, a session runs tasks.

Everything here is in canvas pixels and plain bytes; the form behind it (a thread, later a child
process or another machine) turns these into its own frames and arrays. The seam knows no callback
and no flag: ``run`` gives one record after another, and closing it is the cancel.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import EndReason, JobKind

ColourFormat = Literal["rgba8", "bgra8"]
RgbImage = npt.NDArray[np.uint8]
"""(H, W, 3), uint8, RGB, 0-255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that a session is made of; enough to open it again elsewhere."""

    model: str
    bounds_canvas: Bounds
    pixels: bytes
    """Straight alpha, sRGB, rows from the top, ``bounds_canvas`` in size."""
    pixel_format: ColourFormat
    editable_mask: bytes | None
    """One byte a pixel, 255 = may move; None = all may move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTask:
    """What one job asks of a session."""

    kind: JobKind
    pairs: tuple[PointPair, ...] = ()
    """Canvas px."""
    step_budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionStep:
    """One step of finding the layer in the model."""

    step_index: int
    step_budget: int
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DragStep:
    """One step of a drag; the last one carries why it ended."""

    step_index: int
    """0 for the picture before the first update."""
    step_budget: int
    handles_canvas: tuple[Point, ...]
    distance_px: float
    """Mean distance handle to target, canvas px."""
    end_reason: EndReason | None = None


EngineStep = InversionStep | DragStep


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPixels:
    """A layer to insert: straight alpha in the session's own pixel format."""

    bounds_canvas: Bounds
    pixels: bytes
    pixel_format: ColourFormat


class EngineFailure(Exception):
    """The engine could not do it. The code is one of ``problems.PROBLEMS``."""

    def __init__(self, code: str, message: str) -> None:
        """Args: ``message`` is one sentence for the artist."""
        super().__init__(message)
        self.code = code
        self.message = message


class EngineSession(Protocol):
    """One window, one generator, one device. Called by the server's worker thread only."""

    @property
    def is_inverted(self) -> bool:
        """Whether a drag starts at once."""

    def run(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        """Do the task, one record a step.

        A drag of a session that is not inverted yet inverts first. Closing the iterator early
        cancels; the best state so far is kept.
        """

    def preview(self) -> RgbImage:
        """The model's render of the present state."""

    def result(self) -> LayerPixels:
        """The present state as a layer."""

    def close(self) -> None:
        """Free the device; may be called twice."""


class EnginePool(Protocol):
    """Opens sessions. Called by the worker thread, but for ``models`` and ``devices``."""

    def models(self) -> tuple[str, ...]:
        """Names that a session may ask for; must not load the engine."""

    def devices(self) -> tuple[str, ...]:
        """Devices in use; empty until ``warm_up`` has ended."""

    def warm_up(self) -> None:
        """Load what the first session would wait for."""

    def open(self, spec: SessionSpec) -> EngineSession:
        """A session of the spec."""
