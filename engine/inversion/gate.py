"""Before a tuned generator is handed over: do its pictures still move as a drag wants them to?

Tuned too hard, a generator paints its picture and little else: what it has learnt stays where it is
while the latent moves. So the part of the picture that can be followed best is dragged for five
steps, and looked for, pixel by pixel, in the pictures that the generator paints of it before and
after the tuning.
"""

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
"""So far must the part go in a tuned picture, as a share of its way in the other one."""

LEAST_WAY = 0.5
"""A way of which the part goes less before the tuning says nothing about the tuning."""

PICTURE_PX = 128
"""Side of the pictures in which the part is looked for, at most."""

_WAY = 1.0 / 16.0  # of the part, as a share of the picture's side
_PATCH = 1.0 / 20.0  # half the side of what is compared, likewise
_SEARCH = 1.0 / 9.0  # how far from its place the part is looked for along either axis, likewise
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


class _Probe:
    """A part of a picture, dragged to the right and downwards."""

    def __init__(
        self, generator: Generator, w_plus: Tensor, space: DragSpace, opacity: Tensor
    ) -> None:
        features = generator.features(w_plus.unbind(1), space.block)
        place = best_place(features, opacity)
        ways = _WAY * torch.eye(2, device=w_plus.device)
        self._place, self._ways, self._start = place / space.block, ways, w_plus
        self._ends = [
            _dragged(generator, w_plus, place, place + way * space.block, space) for way in ways
        ]
        self._went = self._shares(generator)

    def response(self, tuned: Generator) -> float:
        """Gives how far the part goes in a tuned generator's pictures, as a share of its way in
        those of the generator itself: of the ways that it goes there at all the least, 0 where it
        goes none."""
        goes = self._went >= LEAST_WAY
        if not bool(goes.any()):
            return 0.0
        return float((self._shares(tuned)[goes] / self._went[goes]).min())

    @torch.no_grad()
    def _shares(self, generator: Generator) -> Tensor:
        """Gives how much of each way the part has gone in a generator's pictures, (2,)."""
        before, *after = (_picture(generator, w) for w in (self._start, *self._ends))
        side = before.shape[-1]
        place, ways = self._place * side, self._ways * side
        gone = torch.stack([found_again(before, picture, place) - place for picture in after])
        return (gone * ways).sum(dim=1) / ways.square().sum(dim=1)


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


def found_again(before: Tensor, after: Tensor, place: Tensor) -> Tensor:
    """Gives where in the picture after the pixels around a place in the one before are most alike
    (L1), (2,), px.

    Args:
        before, after: (1, 3, s, s).
        place: (2,), px.
    """
    side = before.shape[-1]
    patch = square_offsets(_PATCH * side, 1.0, before.device)  # (M, 2)
    places = place + square_offsets(_SEARCH * side, 1.0, before.device)  # (N, 2)
    distance = sample(after, places[:, None] + patch) - sample(before, place + patch)
    found: Tensor = places[distance.abs().mean(dim=(1, 2)).argmin()]
    return found


def _dragged(
    generator: Generator, w_plus: Tensor, handle: Tensor, target: Tensor, space: DragSpace
) -> Tensor:
    """Gives the latent after five steps."""
    *_, last = drag(generator, w_plus, handle[None], target[None], space=space, params=_PARAMS)
    return last.w_plus


def _picture(generator: Generator, w_plus: Tensor) -> Tensor:
    side = min(PICTURE_PX, generator.resolution)
    return resize(generator.render(w_plus.unbind(1)), (side, side))
