"""The drag: one step = find the handles, tell, supervise, update.

The paper supervises, updates and tracks (Pan et al. 2023, Fig. 3). Begun at tracking the chain is
the same, one forward pass serves both, and the distance that a step tells belongs to the w+ that
it tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from engine.drag.motion_supervision import (
    motion_supervision_loss,
    protected_area,
    protection_loss,
)
from engine.drag.params import DragParams
from engine.drag.point_tracking import track_points
from engine.generator.generator import GeneratorProtocol
from engine.geometry import disc_offsets, sample, square_offsets


class EndReason(StrEnum):
    """Why a drag ended."""

    REACHED = "reached"
    STALLED = "stalled"
    BUDGET = "budget"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DragStep:
    """One step of a drag.

    Attributes:
        step_index: 0 for the picture before the first update.
        handles: (K, 2), where the handles are, feature px.
        distance: mean distance of the handles to their targets, feature px.
        w_plus: (1, num_ws, w_dim), the latent of this step.
        is_best: no step so far had a smaller distance.
        end_reason: why this is the last step; None if another follows.
    """

    step_index: int
    handles: Tensor
    distance: float
    w_plus: Tensor
    is_best: bool
    end_reason: EndReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DragSpace:
    """Where in the generator a drag works.

    Attributes:
        block: size in px of the block whose features are supervised.
        rows: how many rows of w+, from the first, the drag moves.
        w_spread: standard deviation of w, the unit of the learning rate.
    """

    block: int
    rows: int
    w_spread: float


def default_rows(block: int) -> int:
    """Gives the rows that move for a feature block: up to the first convolution at a quarter of it.

    0-5 for block 128, as in Pan et al. 2023.
    """
    return 2 * (max(block // 4, 8).bit_length() - 3)


def drag(
    generator: GeneratorProtocol,
    w_plus: Tensor,
    handles: Tensor,
    targets: Tensor,
    *,
    space: DragSpace,
    editable_mask: Tensor | None = None,
    params: DragParams | None = None,
) -> Iterator[DragStep]:
    """Drags the handles to their targets; the caller stops it by not asking for more.

    Args:
        generator: frozen.
        w_plus: (1, num_ws, w_dim), the picture to begin with.
        handles: (K, 2), feature px of `space.block`.
        targets: (K, 2), feature px.
        space: block, rows and unit of the learning rate.
        editable_mask: (1, 1, S, S) in [0, 1], 1 = may move; None: everything may.
        params: radii, weights and rates; None for the defaults.

    Yields:
        The picture before the first update, then one record for each update; the last has a reason.

    Raises:
        ValueError: there is no handle, or the shapes do not fit.
    """
    if handles.ndim != 2 or handles.shape != targets.shape or not len(handles):
        raise ValueError(
            f"handles and targets must be (K, 2) with K > 0, got {tuple(handles.shape)} and "
            f"{tuple(targets.shape)}"
        )
    params = params or DragParams()
    step = _Stepper(generator, w_plus, handles, targets, space, editable_mask, params)
    progress = _Progress(params)
    for step_index in range(params.step_budget + 1):
        features = step.features()
        distance = step.track(features)
        is_best, end_reason = progress.judge(step_index, distance, step.is_reached())
        yield DragStep(
            step_index=step_index,
            handles=step.handles,
            distance=distance,
            w_plus=step.w_plus(),
            is_best=is_best,
            end_reason=end_reason,
        )
        if end_reason is not None:
            return
        step.update(features)


class _Stepper:
    """What a step works on: the rows that move, the handles, the first picture's features."""

    def __init__(
        self,
        generator: GeneratorProtocol,
        w_plus: Tensor,
        handles: Tensor,
        targets: Tensor,
        space: DragSpace,
        editable_mask: Tensor | None,
        params: DragParams,
    ) -> None:
        self.generator, self.space, self.params = generator, space, params
        self.handles, self.targets = handles, targets
        self.frozen_rows = w_plus.detach()[:, space.rows :].unbind(1)
        self.first_rows = w_plus.detach()[:, : space.rows]
        # Adam moves u, w = w0 + spread * u: its rate is then in standard deviations of w.
        self.offset = torch.zeros_like(self.first_rows, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.offset], lr=params.learning_rate)
        device = w_plus.device
        self.disc = disc_offsets(params.supervision_radius, params.sample_spacing, device)
        self.candidates = square_offsets(params.tracking_radius, params.sample_spacing, device)
        with torch.no_grad():
            self.first_features = self.features()
        self.templates = sample(self.first_features, handles)
        self.protected = (
            None if editable_mask is None else protected_area(editable_mask, space.block)
        )

    def features(self) -> Tensor:
        """The feature map of the rows as they are: (1, C, Hf, Wf)."""
        moved = self.first_rows + self.space.w_spread * self.offset
        return self.generator.features((*moved.unbind(1), *self.frozen_rows), self.space.block)

    def track(self, features: Tensor) -> float:
        """Finds the handles in the features; gives their mean distance to the targets, feature
        px."""
        if features.requires_grad:
            features = features.detach()
        self.handles = track_points(features, self.handles, self.templates, self.candidates)
        return float((self.targets - self.handles).norm(dim=1).mean())

    def is_reached(self) -> bool:
        """Whether every handle is within the tolerance of its target."""
        return bool(((self.targets - self.handles).norm(dim=1) <= self.params.tolerance).all())

    def update(self, features: Tensor) -> None:
        """Takes one step of Adam down the loss."""
        loss = motion_supervision_loss(
            features, self.handles, self.targets, self.disc, step_length=self.params.step_length
        )
        if self.protected is not None and self.params.mask_weight > 0:
            loss = loss + self.params.mask_weight * protection_loss(
                features, self.first_features, self.protected
            )
        (self.offset.grad,) = torch.autograd.grad(loss, self.offset)
        self.optimizer.step()

    def w_plus(self) -> Tensor:
        """The latent as it is: (1, num_ws, w_dim)."""
        with torch.no_grad():
            moved = self.first_rows + self.space.w_spread * self.offset
            return torch.cat([moved, *(row[:, None] for row in self.frozen_rows)], dim=1)


class _Progress:
    """Judges the distances: which is the best so far, and when to end."""

    def __init__(self, params: DragParams) -> None:
        self.params = params
        self.best = float("inf")
        self.mark = float("inf")
        self.mark_index = 0

    def judge(
        self, step_index: int, distance: float, is_reached: bool
    ) -> tuple[bool, EndReason | None]:
        """Gives whether this is the best step so far, and why to end with it, if so."""
        is_best = distance < self.best
        self.best = min(self.best, distance)
        if distance < 0.99 * self.mark:
            self.mark, self.mark_index = distance, step_index
        if is_reached:
            return is_best, EndReason.REACHED
        if step_index >= self.params.step_budget:
            return is_best, EndReason.BUDGET
        if step_index - self.mark_index >= self.params.stall_steps:
            return is_best, EndReason.STALLED
        return is_best, None
