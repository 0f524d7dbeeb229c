"""Drags that are hard for a reason that has a name, and pairs of pictures with a known flow.

All begin at a drawing of the practice model's kind and have another drawing for a truth, as those
of `benchmarks.drag_cases`. Each kind is the same for the same seed, and more cases are not others.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks.drag_cases import MUZZLE, Case, case_of, seen_in_both, z_with
from benchmarks.marks import (
    NAMES,
    POSE,
    GroundLine,
    KeypointMarks,
    SurfaceMarks,
    keypoints_of,
    named,
    turned,
)
from training.keypoints import KeypointDetector
from training.pictures import FACTORS, KEYPOINTS, factors_from_z

TURN = 0.42
"""Radians to either side: from one to the other an eye comes to where the other one was."""

PINS = 5
FLOW_POINTS = 32

_PLAIN = ((0.0, -0.66), (-0.46, 0.60), (0.46, 0.60))
_STRIPED = ((0.0, -0.58), (-0.74, 0.12), (0.74, 0.12))
_FLOW_PAIR_SHARE = 0.5  # of the way to another's pose
_JAW = (0.112, 0.074)  # radii
_GROUND_WAY = 0.50  # share of the picture
_BROWS = (0.16, 0.64, -0.60, -0.26)  # |x| and y between which a brow may be, head coordinates

Cases = Callable[[int, int, int, KeypointDetector], Iterator[Case]]
"""Gives so many cases for a picture's side, a z_dim and a detector."""


def hard_cases() -> dict[str, Cases]:
    """Gives each kind by its name.

    - flat areas: a place of a coat almost without stripes, as the head turns;
    - stripes: a place among stripes, likewise;
    - look-alikes: an eye or a brow that must go to where its fellow was;
    - occlusion: a mouth that opens wide, and one that shuts;
    - border: the tip of an ear that begins or ends at the border;
    - pins: a mouth that opens while five other places shall stay;
    - 5 %, 25 %, 40 % of the picture: a nose with that way to go;
    - 50 % of the picture: the line of the ground, beside the head, that falls or rises. No keypoint
      goes so far: the nose gets 48 % at the utmost, in poses that hardly any head has.
    """
    return {
        "flat areas": partial(_cases, partial(_painted, places=_PLAIN, stripes=0.08)),
        "stripes": partial(_cases, partial(_painted, places=_STRIPED, stripes=0.92)),
        "look-alikes": partial(_cases, _look_alike),
        "occlusion": partial(_cases, _mouth),
        "border": partial(_cases, _at_the_border),
        "pins": partial(_cases, _pinned),
        "5 % away": partial(_cases, partial(_far, share=0.05)),
        "25 % away": partial(_cases, partial(_far, share=0.25)),
        "40 % away": partial(_cases, partial(_far, share=0.40)),
        "50 % away": partial(_cases, _ground),
    }


def flow_cases(count: int, size: int, z_dim: int, detector: KeypointDetector) -> Iterator[Case]:
    """Gives pairs of pictures with points of the head's surface that show in both.

    The second head has gone half the way to another one's pose. What hangs on the head or moves on
    it by itself (muzzle, jaw, brows, ears) has none of the points: their flow is that of the
    turning ball.
    """
    return _cases(_flow_pair, count, size, z_dim, detector)


Maker = Callable[[torch.Generator, int, int, KeypointDetector, int], Case | None]


def _cases(
    make: Maker, count: int, size: int, z_dim: int, detector: KeypointDetector, seed: int = 23
) -> Iterator[Case]:
    for index in range(count):
        source = torch.Generator().manual_seed(1000 * seed + index)
        case = None
        while case is None:
            case = make(source, size, z_dim, detector, index)
        yield case


