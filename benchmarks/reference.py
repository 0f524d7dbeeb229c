"""The drag of Pan et al. 2023 ("Drag Your GAN"), as plainly as it can be written.

It is what the engine's loop is measured against, and is not changed when that one gets faster: the
whole generator runs, no weight is frozen, the features are resized to the size of the image, and
motion supervision and point tracking work on its pixels. One step = supervise, update, track.

Where paper and official code differ, the choice is named beside it. Points are (x, y) in continuous
px of the image: pixel i covers [i, i + 1), and its features belong to its centre, i + 0.5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.fused_stylegan2 import FusedGenerator

XY = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceParams:
    """The paper's settings.

    Attributes:
        feature_block: side in px of the synthesis block whose features are used (paper: the 6th,
            whose size the official code shows to be 128).
        dragged_rows: how many rows of w+ are optimised, from the first (paper: 6).
        learning_rate: of Adam (paper: 2e-3 for faces, cats and cars).
        mask_weight: lambda (paper: 20), for a mask term that is a mean over all elements, as in
            the official code.
        supervision_radius_px: r1 (paper: 3 at 512 px); None scales it as the official code does.
        tracking_radius_px: r2 (paper: 12 at 512 px); None scales it as the official code does.
    """

    feature_block: int = 128
    dragged_rows: int = 6
    learning_rate: float = 2e-3
    mask_weight: float = 20.0
    supervision_radius_px: int | None = None
    tracking_radius_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceStep:
    """What one step did.

    Attributes:
        step_index: 0 for the first step.
        loss: the loss before the update.
        handles: (K, 2), where the handle points were found after the update.
        distances_px: (K,), from there to their targets.
        has_arrived: every handle is within the paper's d of its target: 1 px for up to five points,
            2 px for more.
    """

    step_index: int
    loss: float
    handles: Tensor
    distances_px: Tensor
    has_arrived: bool


class ReferenceDrag:
    """One drag.

    Args:
        generator: the fused generator, any floating type.
        w_plus: (1, num_ws, w_dim), where the drag begins.
        handles_px: K handle points.
        targets_px: K target points.
        editable_mask: (S, S) in [0, 1], 1 = may move; None = everything may.
        params: the settings.
    """

    def __init__(
        self,
        generator: FusedGenerator,
        w_plus: Tensor,
        handles_px: Sequence[XY],
        targets_px: Sequence[XY],
        editable_mask: Tensor | None = None,
        params: ReferenceParams | None = None,
    ) -> None:
        self.params = params or ReferenceParams()
        self.generator = generator
        size = generator.resolution
        radii = self.params.supervision_radius_px, self.params.tracking_radius_px
        self.supervision_radius_px = round(3 / 512 * size) if radii[0] is None else radii[0]
        self.tracking_radius_px = round(12 / 512 * size) if radii[1] is None else radii[1]
        self.handles = w_plus.new_tensor(handles_px)  # (K, 2)
        self.targets = w_plus.new_tensor(targets_px)  # (K, 2)
        self.editable_mask = editable_mask
        rows = self.params.dragged_rows
        self.dragged = w_plus[:, :rows].detach().clone().requires_grad_()  # (1, rows, w_dim)
        self.kept = w_plus[:, rows:].detach().clone()
        self.optimizer = torch.optim.Adam([self.dragged], lr=self.params.learning_rate)
        self.step_index = 0
        self.features = self._features()
        self.first_features = self.features.detach()
        self.templates = pixels_at(self.first_features, self.handles)  # (K, C)

    @property
    def w_plus(self) -> Tensor:
        """The w+ of now, (1, num_ws, w_dim)."""
        return torch.cat([self.dragged, self.kept], dim=1)

    def loss(self) -> Tensor:
        """Gives the loss of the features of now: motion supervision and mask term (Eq. 1)."""
        loss = motion_supervision_loss(
            self.features, self.handles, self.targets, self.supervision_radius_px
        )
        if self.editable_mask is not None:
            change = (self.features - self.first_features) * (1.0 - self.editable_mask)
            loss = loss + self.params.mask_weight * change.abs().mean()
        return loss

    def step(self) -> ReferenceStep:
        """Supervises, updates and tracks once; where every handle is left alone, nothing moves."""
        loss = self.loss()
        if loss.requires_grad:
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        # The weights' gradients, which the official loop lets pile up, cost what they cost and go.
        for weight in self.generator.weights.values():
            weight.grad = None
        self.features = self._features()
        self.handles = track_points(
            self.features.detach(), self.templates, self.handles, self.tracking_radius_px
        )
        self.step_index += 1
        distances = (self.targets - self.handles).norm(dim=1)
        tolerance_px = 1.0 if len(distances) <= 5 else 2.0
        return ReferenceStep(
            step_index=self.step_index - 1,
            loss=float(loss.detach()),
            handles=self.handles,
            distances_px=distances,
            has_arrived=bool((distances <= tolerance_px).all()),
        )

    def _features(self) -> Tensor:
        """Gives the features at the size of the image, (1, C, S, S)."""
        rendering = self.generator.synthesis(self.w_plus, feature_block=self.params.feature_block)
        size = self.generator.resolution
        return F.interpolate(rendering.features, size=(size, size), mode="bilinear")


def motion_supervision_loss(
    features: Tensor, handles: Tensor, targets: Tensor, radius_px: int
) -> Tensor:
    """Gives the sum over the handles of the mean of |F(q + d) - F(q)|, F(q) being held (Eq. 1).

    The q are the pixels nearer than the radius to the handle, d is the unit vector to the target.
    As in the official code, the mean over pixels and channels stands for the paper's sum, and a
    handle within 1 px of its target is left alone.

    Args:
        features: (1, C, H, W).
        handles: (K, 2), (x, y) in px.
        targets: (K, 2), (x, y) in px.
        radius_px: r1.

    Returns:
        A scalar.
    """
    height, width = features.shape[2:]
    centres_y = torch.arange(height, dtype=features.dtype, device=features.device) + 0.5
    centres_x = torch.arange(width, dtype=features.dtype, device=features.device) + 0.5
    loss = features.new_zeros(())
    for handle, target in zip(handles, targets, strict=True):
        way = target - handle
        if way.norm() <= 1.0:
            continue
        direction = way / way.norm()
        distance = torch.hypot(centres_x[None, :] - handle[0], centres_y[:, None] - handle[1])
        row, column = (distance < radius_px).nonzero(as_tuple=True)
        here = features[0, :, row, column].detach()  # (C, pixels)
        points = torch.stack([centres_x[column], centres_y[row]], dim=1) + direction
        loss = loss + (_sample(features, points) - here).abs().mean()
    return loss


def track_points(features: Tensor, templates: Tensor, handles: Tensor, radius_px: int) -> Tensor:
    """Finds each handle anew: the pixel near it whose features are nearest to its template (Eq. 2).

    "Near" is a square of 2 r2 + 1 pixels a side, "nearest" is by L1 as in the paper (the official
    code has L2).

    Args:
        features: (1, C, H, W).
        templates: (K, C), the features of the handles before the first step.
        handles: (K, 2), (x, y) in px.
        radius_px: r2.

    Returns:
        (K, 2), (x, y) of pixel centres.
    """
    height, width = features.shape[2:]
    found = []
    for template, (x, y) in zip(templates, handles.tolist(), strict=True):
        left, top = max(math.floor(x) - radius_px, 0), max(math.floor(y) - radius_px, 0)
        right = min(math.floor(x) + radius_px + 1, width)
        bottom = min(math.floor(y) + radius_px + 1, height)
        window = features[0, :, top:bottom, left:right]  # (C, rows, columns)
        difference = (window - template[:, None, None]).abs().sum(dim=0)
        row, column = divmod(int(difference.argmin()), right - left)
        found.append((left + column + 0.5, top + row + 0.5))
    return handles.new_tensor(found)


def pixels_at(features: Tensor, points: Tensor) -> Tensor:
    """Gives the features (K, C) of the pixels that hold the points (K, 2)."""
    column, row = points.floor().long().unbind(dim=1)
    return features[0, :, row, column].t()


def _sample(features: Tensor, points: Tensor) -> Tensor:
    """Gives the features (C, P) at points (P, 2) in px, bilinear; zero outside, as in the code."""
    size = points.new_tensor([features.shape[3], features.shape[2]])
    grid = (points / size * 2.0 - 1.0)[None, None]  # (1, 1, P, 2)
    return F.grid_sample(features, grid, mode="bilinear", align_corners=False)[0, :, 0]
