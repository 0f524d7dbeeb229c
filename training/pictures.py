"""Procedural pictures of animal heads: what the practice model learns, with every keypoint exact.

A head is an ellipsoid seen from the front. What is painted on it (eyes, brows, stripes, cheeks)
lives in the ellipsoid's own coordinates and therefore turns with it; what stands out of it (muzzle,
nose, jaw, ears) hangs on points in space that are turned and projected. Everything is a continuous
function of a few named factors and of the place in the frame: a picture can be drawn at any size.

Frames: `frame` coordinates are (x, y) in [0, 1], x to the right, y down, over the square picture.
`head` coordinates are (x, y, z) on the unit ball, z towards the viewer, before the head is turned.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One continuous property of a picture.

    Attributes:
        name: what it is called.
        low: the least value, in the factor's own unit.
        high: the greatest value.
        meaning: unit and direction, in a few words.
    """

    name: str
    low: float
    high: float
    meaning: str


FACTORS: tuple[Factor, ...] = (
    Factor(name="yaw", low=-0.60, high=0.60, meaning="radians, positive turns the nose right"),
    Factor(name="pitch", low=-0.30, high=0.34, meaning="radians, positive turns the nose down"),
    Factor(name="mouth_open", low=0.0, high=1.0, meaning="0 shut, 1 wide open"),
    Factor(name="smile", low=-0.8, high=1.0, meaning="corners of the mouth, positive up"),
    Factor(name="eye_open", low=0.12, high=1.0, meaning="share of the round eye that shows"),
    Factor(name="gaze", low=-1.0, high=1.0, meaning="positive looks right"),
    Factor(name="brow_height", low=0.0, high=1.0, meaning="0 on the eye, 1 high"),
    Factor(name="ear_length", low=0.45, high=1.15, meaning="in radii of the head"),
    Factor(name="ear_spread", low=-0.05, high=0.75, meaning="radians from upright, outwards"),
    Factor(name="fur_hue", low=-0.03, high=0.14, meaning="turns of the wheel, red to yellow"),
    Factor(name="fur_lightness", low=0.38, high=0.95, meaning="HSV value of the fur"),
    Factor(name="stripes", low=0.0, high=1.0, meaning="0 plain, 1 strongly striped"),
    Factor(name="eye_hue", low=0.08, high=0.62, meaning="turns of the wheel, amber to blue"),
    Factor(name="background_hue", low=0.25, high=0.95, meaning="turns of the wheel"),
    Factor(name="fur_saturation", low=0.15, high=1.0, meaning="0 grey, 1 full colour"),
    Factor(name="spots", low=-1.0, high=1.0, meaning="0 and below plain, 1 strongly spotted"),
    Factor(name="light_side", low=-0.75, high=0.75, meaning="positive: light from the right"),
    Factor(name="background_lightness", low=0.35, high=1.0, meaning="0 black, 1 bright"),
    Factor(name="horizon", low=0.42, high=1.05, meaning="height of the ground, frame, down"),
    Factor(name="head_width", low=0.90, high=1.10, meaning="of the middle width"),
    Factor(name="eye_size", low=0.82, high=1.15, meaning="of the middle size"),
)

KEYPOINTS: tuple[str, ...] = (
    "nose",
    "eye_left",
    "eye_right",
    "brow_left",
    "brow_right",
    "ear_tip_left",
    "ear_tip_right",
    "lip_upper",
    "lip_lower",
    "chin",
    "cheek_left",
    "cheek_right",
)
"""Names of the keypoints, left and right as the viewer sees them."""

