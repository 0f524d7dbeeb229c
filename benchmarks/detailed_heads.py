"""Heads that carry what the practice model cannot say.

Fur, a scar, a painted patch, freckles, banded ears and a notch in a brow travel with the head; the
wall behind it is patterned and stays. All of it is a function of place: it can be drawn at any size
and in any pose.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from training.pictures import HEAD_RADIUS, Drawing, Painter

PATCH_PLACES = ((0.0, -0.46), (0.0, -0.72), (-0.38, 0.48), (0.38, 0.48), (-0.66, -0.42))
SCARS = (
    ((-0.70, 0.02), (-0.32, 0.36)),
    ((0.30, -0.62), (0.62, -0.30)),
    ((0.24, 0.30), (0.56, 0.02)),
    ((-0.12, -0.34), (0.14, 0.02)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a picture has and the model cannot say; lengths in radii of the head or of the frame.

    Attributes:
        waves: (M, 4), wave vectors and phases of the fur on the ball of the head.
        patch: x, y, radius and hue of a painted star.
        scar: both ends.
        freckles: (M, 2).
        bands: how many on an ear.
        notched: side of the notched brow.
        wall: wave number, tilt and strength of the pattern behind the head.
        cast: (1, 3, 1, 1), what each channel is multiplied by.
    """

    waves: Tensor
    patch: tuple[float, float, float, float]
    scar: tuple[tuple[float, float], tuple[float, float]]
    freckles: Tensor
    bands: float
    notched: float
    wall: tuple[float, float, float]
    cast: Tensor

    @classmethod
    def by_chance(cls, source: torch.Generator) -> Self:
        """Draws them."""

        def between(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(*shape, generator=source)

        def one_of(count: int) -> int:
            return int(torch.randint(count, (1,), generator=source))

        directions = torch.randn(6, 3, generator=source)
        directions = directions / directions.norm(dim=1, keepdim=True)
        vectors = directions * between(100.0, 190.0, 6, 1)
        patch = PATCH_PLACES[one_of(len(PATCH_PLACES))]
        freckled = torch.tensor([between(-0.5, 0.5, 1).item(), between(-0.75, 0.5, 1).item()])
        return cls(
            waves=torch.cat([vectors, between(0.0, 2.0 * math.pi, 6, 1)], dim=1),
            patch=(*patch, between(0.09, 0.16, 1).item(), between(0.3, 0.85, 1).item()),
            scar=SCARS[one_of(len(SCARS))],
            freckles=freckled + 0.12 * torch.randn(12, 2, generator=source),
            bands=float(one_of(4)),
            notched=(-1.0, 1.0)[one_of(2)],
            wall=(
                between(180.0, 300.0, 1).item(),
                between(0.0, 1.5, 1).item(),
                between(0.05, 0.15, 1).item(),
            ),
            cast=between(0.93, 1.05, 1, 3, 1, 1),
        )


class DetailedHead(Painter):
    """A head that carries details.

    Args:
        factors: (1, F), in the units and order of `FACTORS`.
        size: side of the square picture in px.
        details: what it carries.

    Attributes:
        opacity: (1, 1, S, S), in [0, 1], once it is drawn.
    """

    def __init__(self, factors: Tensor, size: int, details: Details) -> None:
        super().__init__(factors, size)
        self.details = details
        self.opacity = torch.ones(1, 1, size, size)

    def _background(self) -> None:
        super()._background()
        number, tilt, strength = self.details.wall
        along = self.x * math.cos(tilt) + self.y * math.sin(tilt)
        across = self.y * math.cos(tilt) - self.x * math.sin(tilt)
        lattice = (number * along).sin() * (number * across).sin()  # (1, S, S)
        self._shade(strength * lattice)

    def _ear(self, side: float) -> None:
        super()._ear(side)
        base = self._project(0.52 * side, -0.62, -0.10)
        tip = self.keypoints["ear_tip_left" if side < 0 else "ear_tip_right"]
        axis_x, axis_y = tip[:, 0, None, None] - base[0], tip[:, 1, None, None] - base[1]
        reach = (axis_x.square() + axis_y.square()).sqrt()
        dx, dy = self.x - base[0], self.y - base[1]
        along = (dx * axis_x + dy * axis_y) / reach.square()
        across = (dx * axis_y - dy * axis_x).abs() / reach
        taper = (1.0 - along).clamp(min=0.0)
        width = 0.108 * taper.pow(0.62) * (0.72 + 0.55 * along.clamp(0.0, 1.0)) - self.soft
        inside = (0.5 + (width - across) / self.soft).clamp(0.0, 1.0) * (along > 0.2)
        for index in range(int(self.details.bands)):
            band = ((along - 0.40 - 0.16 * index).abs() / 0.035).clamp(max=1.0)
            self._paint(0.85 * inside * (1.0 - band.pow(4)), self.cream)

    def _head(self) -> None:
        super()._head()
        self._fur()
        self._patch()
        self._scar()
        for x, y in self.details.freckles.tolist():
            self._paint(0.8 * self._spot(x, y, 0.020, 0.020), self.fur_dark * 0.7)

    def _brow(self, side: float) -> None:
        super()._brow(side)
        if side == self.details.notched:
            y = -0.33 - 0.16 * self.value["brow_height"]
            self._paint(self._spot(0.46 * side, y, 0.022, 0.075), self.fur)

    def _mouth(self) -> None:
        """The jaw is hatched below its lip, where the muzzle leaves it free."""
        super()._mouth()
        chin = self.keypoints["chin"][:, :, None, None]
        jaw, u, v = self._ellipse((chin[:, 0], chin[:, 1] - 0.046), (0.10, 0.070))
        muzzle, _, _ = self._ellipse(self._project(0.0, 0.33, 0.88), (0.145, 0.092))
        free = jaw * (1.0 - muzzle) * ((v - 0.05) / 0.1).clamp(0.0, 1.0)
        self._shade(0.14 * free * (40.0 * u + 6.0 * v).sin())

    def _fur(self) -> None:
        ball = torch.stack([self.local_x, self.local_y, self.local_z], dim=-1)
        phases = ball @ self.details.waves[:, :3].T + self.details.waves[:, 3]
        self._shade(0.10 * self.outline * phases.sin().mean(dim=-1) * 6.0**0.5)

    def _patch(self) -> None:
        x, y, radius, hue = self.details.patch
        dx, dy = self.local_x - x, self.local_y - y
        rays = 1.0 + 0.35 * (5.0 * torch.atan2(dy, dx)).cos()
        level = (dx.square() + dy.square()).sqrt() / (radius * rays)
        star = self._inside(level, radius * HEAD_RADIUS[1]) * (self.local_z > 0.0) * self.outline
        shift = torch.tensor([0.0, 1.0 / 3.0, 2.0 / 3.0])[None, :, None, None]
        self._paint(0.9 * star, 0.5 + 0.4 * (2.0 * math.pi * (hue - shift)).cos())

    def _scar(self) -> None:
        start, end = (torch.tensor(p) for p in self.details.scar)
        length = float((end - start).norm())
        way = ((end - start) / length).tolist()
        dx, dy = self.local_x - float(start[0]), self.local_y - float(start[1])
        along, across = dx * way[0] + dy * way[1], (dx * way[1] - dy * way[0]).abs()
        on_line = (along > 0.0) * (along < length) * (self.local_z > 0.0) * self.outline
        stitch = (along * 12.0 * math.pi).sin().clamp(min=0.0).pow(8) * (across < 0.045)
        line = self._inside(across / 0.016, 0.016 * HEAD_RADIUS[1])
        rose = torch.tensor([0.86, 0.52, 0.50])[None, :, None, None]
        self._paint(0.85 * on_line * line.maximum(stitch), rose)

    def _shade(self, share: Tensor) -> None:
        """Makes what is there lighter or darker by a share (N, S, S)."""
        self.canvas = self.canvas * (1.0 + share.unsqueeze(1))


class CutOutHead(DetailedHead):
    """The same head without the wall: its colours are straight, and grey where nothing is."""

    def drawing(self) -> Drawing:
        """Paints all parts and gives the picture with its keypoints."""
        self.opacity = torch.zeros_like(self.opacity)
        drawn = super().drawing()
        straight = drawn.images / self.opacity.clamp(min=1e-6)
        images = torch.where(self.opacity > 0.0, straight, 0.5).clamp(0.0, 1.0)
        return replace(drawn, images=images)

    def _background(self) -> None:
        """Nothing: on black, paint is weighted by its opacity."""

    def _paint(self, coverage: Tensor, colour: Tensor) -> None:
        super()._paint(coverage, colour)
        self.opacity = self.opacity + coverage.unsqueeze(1) * (1.0 - self.opacity)
