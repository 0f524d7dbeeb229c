"""What is known of each pair: where its handle is now, how sure that is, and where it would be
easier to follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from .edit import DragProgress
from .geometry import Point, PointPair
from .messages import HandleHint

LEAST_SURE = 0.1
"""Least confidence of a handle that counts as found: of those below it one in six had strayed, of
all others one in a hundred (docs/method.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMark:
    """How a pair shows on the picture, canvas px.

    Args:
        handle: Where the handle is: the tracked place in a drag, the drawn one before it.
        target: Where it shall be; of a pin, where it was set.
        is_pin: Whether it shall stay.
        is_sure: Whether it was found there, or, before a drag, can be followed from there. True
            where nobody has looked.
        easier: The place nearby that can be followed best, where a check found a better one.
    """

    handle: Point
    target: Point
    is_pin: bool
    is_sure: bool = True
    easier: Point | None = None


class PointBook:
    """Keeps what the bridge tells of points: the steps of a drag, and what a check found."""

    def __init__(self) -> None:
        self._pairs_by_revision: dict[int, tuple[PointPair, ...]] = {}
        self._tracked: dict[Point, tuple[Point, float]] = {}
        self._hints: dict[Point, HandleHint] = {}

    def begin_drag(self, pairs: tuple[PointPair, ...]) -> None:
        """Forgets the drag before, and the check: the picture moves on from what it looked at."""
        self._pairs_by_revision, self._tracked, self._hints = {0: pairs}, {}, {}

    def set_pairs(self, pairs: tuple[PointPair, ...], revision: int) -> None:
        """The drag goes on with these; what is known of a handle that stays is kept."""
        self._pairs_by_revision[revision] = pairs

    def track(self, progress: DragProgress) -> None:
        """A step tells where the handles are. They belong to the pairs of its own revision, which
        may be older than the latest."""
        pairs = self._pairs_by_revision.get(progress.pairs_revision, ())
        if len(pairs) != len(progress.handles_canvas):
            return
        confidences = progress.confidences or (1.0,) * len(pairs)
        steps = zip(pairs, progress.handles_canvas, confidences, strict=True)
        self._tracked = {pair.handle: (place, confidence) for pair, place, confidence in steps}

    def check(self, pairs: tuple[PointPair, ...], hints: tuple[HandleHint, ...]) -> None:
        """A check tells how well handles could be followed."""
        self._hints = {pair.handle: hint for pair, hint in zip(pairs, hints, strict=True)}

    def is_checked(self, pairs: Sequence[PointPair]) -> bool:
        """Whether a check has looked at all of these, and there are any."""
        return bool(pairs) and all(pair.handle in self._hints for pair in pairs)

    def marks(self, pairs: Sequence[PointPair], *, is_dragged: bool) -> tuple[PairMark, ...]:
        """How the pairs show.

        Args:
            pairs: Those being dragged, or those drawn.
            is_dragged: Whether the picture that is shown is the one that the drag has come to;
                else its handles lie where they were drawn.
        """
        return tuple(self._mark(pair, is_dragged) for pair in pairs)

    def _mark(self, pair: PointPair, is_dragged: bool) -> PairMark:
        if is_dragged and pair.handle in self._tracked:
            place, confidence = self._tracked[pair.handle]
            return _marked(pair, place, is_sure=confidence >= LEAST_SURE)
        hint = self._hints.get(pair.handle)
        if hint is None or hint.is_trackable:
            return _marked(pair, pair.handle)
        is_best = hint.best_place_canvas == pair.handle
        easier = None if is_best else hint.best_place_canvas
        return _marked(pair, pair.handle, is_sure=False, easier=easier)


def _marked(
    pair: PointPair, place: Point, *, is_sure: bool = True, easier: Point | None = None
) -> PairMark:
    return PairMark(
        handle=place, target=pair.target, is_pin=pair.is_pin, is_sure=is_sure, easier=easier
    )


def check_text(marks: Sequence[PairMark]) -> str:
    """What a check found, for the artist."""
    hard = [mark for mark in marks if not mark.is_sure]
    if not hard:
        return "Every point can be followed."
    first, others = hard[0], len(hard) - 1
    place = _place(first.handle)
    if first.easier is None:
        found = f"The point at {place} is hard to follow, and so is all that is near it."
    else:
        easier = _place(first.easier)
        found = f"The point at {place} is hard to follow; one at {easier} would be easier."
    return found + _others("is", "are", others)


def lost_text(marks: Sequence[PairMark]) -> str:
    """Which points a drag may have lost, for the artist; empty where it has all."""
    lost = [mark for mark in marks if not mark.is_sure]
    if not lost:
        return ""
    place = _place(lost[0].handle)
    return f"The point now at {place} may be lost." + _others("may", "may", len(lost) - 1)


def _place(point: Point) -> str:
    return f"({point.x:.0f}, {point.y:.0f})"


def _others(one_verb: str, many_verb: str, count: int) -> str:
    if not count:
        return ""
    return f" So {one_verb} another." if count == 1 else f" So {many_verb} {count} others."