HEAD_CENTRE = (0.5, 0.59)
HEAD_RADIUS = (0.330, 0.305)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A batch of pictures with their keypoints.

    Attributes:
        images: (N, 3, S, S), float32, RGB in [0, 1].
        keypoints: (N, K, 2), float32, (x, y) in frame coordinates, in the order of `KEYPOINTS`.
    """

    images: Tensor
    keypoints: Tensor


def factors_from_z(z: Tensor) -> Tensor:
    """Gives the factors that a latent stands for.

    The mapping network sees only the direction of z (it normalises its input), so the factors are a
    function of that direction: the normal distribution function of its first coordinates, scaled to
    each factor's range. For z ~ N(0, 1) every factor is very nearly uniform.

    Args:
        z: (N, z_dim), float32, z_dim >= number of factors.

    Returns:
        (N, F), float32, each column in its factor's range.
    """
    direction = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
    share = torch.special.ndtr(direction[:, : len(FACTORS)])
    low = torch.tensor([factor.low for factor in FACTORS], device=z.device)
    high = torch.tensor([factor.high for factor in FACTORS], device=z.device)
    factors: Tensor = low + share * (high - low)
    return factors


def middle_factors(count: int = 1) -> Tensor:
    """Gives `count` equal rows with every factor in the middle of its range: (count, F)."""
    return torch.tensor([[(f.low + f.high) / 2 for f in FACTORS]]).repeat(count, 1)


def draw(factors: Tensor, size: int) -> Drawing:
    """Draws one picture for each row of factors.

    Args:
        factors: (N, F), float32, in the units and order of `FACTORS`.
        size: side of the square picture in px.

    Returns:
        The pictures and their keypoints, on the device of `factors`.
    """
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS):
        raise ValueError(f"factors must be (N, {len(FACTORS)}), got {tuple(factors.shape)}")
    return Painter(factors, size).drawing()


class Painter:
    """Lays the parts of the head over each other, from the back to the front.

    A subclass may paint more on a part, right after it.

    Args:
        factors: (N, F), float32, in the units and order of `FACTORS`.
        size: side of the square picture in px.
    """

    def __init__(self, factors: Tensor, size: int) -> None:
        self.device = factors.device
        self.value = {f.name: factors[:, i, None, None] for i, f in enumerate(FACTORS)}
        self.soft = max(1.0 / size, 0.004)  # an edge is one pixel wide, and never a hard step
        centres = (torch.arange(size, device=self.device) + 0.5) / size
        self.x = centres[None, None, :]
        self.y = centres[None, :, None]
        self.canvas = torch.zeros(len(factors), 3, size, size, device=self.device)
        self.keypoints: dict[str, Tensor] = {}
        self._set_rotation()
        self._set_colours()

    def drawing(self) -> Drawing:
        """Paints all parts and gives the pictures with their keypoints."""
        self._background()
        self._body()
        for side in (-1.0, 1.0):
            self._ear(side)
        self._head()
        for side in (-1.0, 1.0):
            self._cheek(side)
            self._eye(side)
            self._brow(side)
        self._mouth()
        keypoints = torch.stack([self.keypoints[name] for name in KEYPOINTS], dim=1)  # (N, K, 2)
        return Drawing(images=self.canvas.clamp(0.0, 1.0), keypoints=keypoints)

    # -- geometry ------------------------------------------------------------------------------

    def _set_rotation(self) -> None:
        yaw, pitch = self.value["yaw"], self.value["pitch"]
        self.sin_yaw, self.cos_yaw = yaw.sin(), yaw.cos()
        self.sin_pitch, self.cos_pitch = pitch.sin(), pitch.cos()
        self.radius_x = HEAD_RADIUS[0] * self.value["head_width"]
        u = (self.x - HEAD_CENTRE[0]) / self.radius_x
        v = (self.y - HEAD_CENTRE[1]) / HEAD_RADIUS[1]
        self.outline = self._inside((u * u + v * v + 1e-12).sqrt(), HEAD_RADIUS[1])
        w = (1.0 - u * u - v * v).clamp(min=0.0).sqrt()
        # The transposed rotation takes a seen point back to where it sits on the unturned head.
        y1 = v * self.cos_pitch - w * self.sin_pitch
        z1 = v * self.sin_pitch + w * self.cos_pitch
        self.local_x = u * self.cos_yaw - z1 * self.sin_yaw
        self.local_y = y1
        self.local_z = u * self.sin_yaw + z1 * self.cos_yaw

    def _project(
        self, x: Tensor | float, y: Tensor | float, z: Tensor | float
    ) -> tuple[Tensor, Tensor]:
        """Turns a point of the head and gives its place in the frame: two (N, 1, 1)."""
        zero = torch.zeros_like(self.sin_yaw)
        x, y, z = zero + x, zero + y, zero + z
        x1 = x * self.cos_yaw + z * self.sin_yaw
        z1 = -x * self.sin_yaw + z * self.cos_yaw
        y2 = y * self.cos_pitch + z1 * self.sin_pitch
        return HEAD_CENTRE[0] + self.radius_x * x1, HEAD_CENTRE[1] + HEAD_RADIUS[1] * y2

    def _mark(self, name: str, place: tuple[Tensor, Tensor]) -> None:
        self.keypoints[name] = torch.cat([place[0].flatten(1), place[1].flatten(1)], dim=1)

    # -- painting ------------------------------------------------------------------------------

    def _paint(self, coverage: Tensor, colour: Tensor) -> None:
        """Lays a colour, (N, 3, 1, 1) or (N, 3, S, S), over the canvas by a coverage (N, S, S)."""
        coverage = coverage.unsqueeze(1)
        self.canvas = self.canvas + coverage * (colour - self.canvas)

    def _inside(self, level: Tensor, scale: float | Tensor) -> Tensor:
        """Coverage of the set `level < 1`, where `level` grows by 1 over `scale` of the frame."""
        distance = (level - 1.0) * scale
        return (0.5 - distance / self.soft).clamp(0.0, 1.0)

    def _ellipse(
        self, centre: tuple[Tensor, Tensor], radius: tuple[Tensor | float, Tensor | float]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Coverage of an ellipse in the frame, and its own coordinates (1 at its rim)."""
        u = (self.x - centre[0]) / radius[0]
        v = (self.y - centre[1]) / radius[1]
        level = (u * u + v * v + 1e-12).sqrt()
        slope = 0.5 * (torch.as_tensor(radius[0]) + torch.as_tensor(radius[1]))
        return self._inside(level, slope.to(self.device)), u, v

    def _spot(
        self,
        x: Tensor | float,
        y: Tensor | float,
        a: Tensor | float,
        b: Tensor | float,
        tilt: float = 0.0,
    ) -> Tensor:
        """Coverage of an ellipse painted on the front of the head, in head coordinates."""
        dx, dy = self.local_x - x, self.local_y - y
        dy = dy - tilt * dx
        level = ((dx / a).square() + (dy / b).square() + 1e-12).sqrt()
        scale = torch.as_tensor(b, device=self.device).clamp(max=1.0) * HEAD_RADIUS[1]
        return self._inside(level, scale) * (self.local_z > 0.0) * self.outline

    def _shaded(self, colour: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """The colour of a ball lit from above and from one side: (N, 3, S, S)."""
        w = (1.0 - u * u - v * v).clamp(min=0.0).sqrt()
        light = (self.value["light_side"] * u - 0.55 * v + 0.70 * w).clamp(min=0.0)
        return colour * (0.62 + 0.46 * light).unsqueeze(1)

    # -- parts ---------------------------------------------------------------------------------

    def _set_colours(self) -> None:
        lightness = self.value["fur_lightness"]
        saturation = (0.78 - 0.30 * lightness) * self.value["fur_saturation"]
        self.fur = _hsv(self.value["fur_hue"], saturation, lightness)
        self.fur_dark = self.fur * 0.42
        cream = torch.tensor([0.98, 0.92, 0.82], device=self.device)[None, :, None, None]
        self.cream = self.fur + 0.66 * (cream - self.fur)

    def _background(self) -> None:
        """A sky with a glow where the light comes from, and a ground."""
        hue, lightness = self.value["background_hue"], self.value["background_lightness"]
        top = _hsv(hue, 0.30 + 0.0 * hue, 0.95 * lightness)
        low = _hsv(hue + 0.06, 0.42 + 0.0 * hue, 0.72 * lightness)
        self.canvas = top + (low - top) * self.y.unsqueeze(1) + 0.0 * self.canvas
        across = (self.x - 0.5 - 0.55 * self.value["light_side"]) / 0.38
        glow = (-across.square() - ((self.y - 0.12) / 0.34).square()).exp()
        self._paint(0.38 * glow, torch.ones_like(top))
        ground = _hsv(hue + 0.16, 0.45 + 0.0 * hue, 0.52 * lightness)
        hill = self.value["horizon"] + 0.05 * (6.0 * self.x + 7.0 * hue).sin()
        self._paint((0.5 + (self.y - hill) / 0.02).clamp(0.0, 1.0), ground)

    def _body(self) -> None:
        centre = (0.5 + 0.05 * self.sin_yaw, torch.full_like(self.sin_yaw, 1.12))
        coverage, u, v = self._ellipse(centre, (0.37, 0.29))
        self._paint(coverage, self._shaded(self.fur * 0.86, u, v))
        bib, u, v = self._ellipse((centre[0] + 0.06 * self.sin_yaw, centre[1]), (0.19, 0.22))
        self._paint(bib * 0.8, self._shaded(self.cream * 0.92, u, v))

    def _ear(self, side: float) -> None:
        length, spread = self.value["ear_length"], self.value["ear_spread"]
        base_x, base_y, base_z = 0.52 * side, -0.62, -0.10
        base = self._project(base_x, base_y, base_z)
        tip = self._project(
            base_x + side * length * spread.sin(), base_y - length * spread.cos(), base_z - 0.15
        )
        axis_x, axis_y = tip[0] - base[0], tip[1] - base[1]
        reach = (axis_x.square() + axis_y.square()).sqrt()
        dx, dy = self.x - base[0], self.y - base[1]
        along = (dx * axis_x + dy * axis_y) / reach.square()
        across = (dx * axis_y - dy * axis_x).abs() / reach
        taper = (1.0 - along).clamp(min=0.0)
        belly = 0.108 * taper.pow(0.62) * (0.72 + 0.55 * along.clamp(0.0, 1.0))
        outer = (0.5 + (belly - across) / self.soft).clamp(0.0, 1.0)
        outer = outer * (along > -0.6) * (0.5 + (1.0 - along) * reach / self.soft).clamp(0.0, 1.0)
        dark_tip = ((along - 0.62) / 0.22).clamp(0.0, 1.0).unsqueeze(1)
        coat = self.fur * (0.80 + 0.10 * side * -1.0)
        self._paint(outer, coat + dark_tip * (self.fur_dark - coat))
        inner = (0.5 + (0.58 * belly - 0.012 - across) / self.soft).clamp(0.0, 1.0)
        inner = inner * ((0.72 - along) / 0.10).clamp(0.0, 1.0) * (along > -0.6)
        pink = torch.tensor([0.93, 0.62, 0.60], device=self.device)[None, :, None, None]
        self._paint(inner, pink * (0.55 + 0.45 * self.value["fur_lightness"].unsqueeze(1)))
        self._mark("ear_tip_left" if side < 0 else "ear_tip_right", tip)

    def _head(self) -> None:
        centre = tuple(torch.full_like(self.sin_yaw, c) for c in HEAD_CENTRE)
        coverage, u, v = self._ellipse((centre[0], centre[1]), HEAD_RADIUS)
        coat = self._shaded(self.fur, u, v)
        # Bands across the brow and along the cheeks, in the head's own coordinates.
        wave = (15.0 * self.local_y + 5.0 * self.local_x.abs() + 2.2).sin()
        band = ((wave - 0.15) / 0.5).clamp(0.0, 1.0)
        band = band * ((-0.28 - self.local_y) / 0.12).clamp(0.0, 1.0).maximum(
            ((self.local_x.abs() - 0.66) / 0.10).clamp(0.0, 1.0)
        )
        shade = 1.0 - 0.55 * self.value["stripes"] * band
        dapple = (9.0 * self.local_x + 2.0 * self.local_y).cos() * (10.0 * self.local_y).sin()
        dapple = ((dapple - 0.45) / 0.18).clamp(0.0, 1.0) * (self.local_y < 0.75)
        shade = shade * (1.0 - 0.50 * self.value["spots"].clamp(min=0.0) * dapple)
        self._paint(coverage, coat * shade.unsqueeze(1))

    def _eye(self, side: float) -> None:
        x, y = 0.40 * side, -0.10
        opening, size = self.value["eye_open"], self.value["eye_size"]
        rim = self._spot(x, y, 0.200 * size, 0.035 + 0.185 * opening * size)
        self._paint(rim, self.fur_dark * 0.55)
        white = self._spot(x, y, 0.170 * size, 0.165 * opening * size)
        self._paint(white, torch.full_like(self.fur, 0.97))
        look = x + 0.055 * self.value["gaze"]
        hue = self.value["eye_hue"]
        iris_colour = _hsv(hue, 0.75 + 0.0 * hue, 0.75 + 0.0 * hue)
        self._paint(self._spot(look, y, 0.112 * size, 0.112 * size) * white, iris_colour)
        pupil = self._spot(look, y, 0.062 * size, 0.062 * size) * white
        self._paint(pupil, torch.full_like(self.fur, 0.04))
        glint = self._spot(look - 0.04 * size, y - 0.045 * size, 0.030, 0.030) * white
        self._paint(glint, torch.ones_like(self.fur))
        depth = (1.0 - x * x - y * y) ** 0.5
        self._mark("eye_left" if side < 0 else "eye_right", self._project(x, y, depth))

    def _brow(self, side: float) -> None:
        x = 0.40 * side
        y = -0.33 - 0.16 * self.value["brow_height"]
        stroke = self._spot(x, y, 0.185, 0.042, tilt=0.22 * side)
        self._paint(stroke, self.fur_dark * 0.45)
        depth = (1.0 - x * x - y.square()).sqrt()
        self._mark("brow_left" if side < 0 else "brow_right", self._project(x, y, depth))

    def _cheek(self, side: float) -> None:
        x, y = 0.60 * side, 0.20
        blush = torch.tensor([0.95, 0.45, 0.40], device=self.device)[None, :, None, None]
        self._paint(self._spot(x, y, 0.13, 0.10) * 0.55, blush + 0.0 * self.fur)
        for dx, dy in ((0.0, -0.055), (-0.055, 0.03), (0.055, 0.03)):
            freckle = self._spot(x + dx, y + dy, 0.030, 0.028)
            self._paint(0.8 * freckle, self.fur_dark * 0.6)
        depth = (1.0 - x * x - y * y) ** 0.5
        self._mark("cheek_left" if side < 0 else "cheek_right", self._project(x, y, depth))

    def _mouth(self) -> None:
        opening, smile = self.value["mouth_open"], self.value["smile"]
        jaw = self._project(0.0, 0.62 + 0.32 * opening, 0.72)
        coverage, u, v = self._ellipse(jaw, (0.112 - 0.010 * opening, 0.074))
        self._paint(coverage, self._shaded(self.cream * 0.94, u, v))
        # A lip that shows under a shut mouth too, and a tuft: what a drag can hold on to.
        rose = torch.tensor([0.72, 0.30, 0.32], device=self.device)[None, :, None, None]
        height = 0.18 * (1.0 - u.square() / 0.72).clamp(min=0.05)
        rim = self._inside((v + 0.16 + 0.3 * u.square()).abs() / height, 0.18 * 0.074) * coverage
        self._paint(0.8 * rim, rose * (0.45 + 0.55 * self.value["fur_lightness"].unsqueeze(1)))
        tuft, _, _ = self._ellipse((jaw[0], jaw[1] + 0.046), (0.026, 0.017))
        self._paint(tuft, self.fur_dark * 0.8)
        self._mark("chin", (jaw[0], jaw[1] + 0.046))
        self._mark("lip_lower", (jaw[0], jaw[1] - 0.012))
        muzzle = self._project(0.0, 0.33, 0.88)
        self._throat(muzzle, jaw)
        coverage, u, v = self._ellipse(muzzle, (0.142, 0.088))
        self._paint(coverage, self._shaded(self.cream, u, v))
        # The line of the upper lip: a parabola over the muzzle whose ends rise with the smile.
        rise = 0.74 - 0.46 * smile * u.square()
        lip = self._inside((v - rise).abs() / 0.09, 0.09 * 0.088) * (u.abs() < 0.82) * coverage
        cleft = self._inside(u.abs() / 0.05, 0.05 * 0.142) * (v < 0.74) * (v > -0.2) * coverage
        self._paint(lip.maximum(cleft), self.fur_dark * 0.40)
        for place in ((-0.62, 0.05), (-0.42, 0.28), (0.62, 0.05), (0.42, 0.28)):
            dot = (
                ((u - place[0]) / 0.058).square() + ((v - place[1]) / 0.09).square() + 1e-12
            ).sqrt()
            self._paint(0.8 * self._inside(dot, 0.008), self.fur_dark * 0.7)
        self._mark("lip_upper", (muzzle[0], muzzle[1] + 0.74 * 0.088))
        nose = self._project(0.0, 0.18, 1.10)
        coverage, u, v = self._ellipse(nose, (0.056, 0.042))
        self._paint(coverage, torch.full_like(self.fur, 0.10))
        glint, _, _ = self._ellipse((nose[0] - 0.016, nose[1] - 0.014), (0.016, 0.010))
        self._paint(glint * 0.8, torch.ones_like(self.fur))
        self._mark("nose", nose)

    def _throat(self, muzzle: tuple[Tensor, Tensor], jaw: tuple[Tensor, Tensor]) -> None:
        """What an open mouth shows between the muzzle and the jaw: darkness, and a tongue."""
        opening = self.value["mouth_open"]
        centre = (0.5 * (muzzle[0] + jaw[0]), 0.5 * (muzzle[1] + 0.055 + jaw[1]))
        gape, _, v = self._ellipse(centre, (0.090, 0.034 + 0.050 * opening))
        above_lip = ((jaw[1] - 0.024 - self.y) / self.soft).clamp(0.0, 1.0)
        gape = gape * above_lip * (opening / 0.08).clamp(0.0, 1.0)
        dark = torch.tensor([0.28, 0.05, 0.07], device=self.device)[None, :, None, None]
        tongue = torch.tensor([0.90, 0.36, 0.40], device=self.device)[None, :, None, None]
        lower = ((v - 0.05) / 0.35).clamp(0.0, 1.0).unsqueeze(1)
        self._paint(gape, dark + lower * (tongue - dark))


def _hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """RGB (N, 3, 1, 1) from hue in turns, saturation and value in [0, 1], each (N, 1, 1)."""
    shift = torch.tensor([5.0, 3.0, 1.0], device=hue.device)[None, :, None, None]
    k = (shift + 6.0 * hue.unsqueeze(1)) % 6.0
    ramp = torch.minimum(k, 4.0 - k).clamp(0.0, 1.0)
    value, saturation = value.unsqueeze(1), saturation.unsqueeze(1)
    return value - value * saturation * ramp
