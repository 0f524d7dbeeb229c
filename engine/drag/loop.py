"""The drag: one step = find the handles, tell, supervise, update.

The paper supervises, updates and tracks (Pan et al. 2023, Fig. 3). Begun at tracking the chain is
the same, one forward pass serves both, and the distance that a step tells belongs to the w+ that
it tells. The paper's update is one of Adam's; ours is Gauss-Newton's (`motion_supervision.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import torch
from torch import Tensor

from engine.drag.motion_supervision import handle_motion, step_towards
from engine.drag.params import DragParams
from engine.drag.point_tracking import refine_points, track_points
from engine.drag.price import Price
from engine.generator.generator import GeneratorProtocol
from engine.generator.held import Held
from engine.generator.local_features import sample_features
from engine.geometry import disc_offsets, square_offsets


class EndReason(StrEnum):
    """Why a drag ended."""

    REACHED = "reached"
    STALLED = "stalled"
    BUDGET = "budget"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DragStep:
    """One step of a drag.

    Attributes:
        step_index: 0 for the picture before the first update.
        handles: (K, 2), where the handles are, feature px.
        confidences: (K,), in [0, 1], how sure that is; `point_tracking.confidence` says how.
        distance: mean distance of the handles to their targets, pins left out, feature px.
        w_plus: (1, num_ws, w_dim), the latent of this step.
        is_best: no step since the points were set had a smaller mean distance, pins included.
        end_reason: why this is the last step; None if another follows.
    """

    step_index: int
    handles: Tensor
    confidences: Tensor
    distance: float
    w_plus: Tensor
    is_best: bool
    end_reason: EndReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DragSpace:
    """Where in the generator a drag works.

    Attributes:
        block: size in px of the block whose features are supervised.
        rows: how many rows of w+, from the first, the drag moves.
        axes: (w_dim, w_dim), the directions of w, each row as long as w spreads along it: the unit
            of a step. `principal_axes` gives those of a generator.
        rows_move_alike: the moved rows take one step together, so that an edit stays among what
            the mapping network can say; False: each row by itself, as in Pan et al. 2023.
    """

    block: int
    rows: int
    axes: Tensor = field(compare=False, repr=False)
    rows_move_alike: bool = True

    def holding(self, w_plus: Tensor, editable_mask: Tensor | None) -> Held | None:
        """Gives what a mask keeps of a picture while its rows are dragged.

        Args:
            w_plus: (1, num_ws, w_dim), the picture.
            editable_mask: (1, 1, S, S) in [0, 1], 1 = may move; None: everything may.
        """
        if editable_mask is None:
            return None
        rows = w_plus.detach().unbind(1)
        return Held(rows=rows, editable_mask=editable_mask, first_layer=self.rows)


def principal_axes(w: Tensor) -> Tensor:
    """Gives the directions in which w spreads, each as long as its standard deviation there.

    Steps along them are steps among pictures that the generator knows: w fills few of its
    dimensions, and a step off them leads to fog.

    Args:
        w: (N, w_dim), samples.

    Returns:
        (w_dim, w_dim), one direction a row.
    """
    variances, directions = torch.linalg.eigh(w.T.cov())
    axes: Tensor = (directions * variances.clamp(min=0.0).sqrt()).T
    return axes


def default_rows(block: int) -> int:
    """Gives the rows that move for a feature block: up to the first convolution at a quarter of it.

    0-5 for block 128, as in Pan et al. 2023.
    """
    return 2 * (max(block // 4, 8).bit_length() - 3)


def drag(
    generator: GeneratorProtocol,
    w_plus: Tensor,
    handles: Tensor,
    targets: Tensor,
    *,
    space: DragSpace,
    held: Held | None = None,
    params: DragParams | None = None,
) -> Iterator[DragStep]:
    """Drags the handles to their targets; the caller stops it by not asking for more.

    As `Drag`, whose arguments these are, for points that stay the same.

    Yields:
        The picture before the first update, then one record for each update; the last has a reason.

    Raises:
        ValueError: there is no handle, or the shapes do not fit.
    """
    yield from Drag(
        generator,
        w_plus,
        handles,
        targets,
        space=space,
        held=held,
        params=params,
    )


class Drag(Iterator[DragStep]):
    """A drag that goes step by step, and whose points may be changed between two steps.

    A point whose target is its handle is a pin: it is held there, and its distance is none that
    is left to go.

    Args:
        generator: frozen.
        w_plus: (1, num_ws, w_dim), the picture to begin with.
        handles: (K, 2), feature px of `space.block`.
        targets: (K, 2), feature px.
        space: block, rows and unit of a step.
        held: what stays, of `space.holding`; None: everything may move.
        params: radii, weights and rates; None for the defaults.

    Raises:
        ValueError: there is no handle, or the shapes do not fit.
    """

    def __init__(
        self,
        generator: GeneratorProtocol,
        w_plus: Tensor,
        handles: Tensor,
        targets: Tensor,
        *,
        space: DragSpace,
        held: Held | None = None,
        params: DragParams | None = None,
    ) -> None:
        _check_points(handles, targets)
        self._generator, self._space = generator, space
        self._params = params or DragParams()
        self._rows = _MovedRows(w_plus, space)
        self._handles, self._targets = handles, targets
        self._confidences = handles.new_ones(len(handles))
        self._is_pin = (handles == targets).all(dim=1)
        device, spacing = w_plus.device, self._params.sample_spacing
        self._disc = disc_offsets(self._params.supervision_radius, spacing, device)
        self._candidates = square_offsets(self._params.tracking_radius, spacing, device)
        self._held = held
        self._price = Price.at(
            self._styled,
            self._rows.widest(self._params.priced_directions),
            None if held is None else held.editable_mask,
            change_weight=self._params.change_weight,
            mask_weight=self._params.mask_weight,
        )
        self._look()
        self._templates, self._first_discs = self._parts()
        self._progress = _Progress(self._params)
        self._next_index = 0
        self._has_ended = False

    @property
    def has_ended(self) -> bool:
        """Whether the last step has been told."""
        return self._has_ended

    def __next__(self) -> DragStep:
        """Updates, but for the first step, and tells where the handles then are."""
        if self._has_ended:
            raise StopIteration
        if self._next_index:
            self._update()
            self._look()
        step = self._track()
        self._next_index += 1
        self._has_ended = step.end_reason is not None
        return step

    def set_points(self, handles: Tensor, targets: Tensor, known_as: Sequence[int | None]) -> None:
        """Changes what is dragged from the next step on.

        A point that stays keeps its part and is where it was found last; a new one is the part of
        the present picture at its handle.

        Args:
            handles: (K, 2), feature px; of points that stay they only tell a pin.
            targets: (K, 2), feature px.
            known_as: for each point its index among the points so far, or None for a new one.

        Raises:
            ValueError: there is no handle, or the shapes or `known_as` do not fit.
        """
        _check_points(handles, targets)
        stays = [(new, old) for new, old in enumerate(known_as) if old is not None]
        olds = {old for _, old in stays}
        if (
            len(known_as) != len(handles)
            or len(olds) != len(stays)
            or not olds <= set(range(len(self._handles)))
        ):
            raise ValueError(
                f"known_as must name each of {len(self._handles)} points at most once, for "
                f"{len(handles)} new ones, got {list(known_as)}"
            )
        self._is_pin = (handles == targets).all(dim=1)
        self._targets = targets
        self._progress.begin_anew(self._next_index)
        if list(known_as) == list(range(len(self._handles))):
            return  # moved targets, as when a target follows the pointer, cost nothing
        before, sure = self._handles, self._confidences
        templates, discs = self._templates, self._first_discs
        self._handles, self._confidences = handles.clone(), handles.new_ones(len(handles))
        for new, old in stays:
            self._handles[new], self._confidences[new] = before[old], sure[old]
        self._look()
        self._templates, self._first_discs = self._parts()
        for new, old in stays:
            self._templates[new], self._first_discs[new] = templates[old], discs[old]

    def _parts(self) -> tuple[Tensor, Tensor]:
        """Takes what is at the handles: (K, C), and in the discs around them: (K, M, C)."""
        features = self._features.detach()
        discs = sample_features(features, self._handles[:, None] + self._disc)
        return sample_features(features, self._handles), discs

    def _styled(self, offset: Tensor) -> Tensor:
        """Gives the map of the last layer whose style is dragged, at an offset: all finer maps are
        made of it, and where it does not change they cannot."""
        layers = min(self._space.rows, self._generator.rows_until(self._space.block))
        return self._generator.map_after(self._rows.moved_by(offset), layers)

    def _look(self) -> None:
        """Takes the features around the handles, as far as finding and then pulling them reads."""
        self._features = self._generator.features_around(
            self._rows.as_moved(),
            self._space.block,
            self._handles,
            self._params.reach,
            self._held,
        )

    def _track(self) -> DragStep:
        """Finds the handles and judges where they are."""
        features = self._features.detach()
        found, self._confidences = track_points(
            features,
            self._handles,
            self._templates,
            self._candidates,
            rival_distance=self._params.supervision_radius,
        )
        self._handles = refine_points(
            features, found, self._first_discs, self._disc, reach=self._params.sample_spacing
        )
        distances = (self._targets - self._handles).norm(dim=1)  # (K,)
        to_go = distances[~self._is_pin]
        is_best, end_reason = self._progress.judge(
            self._next_index,
            float(distances.mean()),
            is_reached=bool((distances <= self._params.tolerance).all()),
        )
        return DragStep(
            step_index=self._next_index,
            handles=self._handles,
            confidences=self._confidences,
            distance=float(to_go.mean()) if len(to_go) else 0.0,
            w_plus=self._rows.w_plus(),
            is_best=is_best,
            end_reason=end_reason,
        )

    def _update(self) -> None:
        """Takes the step that moves each handle a little towards its target."""
        ways = self._targets - self._handles  # (K, 2)
        far = ways.norm(dim=1, keepdim=True).clamp(min=self._params.step_length)
        offset = self._rows.offset
        step = step_towards(
            handle_motion(self._features, self._handles, self._disc, offset),
            ways * (self._params.step_length / far),
            self._confidences,
            self._price.slope(self._styled(offset), offset),
            self._price,
            damping=self._params.damping,
            longest=self._params.longest_step,
        )
        self._rows.move(step)


class _MovedRows:
    """The rows of w+: the first of them move, the others are constants."""

    def __init__(self, w_plus: Tensor, space: DragSpace) -> None:
        self.axes = space.axes
        self.frozen = w_plus.detach()[:, space.rows :].unbind(1)
        self.first = w_plus.detach()[:, : space.rows]
        # What moves is u, w = w0 + u axes: in standard deviations of w.
        moved = self.first[:, :1] if space.rows_move_alike else self.first
        self.offset = torch.zeros_like(moved, requires_grad=True)

    def as_moved(self) -> tuple[Tensor, ...]:
        """The rows as they are, each (1, w_dim)."""
        return self.moved_by(self.offset)

    def moved_by(self, offset: Tensor) -> tuple[Tensor, ...]:
        """The rows at an offset, each (1, w_dim)."""
        return (*(self.first + offset @ self.axes).unbind(1), *self.frozen)

    def widest(self, count: int) -> Tensor:
        """The directions of the offset along which the rows go farthest, of length one, at most so
        many: (m, 1, rows that move, w_dim)."""
        far = self.axes.norm(dim=1).expand(self.offset.shape).flatten()  # (U,)
        chosen = far.argsort(descending=True, stable=True)[:count]
        every = torch.eye(len(far)).to(far)
        return every[chosen].view(-1, *self.offset.shape)

    @torch.no_grad()
    def w_plus(self) -> Tensor:
        """The latent as it is: (1, num_ws, w_dim)."""
        return torch.stack(self.as_moved(), dim=1)

    @torch.no_grad()
    def move(self, step: Tensor) -> None:
        """Takes a step of u, (U,)."""
        self.offset += step.view_as(self.offset)


class _Progress:
    """Judges the distances: which is the best so far, and when to end."""

    def __init__(self, params: DragParams) -> None:
        self.params = params
        self.begin_anew(0)

    def begin_anew(self, step_index: int) -> None:
        """Forgets the distances so far: to other targets they say nothing."""
        self.best = float("inf")
        self.mark = float("inf")
        self.mark_index = step_index

    def judge(
        self, step_index: int, distance: float, *, is_reached: bool
    ) -> tuple[bool, EndReason | None]:
        """Gives whether this is the best step so far, and why to end with it, if so."""
        is_best = distance < self.best
        self.best = min(self.best, distance)
        if distance < 0.99 * self.mark:
            self.mark, self.mark_index = distance, step_index
        if is_reached:
            return is_best, EndReason.REACHED
        if step_index >= self.params.step_budget:
            return is_best, EndReason.BUDGET
        if step_index - self.mark_index >= self.params.stall_steps:
            return is_best, EndReason.STALLED
        return is_best, None


def _check_points(handles: Tensor, targets: Tensor) -> None:
    if handles.ndim != 2 or handles.shape != targets.shape or not len(handles):
        raise ValueError(
            f"handles and targets must be (K, 2) with K > 0, got {tuple(handles.shape)} and "
            f"{tuple(targets.shape)}"
        )
