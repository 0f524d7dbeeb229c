"""Points and the frames that they live in: the only place that swaps (x, y) and (row, column).

Points are (x, y) in continuous pixels: pixel i covers [i, i + 1), its centre is i + 0.5. Going
from one frame to another is therefore pure multiplication. Frames here: `window` (the square
cut-out of the canvas), `generator` (the generator's image) and `feature` (the map of one of its
blocks).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Point(NamedTuple):
    """A place in continuous pixels of a frame."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPair:
    """A handle point and the target point it shall arrive at; equal points make a pin.

    Raises:
        ValueError: a coordinate is not a finite number.
    """

    handle: Point
    target: Point

    def __post_init__(self) -> None:
        if not all(math.isfinite(c) for c in (*self.handle, *self.target)):
            raise ValueError(
                f"a pair must be made of finite numbers, got {tuple(self.handle)} to "
                f"{tuple(self.target)}; draw the arrow again"
            )

    @property
    def is_pin(self) -> bool:
        """Whether the handle shall stay where it is."""
        return self.handle == self.target


def to_tensor(points: Sequence[Point], *, scale: float, device: torch.device) -> Tensor:
    """Gives points of one frame as (K, 2), float32, in another that is `scale` times as large."""
    return torch.tensor([[p.x, p.y] for p in points], device=device) * scale


def to_points(points: Tensor, *, scale: float) -> tuple[Point, ...]:
    """Gives (K, 2) of one frame as points in another that is `scale` times as large."""
    return tuple(Point(x * scale, y * scale) for x, y in points.tolist())


def sample(maps: Tensor, points: Tensor) -> Tensor:
    """Reads a map between its pixels, bilinearly; beyond the border the nearest pixel counts.

    Args:
        maps: (1, C, H, W).
        points: (..., 2), (x, y) in the map's own continuous pixels.

    Returns:
        (..., C); differentiable in `maps` and in `points`.
    """
    size = torch.tensor([maps.shape[3], maps.shape[2]], dtype=maps.dtype, device=maps.device)
    grid = (2.0 * points / size - 1.0).reshape(1, -1, 1, 2)
    values = F.grid_sample(maps, grid, padding_mode="border", align_corners=False)  # (1, C, M, 1)
    return values[0, :, :, 0].t().reshape(*points.shape[:-1], maps.shape[1])


def disc_offsets(radius: float, spacing: float, device: torch.device) -> Tensor:
    """Gives the offsets (M, 2) of a square grid that lie nearer than `radius`."""
    square = square_offsets(radius, spacing, device)
    return square[square.norm(dim=1) < radius - 1e-6]


def square_offsets(radius: float, spacing: float, device: torch.device) -> Tensor:
    """Gives the offsets (M, 2) of a square grid with |x| <= radius and |y| <= radius."""
    reach = math.floor(radius / spacing + 1e-6)
    axis = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32) * spacing
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)
