"""Places on a head that a drag can be judged by: where they truly are, and where a render has them.

Keypoints are read off a render by the keypoint detector. The upper lids are none of its keypoints;
they are read off by laying the render's eyes beside drawn eyes of every opening. The line of the
ground is where the colours beside the head change at once.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

from engine.geometry import sample
from training.keypoints import KeypointDetector, find_keypoints
from training.pictures import FACTORS, HEAD_CENTRE, HEAD_RADIUS, KEYPOINTS, draw

NAMES = [factor.name for factor in FACTORS]

POSE = (
    "yaw",
    "pitch",
    "mouth_open",
    "brow_height",
    "ear_length",
    "ear_spread",
    "head_width",
)
"""The factors that move keypoints."""

_POSE_STEPS = 8
_EYES = [KEYPOINTS.index(name) for name in ("eye_left", "eye_right")]
_OPENINGS = 33  # drawn eyes that a render's are compared with
_REACH = 0.09  # half the side of what is compared, share of the picture
_GRID = 24  # samples along a side of it

_UPRIGHT = (0.33, 1.0)  # heights between which a ground's line is sought: below the ears
_LINES = (0.35, 0.97)  # heights that it may have there
_FINENESS = 0.002  # of those heights
_RAMP = 0.02  # height over which sky turns to ground, as the drawings have it


class Marks(Protocol):
    """Places that a case drags and is judged by."""

    def true(self, factors: Tensor) -> Tensor:
        """Gives (K, 2), frame coordinates, in the drawing of factors (1, F)."""

    def found(self, render: Tensor) -> Tensor:
        """Gives (K, 2), frame coordinates, in a render (1, 3, S, S) in [0, 1]."""


class KeypointMarks:
    """Some of the keypoints.

    Args:
        names: which, of `KEYPOINTS`.
        detector: reads them off renders.
    """

    def __init__(self, names: list[str], detector: KeypointDetector) -> None:
        self.indices = [KEYPOINTS.index(name) for name in names]
        self.detector = detector

    def true(self, factors: Tensor) -> Tensor:
        """Gives (K, 2), frame coordinates, in the drawing of factors (1, F)."""
        return keypoints_of(factors)[self.indices]

    def found(self, render: Tensor) -> Tensor:
        """Gives (K, 2), frame coordinates, in a render (1, 3, S, S) in [0, 1]."""
        return find_keypoints(self.detector, render)[0, self.indices]


class UpperLids:
    """The tops of both eyes' rims.

    Args:
        factors: (1, F), the head that is dragged; only its eyes' opening is sought.
        detector: finds the eyes in a render.
    """

    def __init__(self, factors: Tensor, detector: KeypointDetector) -> None:
        self.factors, self.detector = factors, detector

    def true(self, factors: Tensor) -> Tensor:
        """Gives (2, 2), frame coordinates, in the drawing of factors (1, F)."""
        value = named(factors)
        y = -0.10 - (0.035 + 0.185 * value["eye_open"] * value["eye_size"])
        places = torch.tensor([[x, y, (1.0 - x * x - y * y) ** 0.5] for x in (-0.40, 0.40)])
        return turned(places, value)

    def found(self, render: Tensor) -> Tensor:
        """Gives (2, 2), frame coordinates, in a render (1, 3, S, S) in [0, 1]."""
        sweep = self.factors.repeat(_OPENINGS, 1)
        column = NAMES.index("eye_open")
        sweep[:, column] = torch.linspace(FACTORS[column].low, FACTORS[column].high, _OPENINGS)
        drawing = draw(sweep, render.shape[-1])
        eyes = find_keypoints(self.detector, render)[0, _EYES]  # (2, 2)
        seen = _patches(render, eyes[None])
        drawn = _patches(drawing.images, drawing.keypoints[:, _EYES])
        nearest = int((drawn - seen).abs().mean(dim=(1, 2)).argmin())
        lids = self.true(sweep[nearest : nearest + 1])
        return eyes + lids - drawing.keypoints[nearest, _EYES]


class SurfaceMarks:
    """Points painted on the ball of the head.

    No detector was trained for them. The head's pose follows from its keypoints, though, and where
    a point of its surface then is follows from the pose.

    Args:
        places: (K, 3), on the unit ball, head coordinates.
        factors: (1, F), the head that is dragged, from whose pose a render's is sought.
        detector: finds the keypoints.
    """

    def __init__(self, places: Tensor, factors: Tensor, detector: KeypointDetector) -> None:
        self.places, self.factors, self.detector = places, factors, detector

    def true(self, factors: Tensor) -> Tensor:
        """Gives (K, 2), frame coordinates, in the drawing of factors (1, F)."""
        return turned(self.places, named(factors))

    def found(self, render: Tensor) -> Tensor:
        """Gives (K, 2), frame coordinates, in a render (1, 3, S, S) in [0, 1]."""
        return self.true(posed_like(find_keypoints(self.detector, render)[0], self.factors))


class GroundLine:
    """The place where the line of the ground crosses an upright beside the head.

    No detector was trained for it. Along the upright the sky and the ground each change smoothly
    from the top to the bottom, and of all heights the line has the one at which a step of colour
    explains the rest best.

    Args:
        x: of the upright, frame; it must pass the head, its ears and its body.
    """

    def __init__(self, x: float) -> None:
        self.x = x

    def true(self, factors: Tensor) -> Tensor:
        """Gives (1, 2), frame coordinates, in the drawing of factors (1, F)."""
        value = named(factors)
        wave = math.sin(6.0 * self.x + 7.0 * value["background_hue"])
        return torch.tensor([[self.x, value["horizon"] + 0.05 * wave]])

    def found(self, render: Tensor) -> Tensor:
        """Gives (1, 2), frame coordinates, in a render (1, 3, S, S) in [0, 1]."""
        size = render.shape[-1]
        y = (torch.arange(int(_UPRIGHT[0] * size), int(_UPRIGHT[1] * size)) + 0.5) / size  # (H,)
        colours = sample(render, size * torch.stack([torch.full_like(y, self.x), y], dim=1))
        lines = torch.arange(*_LINES, _FINENESS)  # (L,)
        steps = (0.5 + (y - lines[:, None]) / _RAMP).clamp(0.0, 1.0)  # (L, H)
        smooth = torch.stack([torch.ones_like(y), y, y * y]).expand(len(lines), -1, -1)
        terms = torch.cat([smooth, steps[:, None]], dim=1).mT  # (L, H, 4)
        explained = terms @ torch.linalg.lstsq(terms, colours.expand(len(lines), -1, -1)).solution
        unexplained = (explained - colours).square().sum(dim=(1, 2))
        return torch.tensor([[self.x, float(lines[unexplained.argmin()])]])


def posed_like(keypoints: Tensor, factors: Tensor) -> Tensor:
    """Gives the factors (1, F) whose keypoints are nearest to some (K, 2), by Gauss and Newton's
    steps in the pose alone, from a pose that is not too far."""
    columns = [NAMES.index(name) for name in POSE]
    low, high = (torch.tensor([getattr(FACTORS[c], e) for c in columns]) for e in ("low", "high"))
    found, nudge = factors.clone(), 1e-3 * (high - low)
    for _ in range(_POSE_STEPS):
        tried = found.repeat(1 + len(POSE), 1)
        tried[torch.arange(1, len(tried)), columns] += nudge
        seen = draw(tried, 16).keypoints.flatten(1)  # (1 + P, 2 K)
        slopes = (seen[1:] - seen[0]) / 1e-3  # (P, 2 K), for the whole range of a factor
        # The least damping keeps what no keypoint tells, as the spread of ears of no length.
        normal = slopes @ slopes.T + 1e-4 * torch.eye(len(POSE))
        step = torch.linalg.solve(normal, slopes @ (keypoints.flatten() - seen[0]))
        found[0, columns] = (found[0, columns] + step * (high - low)).clamp(low, high)
    return found


def named(factors: Tensor) -> dict[str, float]:
    """Gives factors (1, F) by their names."""
    return dict(zip(NAMES, factors[0].tolist(), strict=True))


def keypoints_of(factors: Tensor) -> Tensor:
    """Gives all keypoints (K, 2), frame coordinates, of factors (1, F)."""
    return draw(factors, 16).keypoints[0]


def _patches(images: Tensor, eyes: Tensor) -> Tensor:
    """Gives what is around the eyes (N, 2, 2) of images (N, 3, S, S): (N, samples, 3)."""
    axis = (torch.arange(_GRID) + 0.5) / _GRID * 2.0 - 1.0
    offsets = _REACH * torch.cartesian_prod(axis, axis)  # (samples, 2)
    places = (eyes[:, :, None] + offsets).flatten(1, 2) * images.shape[-1]
    return torch.stack([sample(i[None], p) for i, p in zip(images, places, strict=True)])


def turned(places: Tensor, value: dict[str, float]) -> Tensor:
    """Gives points (K, 3) of the unit head, turned and seen from the front: (K, 2), frame."""
    yaw, pitch = torch.tensor(value["yaw"]), torch.tensor(value["pitch"])
    x, y, z = places.unbind(1)
    x, z = x * yaw.cos() + z * yaw.sin(), z * yaw.cos() - x * yaw.sin()
    y = y * pitch.cos() + z * pitch.sin()
    radius = torch.tensor([HEAD_RADIUS[0] * value["head_width"], HEAD_RADIUS[1]])
    return torch.tensor(HEAD_CENTRE) + radius * torch.stack([x, y], dim=1)