def _painted(
    source: torch.Generator,
    size: int,
    z_dim: int,
    detector: KeypointDetector,
    index: int,
    *,
    places: tuple[tuple[float, float], ...],
    stripes: float,
) -> Case | None:
    z = _head(source, z_dim, stripes=stripes, spots=-0.3)
    if z is None:
        return None
    before = factors_from_z(z)
    after = _changed(before, yaw=_between(source, -0.6, 0.6))
    x, y = places[index % len(places)]
    place = torch.tensor([[x, y, math.sqrt(1.0 - x * x - y * y)]])
    if min(float(_depth(place, f)) for f in (before, after)) < 0.35:
        return None
    marks = SurfaceMarks(place, before, detector)
    way = float((marks.true(after) - marks.true(before)).norm())
    return case_of(z, after, marks, size) if way > 0.08 else None


def _look_alike(
    source: torch.Generator, size: int, z_dim: int, detector: KeypointDetector, index: int
) -> Case | None:
    side, part = (("left", -1.0), ("right", 1.0))[index % 2], ("eye", "brow")[index // 2 % 2]
    z = _head(source, z_dim, yaw=side[1] * TURN)
    if z is None:
        return None
    marks = KeypointMarks([f"{part}_{side[0]}"], detector)
    return case_of(z, _changed(factors_from_z(z), yaw=-side[1] * TURN), marks, size)


def _mouth(
    source: torch.Generator, size: int, z_dim: int, detector: KeypointDetector, index: int
) -> Case | None:
    openings = (0.05, 0.9) if index % 2 == 0 else (0.9, 0.05)
    z = _head(source, z_dim, mouth_open=openings[0])
    if z is None:
        return None
    after = _changed(factors_from_z(z), mouth_open=openings[1])
    return case_of(z, after, KeypointMarks(["chin"], detector), size)


def _at_the_border(
    source: torch.Generator, size: int, z_dim: int, detector: KeypointDetector, index: int
) -> Case | None:
    spreads = (0.0, 0.4) if index % 2 == 0 else (0.4, 0.0)
    z = _head(source, z_dim, ear_length=_between(source, 1.08, 1.14), ear_spread=spreads[0])
    if z is None:
        return None
    before = factors_from_z(z)
    after = _changed(before, ear_spread=spreads[1])
    tip = f"ear_tip_{('left', 'right')[index // 2 % 2]}"
    if tip not in seen_in_both(before, after):
        return None
    return case_of(z, after, KeypointMarks([tip], detector), size)


def _pinned(
    source: torch.Generator, size: int, z_dim: int, detector: KeypointDetector, index: int
) -> Case | None:
    z = _head(source, z_dim, mouth_open=_between(source, 0.0, 0.3))
    if z is None:
        return None
    before = factors_from_z(z)
    after = _changed(before, mouth_open=float(before[0, NAMES.index("mouth_open")]) + 0.6)
    still = [n for n in seen_in_both(before, after) if n not in ("chin", "lip_lower")]
    chosen = torch.randperm(len(still), generator=source).tolist()[:PINS]
    marks = KeypointMarks(["chin", *(still[i] for i in chosen)], detector)
    return case_of(z, after, marks, size)


def _far(
    source: torch.Generator,
    size: int,
    z_dim: int,
    detector: KeypointDetector,
    index: int,
    *,
    share: float,
) -> Case | None:
    pose = [(_between(source, -0.6, 0.6), _between(source, -0.3, 0.34)) for _ in range(2)]
    nose = torch.tensor([[0.0, 0.18, 1.10]])
    ends = [turned(nose, {"yaw": yaw, "pitch": pitch, "head_width": 1.0}) for yaw, pitch in pose]
    if abs(float((ends[1] - ends[0]).norm()) / share - 1.0) > 0.15:
        return None  # told without drawing anything, which takes longer
    z = _head(source, z_dim, yaw=pose[0][0], pitch=pose[0][1])
    if z is None:
        return None
    before, marks = factors_from_z(z), KeypointMarks(["nose"], detector)
    after = _changed(before, yaw=pose[1][0], pitch=pose[1][1])
    way = float((marks.true(after) - marks.true(before)).norm())
    return case_of(z, after, marks, size) if abs(way / share - 1.0) < 0.05 else None


def _ground(
    source: torch.Generator, size: int, z_dim: int, detector: KeypointDetector, index: int
) -> Case | None:
    upper = _between(source, 0.43, 0.50)
    horizons = (upper, upper + _GROUND_WAY) if index % 2 == 0 else (upper + _GROUND_WAY, upper)
    # By night the ground is as dark as the sky.
    light = _between(source, 0.6, 1.0)
    z = _head(source, z_dim, horizon=horizons[0], background_lightness=light)
    if z is None:
        return None
    before, marks = factors_from_z(z), GroundLine((0.06, 0.94)[index // 2 % 2])
    after = _changed(before, horizon=horizons[1])
    heights = torch.cat([marks.true(before), marks.true(after)])[:, 1]
    is_inside = bool(((heights > 0.38) & (heights < 0.95)).all())
    return case_of(z, after, marks, size) if is_inside else None


def _flow_pair(
    source: torch.Generator, size: int, z_dim: int, detector: KeypointDetector, index: int
) -> Case | None:
    before, other = torch.split(factors_from_z(torch.randn(2, z_dim, generator=source)), 1)
    z = _head(source, z_dim, **named(before))
    if z is None:
        return None
    columns = [NAMES.index(name) for name in POSE]
    after = before.clone()
    after[:, columns] += _FLOW_PAIR_SHARE * (other - before)[:, columns]
    places = torch.randn(1024, 3, generator=source)
    places = places / places.norm(dim=1, keepdim=True)
    places = places[_is_flow_known(places, before) & _is_flow_known(places, after)]
    marks = SurfaceMarks(places[:FLOW_POINTS], before, detector)
    if len(marks.places) < FLOW_POINTS:
        return None
    way = float((marks.true(after) - marks.true(before)).norm(dim=1).mean())
    return case_of(z, after, marks, size) if way > 0.03 else None


def _is_flow_known(places: Tensor, factors: Tensor) -> Tensor:
    """Tells which points (P, 3) of the ball show in a drawing and go where the ball goes."""
    seen, keypoints = turned(places, named(factors)), keypoints_of(factors)
    is_known = (_depth(places, factors) > 0.35) & ((seen > 0.02) & (seen < 0.98)).all(dim=1)
    lip, chin = (keypoints[KEYPOINTS.index(name)] for name in ("lip_upper", "chin"))
    muzzle = lip - torch.tensor([0.0, 0.74 * MUZZLE[1]])
    jaw = chin - torch.tensor([0.0, 0.046])
    for centre, radii in ((muzzle, MUZZLE), (jaw, _JAW), (keypoints[0], (0.056, 0.042))):
        is_known &= ((seen - centre) / torch.tensor(radii)).norm(dim=1) > 1.25
    x, y = places[:, 0].abs(), places[:, 1]
    is_brow = (x > _BROWS[0]) & (x < _BROWS[1]) & (y > _BROWS[2]) & (y < _BROWS[3])
    return is_known & ~is_brow


def _depth(places: Tensor, factors: Tensor) -> Tensor:
    """Gives how far points (P, 3) of the turned ball stand out towards the viewer: (P,)."""
    value = named(factors)
    x, y, z = places.unbind(1)
    z = z * math.cos(value["yaw"]) - x * math.sin(value["yaw"])
    return z * math.cos(value["pitch"]) - y * math.sin(value["pitch"])


def _head(source: torch.Generator, z_dim: int, **values: float) -> Tensor | None:
    """Gives a latent (1, z_dim) drawn by chance but for some factors; None where none has them."""
    z = torch.randn(1, z_dim, generator=source)
    return z_with(z, _changed(factors_from_z(z), **values))


def _changed(factors: Tensor, **values: float) -> Tensor:
    """Gives factors (1, F) with some of them set, within their ranges."""
    changed = factors.clone()
    for name, value in values.items():
        factor = FACTORS[NAMES.index(name)]
        changed[0, NAMES.index(name)] = min(max(value, factor.low), factor.high)
    return changed


def _between(source: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(1, generator=source))
