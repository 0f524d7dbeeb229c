"""Lines and circles in the SVG that Krita writes for a vector layer, as point pairs in canvas px.

Pure Python. Krita writes lengths in points (1/72 inch) and only `M L C Z` with absolute numbers and
`translate` or `matrix`; the rest of SVG's path commands and transforms is read as well, because the
shapes of an imported drawing may keep them.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from ._vendor.bridge_client import Point, PointPair

POINTS_PER_INCH = 72.0
# A shorter line goes nowhere: the artist tapped on a place that shall stay.
SHORTEST_LINE_PX = 2.0

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_COMMAND = re.compile(r"([MLHVCSQTAZ])([^MLHVCSQTAZ]*)", re.IGNORECASE)
_TRANSFORM = re.compile(r"(\w+)\s*\(([^)]*)\)")
_ARGUMENT_COUNTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
_SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "image"}

Matrix = tuple[float, float, float, float, float, float]  # SVG's a b c d e f
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLines:
    """A vector layer's lines and pins, bottom first, and how many shapes are neither."""

    pairs: tuple[PointPair, ...] = ()
    other_count: int = 0


@dataclass(frozen=True, slots=True)
class _SubPath:
    start: tuple[float, float]
    end: tuple[float, float]
    is_line: bool


def read_lines(svg: str, *, x_px_per_inch: float, y_px_per_inch: float) -> DrawnLines:
    """The straight lines of a layer's SVG: press is the handle point, release the target point. A
    circle, an ellipse and a line too short to lead anywhere are pins.

    Args:
        svg: What `layer.duplicate().toSvg()` gives; lengths in points.
        x_px_per_inch: The document's `xRes()`, read at the same moment.
        y_px_per_inch: Its `yRes()`.

    Raises:
        ValueError: The text is no SVG, or a path or transform in it is broken.
    """
    if not svg:  # what Krita writes for a layer without shapes
        return DrawnLines()
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError("not an SVG document") from error
    pairs, other_count = [], 0
    x_scale, y_scale = x_px_per_inch / POINTS_PER_INCH, y_px_per_inch / POINTS_PER_INCH
    for shape, matrix in _shapes(root, IDENTITY):
        for sub_path in _sub_paths(shape):
            start, end = _apply(matrix, sub_path.start), _apply(matrix, sub_path.end)
            pair = PointPair(
                Point(start[0] * x_scale, start[1] * y_scale),
                Point(end[0] * x_scale, end[1] * y_scale),
            )
            if not sub_path.is_line:
                other_count += 1
            elif _length(pair) < SHORTEST_LINE_PX:
                pairs.append(PointPair(pair.handle, pair.handle))
            else:
                pairs.append(pair)
    return DrawnLines(pairs=tuple(pairs), other_count=other_count)


def _shapes(
    element: ElementTree.Element, outer: Matrix
) -> Iterator[tuple[ElementTree.Element, Matrix]]:
    # Only groups are entered: an arrowhead's <marker> in <defs> holds paths that nobody drew.
    matrix = _multiply(outer, _transform(element.get("transform", "")))
    for child in element:
        name = _local_name(child)
        if name in ("g", "a"):
            yield from _shapes(child, matrix)
        elif name in _SHAPES:
            yield child, _multiply(matrix, _transform(child.get("transform", "")))


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _sub_paths(shape: ElementTree.Element) -> list[_SubPath]:
    name = _local_name(shape)
    if name == "path":
        return _read_path(shape.get("d", ""))
    if name == "line":
        x1, y1, x2, y2 = (float(shape.get(key, "0")) for key in ("x1", "y1", "x2", "y2"))
        return [_SubPath((x1, y1), (x2, y2), is_line=True)]
    if name in ("circle", "ellipse"):
        centre = float(shape.get("cx", "0")), float(shape.get("cy", "0"))
        return [_SubPath(centre, centre, is_line=True)]
    return [_SubPath((0.0, 0.0), (0.0, 0.0), is_line=False)]


def _read_path(data: str) -> list[_SubPath]:
    found: list[_SubPath] = []
    start = place = (0.0, 0.0)
    segment_count, is_straight = 0, True

    def finish() -> None:
        if segment_count:
            found.append(_SubPath(start, place, is_line=segment_count == 1 and is_straight))

    for command, numbers in _path_commands(data):
        if command.upper() == "M":
            finish()
            start = place = _end_of(command, numbers, place)
            segment_count, is_straight = 0, True
            continue
        segment_count += 1
        is_straight = is_straight and command.upper() in "LHV"
        if command.upper() != "Z":
            place = _end_of(command, numbers, place)
    finish()
    return found


def _path_commands(data: str) -> Iterator[tuple[str, list[float]]]:
    for command, arguments in _COMMAND.findall(data):
        numbers = [float(number) for number in _NUMBER.findall(arguments)]
        count = _ARGUMENT_COUNTS[command.upper()]
        if bool(numbers) != bool(count) or (count and len(numbers) % count):
            raise ValueError("a path's command has too few or too many numbers")
        if not count:
            yield command, []
        for first in range(0, len(numbers), count or 1):
            yield command, numbers[first : first + count]
            # SVG: what follows a move without a new letter is a line.
            command = {"M": "L", "m": "l"}.get(command, command)


def _end_of(command: str, numbers: list[float], place: tuple[float, float]) -> tuple[float, float]:
    base_x, base_y = place if command.islower() else (0.0, 0.0)
    if command in "Hh":
        return base_x + numbers[0], place[1]
    if command in "Vv":
        return place[0], base_y + numbers[0]
    return base_x + numbers[-2], base_y + numbers[-1]


def _transform(text: str) -> Matrix:
    matrix = IDENTITY
    for name, arguments in _TRANSFORM.findall(text):
        numbers = [float(number) for number in _NUMBER.findall(arguments)]
        matrix = _multiply(matrix, _one_transform(name, numbers))
    return matrix


def _one_transform(name: str, numbers: list[float]) -> Matrix:
    if name == "matrix":
        a, b, c, d, e, f = numbers
        return (a, b, c, d, e, f)
    if name == "translate":
        x, y = (*numbers, 0.0)[:2]
        return (1.0, 0.0, 0.0, 1.0, x, y)
    if name == "scale":
        x, y = (*numbers, numbers[0])[:2]
        return (x, 0.0, 0.0, y, 0.0, 0.0)
    if name == "rotate":
        angle, x, y = (*numbers, 0.0, 0.0)[:3]
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = (cosine, sine, -sine, cosine, 0.0, 0.0)
        return _multiply(_multiply((1, 0, 0, 1, x, y), turn), (1, 0, 0, 1, -x, -y))
    if name == "skewX":
        return (1.0, 0.0, math.tan(math.radians(numbers[0])), 1.0, 0.0, 0.0)
    if name == "skewY":
        return (1.0, math.tan(math.radians(numbers[0])), 0.0, 1.0, 0.0, 0.0)
    raise ValueError("unknown transform")


def _multiply(outer: Matrix, inner: Matrix) -> Matrix:
    a, b, c, d, e, f = outer
    p, q, r, s, t, u = inner
    return (
        a * p + c * q,
        b * p + d * q,
        a * r + c * s,
        b * r + d * s,
        a * t + c * u + e,
        b * t + d * u + f,
    )


def _apply(matrix: Matrix, place: tuple[float, float]) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    x, y = place
    return a * x + c * y + e, b * x + d * y + f


def _length(pair: PointPair) -> float:
    return math.hypot(pair.target.x - pair.handle.x, pair.target.y - pair.handle.y)
