"""Before a tuned generator is handed over: do its pictures still move as a drag wants them to?

Tuned too hard, a generator paints its picture and little else: what it has learnt stays where it is
while the latent moves. So the part of the picture that can be followed best is dragged for five
steps, and its pixels are looked for where they should be then, in what is painted before and after
the tuning.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from engine.drag.handle_hint import trackability
from engine.drag.loop import DragSpace, drag
from engine.drag.params import DragParams
from engine.generator.changes import WeightChanges
from engine.generator.generator import Generator
from engine.geometry import sample, square_offsets
from engine.images import resize

SHARES = (1.0, 0.5)
"""How much of a tuning is tried, one after the other; then none of it is taken."""

LEAST_RESPONSE = 0.8
"""So well must a tuned picture carry the part along, as a share of how well the other one does."""

LEAST_CARRIED = 0.2
"""A way on which the part is carried along worse before the tuning says nothing about it."""

PICTURE_PX = 128
"""Side of the pictures that are compared, at most."""

_WAY = 1.0 / 16.0  # of the part, as a share of the picture's side
_PATCH = 1.0 / 20.0  # half the side of what is compared, likewise
_GRID = 8  # places along either axis among which the part is chosen, the outermost left out
_PARAMS = DragParams(step_budget=5, change_weight=0.0, mask_weight=0.0, priced_directions=1)


def let_through(
    generator: Generator,
    w_plus: Tensor,
    changes: WeightChanges,
    *,
    space: DragSpace,
    opacity: Tensor,
) -> WeightChanges:
    """Gives as much of a tuning as leaves the picture free to move: all, a half or none of it.

    Args:
        generator: frozen, before the tuning: the one that drags.
        w_plus: (1, num_ws, w_dim), the picture.
        changes: of the generator's weights.
        space: where the picture will be dragged.
        opacity: (1, 1, S, S), 0 where the picture shows nothing.
    """
    probe = _Probe(generator, w_plus, space, opacity)
    for share in SHARES:
        taken = {name: change * share for name, change in changes.items()}
        if probe.response(generator.changed(taken)) >= LEAST_RESPONSE:
            return taken
    return {}


class _End(NamedTuple):
    """A latent, (1, num_ws, w_dim), and where the part is in its picture, frame coordinates."""

    w_plus: Tensor
    place: Tensor


class _Probe:
    """A part of a picture, dragged to the right and downwards."""

    def __init__(
        self, generator: Generator, w_plus: Tensor, space: DragSpace, opacity: Tensor
    ) -> None:
        handle = best_place(generator.features(w_plus.unbind(1), space.block), opacity)
        ways = _WAY * space.block * torch.eye(2, device=w_plus.device)
        self._start = _End(w_plus, handle / space.block)
        self._ends = [_dragged(generator, w_plus, handle, handle + way, space) for way in ways]
        self._carried = self._carried_by(generator)

    def response(self, tuned: Generator) -> float:
        """Gives how well a tuned generator's pictures carry the part along, as a share of how well
        those of the generator itself do: of the ways on which they do at all the least; 0 where
        there is none."""
        counts = self._carried >= LEAST_CARRIED
        if not bool(counts.any()):
            return 0.0
        return float((self._carried_by(tuned)[counts] / self._carried[counts]).min())

    @torch.no_grad()
    def _carried_by(self, generator: Generator) -> Tensor:
        """Gives for each way, (2,), by how much less the part's pixels differ from those at its new
        place than from those that are now where it was: 1 where they are the same."""
        before, *after = (_picture(generator, end.w_plus) for end in (self._start, *self._ends))
        part = _patch(before, self._start.place)
        shares = []
        for picture, end in zip(after, self._ends, strict=True):
            there, here = (
                (_patch(picture, place) - part).abs().mean()
                for place in (end.place, self._start.place)
            )
            shares.append(1.0 - there / here.clamp(min=1e-6))
        return torch.stack(shares)


@torch.no_grad()
def best_place(features: Tensor, opacity: Tensor) -> Tensor:
    """Gives the place that can be followed best where the picture shows, (2,), feature px.

    Args:
        features: (1, C, block, block).
        opacity: (1, 1, S, S), 0 where the picture shows nothing.
    """
    inner = (torch.arange(1, _GRID - 1, device=features.device) + 0.5) / _GRID
    places = torch.cartesian_prod(inner, inner)  # (K, 2), frame coordinates
    shows = sample(opacity, places * opacity.shape[-1])[:, 0] > 0.5
    places = (places[shows] if bool(shows.any()) else places) * features.shape[-1]
    best: Tensor = places[trackability(features, places, _PARAMS).argmax()]
    return best


def _dragged(
    generator: Generator, w_plus: Tensor, handle: Tensor, target: Tensor, space: DragSpace
) -> _End:
    """Drags for five steps."""
    *_, last = drag(generator, w_plus, handle[None], target[None], space=space, params=_PARAMS)
    return _End(last.w_plus, last.handles[0] / space.block)


def _picture(generator: Generator, w_plus: Tensor) -> Tensor:
    side = min(PICTURE_PX, generator.resolution)
    return resize(generator.render(w_plus.unbind(1)), (side, side))


def _patch(picture: Tensor, place: Tensor) -> Tensor:
    """Gives the pixels around a place, (M, 3)."""
    side = picture.shape[-1]
    return sample(picture, place * side + square_offsets(_PATCH * side, 1.0, picture.device))
