"""A generator with nothing to learn: its w says where blobs are, so every drag has a known answer.

Its map shows two Gaussian blobs, each in three channels of its own (the blob and its two slopes).
Row 0 of w+ moves the first, row 1 the second; where the second follows the first, a pin or a mask
has something to hold back. The last two rows reach the render alone.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.generator.held import Held, Rows

BLOCK = 16
SIGMA = 1.5
FIRST = (5.0, 5.0)
SECOND = (11.0, 11.0)


@dataclass(frozen=True, kw_only=True)
class BlobGenerator:
    """The blobs' generator.

    Attributes:
        px_per_w: feature px that a blob moves for 1 in w; 0 makes a picture that no w moves.
        follows: share of the first blob's way that the second goes with it.
    """

    px_per_w: float = 1.0
    follows: float = 0.0
    w_dim: int = 2
    num_ws: int = 4
    resolution: int = 32

    @property
    def w_avg(self) -> Tensor:
        return torch.zeros(2)

    def sample_w(self, count: int, *, seed: int) -> Tensor:
        return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))

    def rows_until(self, block: int) -> int:
        return 2

    def features(self, rows: Rows, block: int, held: Held | None = None) -> Tensor:
        assert block == BLOCK
        return self._held_maps(rows, BLOCK, held)

    def features_around(
        self, rows: Rows, block: int, centres: Tensor, reach: float, held: Held | None = None
    ) -> Tensor:
        return self.features(rows, block, held)

    def map_after(self, rows: Rows, count: int) -> Tensor:
        return self._maps(rows, BLOCK)

    def render(self, rows: Rows, held: Held | None = None) -> Tensor:
        maps = self._held_maps(rows, self.resolution, held)
        planes = torch.stack([maps[:, 0], maps[:, 3], 0.0 * maps[:, 0]], dim=1)
        return 2.0 * planes - 1.0 + 0.05 * rows[-1][:, :1, None, None]

    def _held_maps(self, rows: Rows, size: int, held: Held | None) -> Tensor:
        maps = self._maps(rows, size)
        return maps if held is None else held.blend(maps, self._maps(held.rows, size), size)

    def _maps(self, rows: Rows, size: int) -> Tensor:
        way = self.px_per_w * rows[0]
        first = rows[0].new_tensor(FIRST) + way
        second = rows[0].new_tensor(SECOND) + self.px_per_w * rows[1] + self.follows * way
        return torch.cat([blob(first, size), blob(second, size)], dim=1)


def blob(place: Tensor, size: int = BLOCK) -> Tensor:
    """Gives a blob and its slopes, (N, 3, size, size), at places (N, 2) in px of a 16 px map."""
    centres = (torch.arange(size, dtype=place.dtype) + 0.5) * (BLOCK / size)
    dx = (centres - place[:, :1])[:, None, :] / SIGMA
    dy = (centres - place[:, 1:])[:, :, None] / SIGMA
    hill = (-0.5 * (dx.square() + dy.square())).exp()
    return torch.stack([hill, hill * dx, hill * dy], dim=1)
