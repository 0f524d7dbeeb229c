"""A drag that runs, in the frame of the window, with the pairs that it was given, and recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from engine.drag.loop import Drag, DragSpace, EndReason
from engine.drag.params import DragParams
from engine.generator.generator import GeneratorProtocol
from engine.generator.held import Held
from engine.geometry import Point, PointPair, to_points, to_tensor
from engine.history import History, Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class DragStep:
    """One step of a drag, as an artist is told of it.

    Attributes:
        step_index: 0 for the picture before the first update.
        step_budget: how many updates there will be at most.
        handles_window: where the handles are now, window px, in the order of the pairs.
        confidences: beside them, in [0, 1]: how sure it is that they are there.
        distance_px: mean distance of the handles to their targets, window px; pins left out.
        end_reason: why this is the last step; None if another follows.
    """

    step_index: int
    step_budget: int
    handles_window: tuple[Point, ...]
    confidences: tuple[float, ...]
    distance_px: float
    end_reason: EndReason | None


class RunningDrag:
    """A drag that runs and becomes an entry of a history.

    Args:
        generator: frozen.
        pairs: handles and targets, window px.
        history: what is before it.
        space: where in the generator it works.
        held: what stays; None: everything may move.
        params: how to drag.
        window_side: of the window, px.
    """

    def __init__(
        self,
        *,
        generator: GeneratorProtocol,
        pairs: Sequence[PointPair],
        history: History,
        space: DragSpace,
        held: Held | None,
        params: DragParams,
        window_side: int,
    ) -> None:
        self._before = history
        self._rows = space.rows
        self._step_budget = params.step_budget
        self._scale = space.block / window_side  # feature px for one of the window
        self._device = history.base.device
        self._pairs = tuple(pairs)
        self._ways = [_way(pair) for pair in pairs]
        self._handles = tuple(pair.handle for pair in pairs)  # where they were found last
        self._recording = Recording(history.w_plus[0, : space.rows])
        self._drag = Drag(
            generator,
            history.w_plus,
            self._to_feature([pair.handle for pair in pairs]),
            self._to_feature([pair.target for pair in pairs]),
            space=space,
            held=held,
            params=params,
        )

    @property
    def has_ended(self) -> bool:
        """Whether the last step has been told."""
        return self._drag.has_ended

    def steps(self) -> Iterator[DragStep]:
        """Takes one step after another, keeps it, and tells it."""
        for step in self._drag:
            self._recording.add(step.step_index, step.w_plus[0, : self._rows], is_best=step.is_best)
            self._handles = to_points(step.handles, scale=1.0 / self._scale)
            yield DragStep(
                step_index=step.step_index,
                step_budget=self._step_budget,
                handles_window=self._handles,
                confidences=tuple(step.confidences.tolist()),
                distance_px=step.distance / self._scale,
                end_reason=step.end_reason,
            )

    def history(self) -> History:
        """Gives the history with the drag so far, if it made an update."""
        if not self._recording.has_update:
            return self._before
        return self._before.with_drag(self._recording.entry())

    def set_pairs(self, pairs: Sequence[PointPair]) -> None:
        """Changes the pairs; `EditingSession.set_pairs` says how."""
        known_as = _known_as(pairs, self._pairs)
        ways = [
            _way(pair) if old is None or not pair.is_pin else self._hold(old)
            for pair, old in zip(pairs, known_as, strict=True)
        ]
        self._ways = ways
        self._pairs = tuple(pairs)
        self._drag.set_points(
            self._to_feature([handle for handle, _ in ways]),
            self._to_feature([target for _, target in ways]),
            known_as,
        )

    def _hold(self, index: int) -> tuple[Point, Point]:
        """Gives the way of a point that is a pin from now on, or still is."""
        handle, target = self._ways[index]
        return (target, target) if handle == target else (self._handles[index],) * 2

    def _to_feature(self, points: Sequence[Point]) -> Tensor:
        return to_tensor(points, scale=self._scale, device=self._device)


def _way(pair: PointPair) -> tuple[Point, Point]:
    return pair.handle, pair.target


def _known_as(pairs: Sequence[PointPair], before: Sequence[PointPair]) -> list[int | None]:
    """Gives for each pair the index of the one before with the same handle, or None."""
    free = list(enumerate(before))
    known: list[int | None] = []
    for pair in pairs:
        same = next((each for each in free if each[1].handle == pair.handle), None)
        known.append(None if same is None else same[0])
        if same is not None:
            free.remove(same)
    return known
