"""What the server needs of an engine, as Protocols: a pool opens sessions, a session runs tasks.

Everything here is in canvas pixels and plain bytes; the form behind it (a thread, later a child
process or another machine) turns these into its own frames and arrays. The seam knows no callback
and no flag: ``run`` gives one record after another, and closing it is the cancel, waiting with the
next one is the pause.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import (
    EndReason,
    HandleHint,
    HistoryState,
    InversionProfile,
    JobKind,
    Match,
    ModelInfo,
    ResultForm,
)

ColourFormat = Literal["rgba8", "bgra8"]
RgbImage = npt.NDArray[np.uint8]
"""(H, W, 3), uint8, RGB, 0-255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that a session is made of; enough to open it again elsewhere."""

    model: str
    bounds_canvas: Bounds
    pixels: bytes = field(repr=False)
    """Straight alpha, sRGB, rows from the top, ``bounds_canvas`` in size."""
    pixel_format: ColourFormat
    editable_mask: bytes | None = field(repr=False)
    """One byte a pixel, 255 = may move; None = all may move."""
    result_form: ResultForm = ResultForm.PATCH
    snapshot: bytes | None = field(default=None, repr=False)
    """Where the session stands when it is opened, as ``EngineSession.snapshot`` gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTask:
    """What one job asks of a session."""

    kind: JobKind
    pairs: tuple[PointPair, ...] = ()
    """Canvas px."""
    step_budget: int | None = None
    profile: InversionProfile = InversionProfile.FAST
    """Of the inversion, where the task needs one."""
    position: int | None = None
    """Of the present drag, to show; None = as it is."""
    amount: float | None = None
    """Of the edit, to show; None = as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionStep:
    """One step of finding the layer in the model."""

    step_index: int
    step_budget: int
    loss: float
    match: Match | None = None
    """With the last step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DragStep:
    """One step of a drag; the last one carries why it ended."""

    step_index: int
    """0 for the picture before the first update."""
    step_budget: int
    handles_canvas: tuple[Point, ...]
    distance_px: float
    """Mean distance handle to target, canvas px."""
    confidences: tuple[float, ...] = ()
    """Beside the handles, from 0 to 1; empty where the engine cannot say."""
    end_reason: EndReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """The present has been moved; the one record of a task that goes through the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HintStep:
    """The handles have been looked at; the one record of a check."""

    hints: tuple[HandleHint, ...]


EngineStep = InversionStep | DragStep | HistoryStep | HintStep


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPixels:
    """A layer to insert: straight alpha in the session's own pixel format and form."""

    bounds_canvas: Bounds
    pixels: bytes = field(repr=False)
    pixel_format: ColourFormat
    form: ResultForm = ResultForm.PATCH


DEVICE_LOST = "device-lost"


class EngineFailure(Exception):
    """The engine could not do it. The code is one of ``problems.PROBLEMS``.

    After ``DEVICE_LOST`` this process can do nothing more with the device.
    """

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

    @property
    def history(self) -> HistoryState:
        """Where the session stands."""

    @property
    def match(self) -> Match | None:
        """How well the model can draw the window; None before the session is inverted."""

    def run(self, task: EngineTask) -> Generator[EngineStep, None, None]:
        """Do the task, one record a step.

        A drag or check of a session that is not inverted yet inverts first. Closing the iterator
        early cancels; the best state so far is kept. Between two steps any time may pass.
        """

    def set_pairs(self, pairs: tuple[PointPair, ...]) -> None:
        """Between two steps of a drag: what it drags from the next one on, canvas px.

        A pair is known by its handle as it was first given.
        """

    def preview(self) -> RgbImage:
        """The model's render of the present state."""

    def result(self) -> LayerPixels:
        """The present state as a layer, in the form that the spec asks for."""

    def snapshot(self) -> bytes:
        """The whole history, for ``SessionSpec.snapshot``; a drag that runs is in it as if it ended
        now."""

    def close(self) -> None:
        """Free the device; may be called twice."""


class EnginePool(Protocol):
    """Opens sessions. Called by the worker thread, but for ``models`` and ``devices``."""

    def models(self) -> tuple[ModelInfo, ...]:
        """The catalogue; must not load the engine."""

    def devices(self) -> tuple[str, ...]:
        """Devices in use; empty until ``warm_up`` has ended."""

    def warm_up(self) -> None:
        """Load what the first session would wait for."""

    def open(self, spec: SessionSpec) -> EngineSession:
        """A session of the spec."""
