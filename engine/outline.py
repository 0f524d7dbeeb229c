"""Where the figure of a picture is before and after an edit, read off the generator's own features.

A generator paints colours and no opacity. But how opaque the layer was at each place is known, and
so are the features there: a linear map from the one to the other (ridge regression, Hoerl and
Kennard 1970), fitted to the picture before, tells figure from ground in the picture after. What it
takes for ground in the midst of the figure, as a mouth that has opened, is the figure's own: ground
is only what hangs together with ground that was there (grayscale reconstruction, Vincent 1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images import resize

_RIDGE = 0.01  # of a feature's variance
_CONTRAST = 3.0  # a fit by squares lies between 0 and 1 where the layer is the one or the other
_HOLE_SHARE = 1.0 / 64  # of the side: narrower ground within the figure is a pupil, or a nostril
_FEATURE_RANGE = 4.0  # deviations; further ones are strange to what the map was fitted to


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """How opaque a picture and its edit are, as far as the generator can say.

    Attributes:
        before: (1, 1, S, S), in [0, 1].
        after: (1, 1, S, S), in [0, 1].
    """

    before: Tensor
    after: Tensor


@torch.no_grad()
def outline_between(
    before: Sequence[Tensor], after: Sequence[Tensor], opacity: Tensor, size: int
) -> Outline:
    """Gives the figure in both pictures.

    Args:
        before: feature maps (1, C, Hf, Wf) of the picture before.
        after: the maps of the same blocks after.
        opacity: (1, 1, H, W), in [0, 1], of the artist's layer before.
        size: S, side of the maps to give.
    """
    known = _stacked(before, size)
    mean, deviation = known.mean(dim=1, keepdim=True), known.std(dim=1, keepdim=True)
    opacity = resize(opacity.to(known.device), (size, size))
    told = opacity.flatten() - 0.5

    def scaled(maps: Tensor) -> Tensor:
        away = (maps - mean) / deviation.clamp(min=1e-6)
        constant = torch.ones_like(maps[:1])
        return torch.cat([away.clamp(-_FEATURE_RANGE, _FEATURE_RANGE), constant])

    first, second = scaled(known), scaled(_stacked(after, size))
    moments = first @ first.t() / first.shape[1]
    moments = moments + _RIDGE * torch.eye(len(moments), device=moments.device)
    weights = torch.linalg.solve(moments, first @ told / first.shape[1])

    def read(maps: Tensor) -> Tensor:
        figure = 0.5 + _CONTRAST * (weights @ maps).reshape(1, 1, size, size)
        return 1.0 - _reached(1.0 - figure.clamp(0.0, 1.0), 1.0 - opacity)

    return Outline(before=read(first), after=read(second))


def _stacked(maps: Sequence[Tensor], size: int) -> Tensor:
    """Gives the maps as one of equal size: (C, S * S)."""
    enlarged = [
        F.interpolate(each.float(), size=(size, size), mode="bilinear", align_corners=False)
        for each in maps
    ]
    return torch.cat(enlarged, dim=1)[0].flatten(1)


def _reached(ground: Tensor, known: Tensor) -> Tensor:
    """Gives the ground as far as it hangs together with known ground wider than `_HOLE_SHARE`."""
    reach = max(1, round(_HOLE_SHARE * ground.shape[-1]))
    reached = -F.max_pool2d(-torch.minimum(ground, known), 2 * reach + 1, 1, reach)
    while True:
        grown = torch.minimum(F.max_pool2d(reached, 3, 1, 1), ground)
        if torch.equal(grown, reached):
            return reached
        reached = grown
