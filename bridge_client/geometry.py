"""Points, sizes and rectangles, and the way between the canvas' frame and a window's or a layer's.

Points are (x, y) in continuous pixels: pixel i covers [i, i + 1). Every value here is in canvas
pixels unless its name says otherwise.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

# Past this a coordinate is a mistake, and sums of it stay exact in floats and fit 32-bit hosts.
COORDINATE_LIMIT_PX = 1 << 24
# As `messages` states the rules of its fields.
_COORDINATE = {"minimum": -COORDINATE_LIMIT_PX, "maximum": COORDINATE_LIMIT_PX}
_LENGTH = {"minimum": 0, "maximum": COORDINATE_LIMIT_PX}


def _check_coordinate(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not math.isfinite(value) or abs(value) > COORDINATE_LIMIT_PX:
        raise ValueError(f"{name} must be finite and within {COORDINATE_LIMIT_PX} px, not {value}")


@dataclass(frozen=True, slots=True)
class Point:
    """A place (x, y) in continuous pixels."""

    x: float = field(metadata=_COORDINATE)
    y: float = field(metadata=_COORDINATE)

    def __post_init__(self) -> None:
        _check_coordinate("x", self.x)
        _check_coordinate("y", self.y)

    def shifted(self, dx: float, dy: float) -> "Point":
        """The point moved by (dx, dy)."""
        return Point(self.x + dx, self.y + dy)


@dataclass(frozen=True, slots=True)
class PointPair:
    """A handle point and its target point; a pin where both are the same."""

    handle: Point
    target: Point

    @property
    def is_pin(self) -> bool:
        """Whether the pair holds its place."""
        return self.handle == self.target

    def shifted(self, dx: float, dy: float) -> "PointPair":
        """Both points moved by (dx, dy)."""
        return PointPair(self.handle.shifted(dx, dy), self.target.shifted(dx, dy))


@dataclass(frozen=True, slots=True)
class Extent:
    """A size in whole pixels."""

    width: int = field(metadata=_LENGTH)
    height: int = field(metadata=_LENGTH)

    def __post_init__(self) -> None:
        _check_whole("width", self.width, least=0)
        _check_whole("height", self.height, least=0)


def _check_whole(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if not least <= value <= COORDINATE_LIMIT_PX:
        raise ValueError(f"{name} must be in {least}..{COORDINATE_LIMIT_PX}, not {value}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rectangle of whole pixels: columns [x, right), rows [y, bottom)."""

    x: int = field(metadata=_COORDINATE)
    y: int = field(metadata=_COORDINATE)
    width: int = field(metadata=_LENGTH)
    height: int = field(metadata=_LENGTH)

    def __post_init__(self) -> None:
        _check_whole("x", self.x, least=-COORDINATE_LIMIT_PX)
        _check_whole("y", self.y, least=-COORDINATE_LIMIT_PX)
        _check_whole("width", self.width, least=0)
        _check_whole("height", self.height, least=0)

    @property
    def right(self) -> int:
        """First column to the right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.y + self.height

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width == 0 or self.height == 0

    @property
    def extent(self) -> Extent:
        """Its size."""
        return Extent(self.width, self.height)

    def contains(self, point: Point) -> bool:
        """Whether the point lies on one of its pixels."""
        return self.x <= point.x < self.right and self.y <= point.y < self.bottom

    def contains_bounds(self, other: "Bounds") -> bool:
        """Whether every pixel of the other is one of its own."""
        return other.is_empty or (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def union(self, other: "Bounds") -> "Bounds":
        """The smallest rectangle that holds both; an empty one adds nothing."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return _between(
            min(self.x, other.x),
            min(self.y, other.y),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def intersect(self, other: "Bounds") -> "Bounds":
        """What both share; empty, at this one's corner, where they share nothing."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        if right <= left or bottom <= top:
            return Bounds(self.x, self.y, 0, 0)
        return _between(left, top, right, bottom)

    def shifted(self, dx: int, dy: int) -> "Bounds":
        """The rectangle moved by (dx, dy)."""
        return Bounds(self.x + dx, self.y + dy, self.width, self.height)


def _between(left: int, top: int, right: int, bottom: int) -> Bounds:
    return Bounds(left, top, right - left, bottom - top)


def bounds_of_points(points: Iterable[Point]) -> Bounds:
    """The smallest rectangle of whole pixels on which all points lie; empty for no point."""
    listed = list(points)
    if not listed:
        return Bounds(0, 0, 0, 0)
    return _between(
        math.floor(min(point.x for point in listed)),
        math.floor(min(point.y for point in listed)),
        math.floor(max(point.x for point in listed)) + 1,
        math.floor(max(point.y for point in listed)) + 1,
    )


def canvas_to_frame(point_canvas: Point, frame_canvas: Bounds) -> Point:
    """A canvas point in the frame (window or layer) whose pixel (0, 0) is at the bounds' corner."""
    return point_canvas.shifted(-frame_canvas.x, -frame_canvas.y)


def frame_to_canvas(point_frame: Point, frame_canvas: Bounds) -> Point:
    """A point of a window or layer on the canvas."""
    return point_frame.shifted(frame_canvas.x, frame_canvas.y)
