"""Where each part of a picture went in an edit, read off the generator's own features.

Both latents are known, and with them both feature maps: no network for optical flow is needed. The
coarsest maps are compared all with all. At finer sizes each place first takes over the offset of
its neighbours that fits it best (Barnes et al. 2009, "PatchMatch"), which draws the outline of what
moved, and then refines it (Lucas and Kanade 1981, "An Iterative Image Registration Technique", on
feature channels in place of grey levels). What is seen in one of the two pictures alone has no
offset: there the two directions contradict each other, and the confidence is low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images import blur

_CHANNELS = 16  # principal directions of the features that are compared
_COARSE_SIZE = 32  # side of the maps that are compared all with all: 32^4 numbers, 4 MiB
_STILLNESS = 0.5  # what an offset of the whole side costs, in lengths of a feature
_NEIGHBOURS_PX = (4, 2, 1)  # how far away an offset is taken over from
_REFINEMENTS = 3  # of Lucas and Kanade, at each size
_DAMPING = 0.3  # of the mean squared slope: a flat place keeps the offset that it came with
_CONTRADICTION = 1.0 / 128  # of the side, at which the confidence has fallen to 1 / e


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flow:
    """Offsets between a picture and its edit, (x, y) in shares of the picture's sides.

    Attributes:
        backward: (1, 2, S, S), from a place of the picture after to where it was before.
        forward: (1, 2, S, S), from a place of the picture before to where it went.
        confidence: (1, 1, S, S), in [0, 1], of `backward`; low where the place was hidden before.
    """

    backward: Tensor
    forward: Tensor
    confidence: Tensor


@torch.no_grad()
def flow_between(before: Sequence[Tensor], after: Sequence[Tensor]) -> Flow:
    """Gives the flow between two pictures.

    Args:
        before: feature maps (1, C, S, S) of the picture before, from coarse to fine.
        after: the maps of the same blocks after.

    Returns:
        Offsets of the size of the finest map.
    """
    levels = [_main_channels(first, second) for first, second in zip(before, after, strict=True)]
    backward, forward = _compared_all_with_all(*levels[0])
    for first, second in levels:
        backward = _refined(second, first, _taken_over(second, first, backward))
        forward = _refined(first, second, _taken_over(first, second, forward))
    contradiction = (backward + shifted(forward, backward)).norm(dim=1, keepdim=True)
    confidence = (-(contradiction / _CONTRADICTION).square()).exp()
    return Flow(backward=backward, forward=forward, confidence=confidence)


def shifted(maps: Tensor, offsets: Tensor, mode: str = "bilinear") -> Tensor:
    """Reads a map at each place plus its offset; beyond the border the nearest pixel counts.

    Args:
        maps: (1, C, H, W).
        offsets: (1, 2, h, w), (x, y) in shares of the map's sides.
        mode: "bilinear" or "bicubic".

    Returns:
        (1, C, h, w).
    """
    height, width = offsets.shape[2:]
    x = (torch.arange(width, device=maps.device) + 0.5) / width
    y = (torch.arange(height, device=maps.device) + 0.5) / height
    places = torch.stack(torch.meshgrid(x, y, indexing="xy")) + offsets  # (1, 2, h, w)
    grid = places.permute(0, 2, 3, 1) * 2.0 - 1.0  # (1, h, w, 2)
    return F.grid_sample(maps, grid, mode=mode, padding_mode="border", align_corners=False)


def _main_channels(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """Gives two maps in the few directions in which they vary most; their variances sum to 1."""
    both = torch.cat([before, after]).float().transpose(0, 1).flatten(1)  # (C, 2 * S * S)
    both = both - both.mean(dim=1, keepdim=True)
    both = both / both.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-6)
    _, directions = torch.linalg.eigh(both @ both.t())
    main = directions[:, -_CHANNELS:].t() @ both
    main = main / main.square().sum(dim=0).mean().sqrt().clamp(min=1e-6)
    first, second = main.reshape(len(main), 2, *before.shape[2:]).transpose(0, 1).split(1)
    return first, second


def _compared_all_with_all(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """Gives the offsets to the likest place, backward and forward, at most `_COARSE_SIZE` large."""
    size = min(before.shape[-1], _COARSE_SIZE)
    first, second = (_patches(F.adaptive_avg_pool2d(maps, size)) for maps in (before, after))
    axis = (torch.arange(size, device=before.device) + 0.5) / size
    places = torch.stack(torch.meshgrid(axis, axis, indexing="xy")).flatten(1).t()  # (M, 2)
    cost = torch.cdist(second, first) + _STILLNESS * torch.cdist(places, places)  # (M, M)
    backward, forward = (
        _median((places[cost.argmin(dim=dim)] - places).t().reshape(1, 2, size, size))
        for dim in (1, 0)
    )
    return backward, forward


def _patches(maps: Tensor) -> Tensor:
    """Gives each place with its eight neighbours: (M, 9 * C)."""
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    return F.unfold(padded, 3)[0].t() / 3.0


def _taken_over(here: Tensor, there: Tensor, offsets: Tensor) -> Tensor:
    """Gives for each place, of its own offset and its neighbours', the one that fits it best."""
    size = (here.shape[2], here.shape[3])
    if offsets.shape[2:] == size:
        return offsets
    offsets = F.interpolate(offsets, size=size, mode="bilinear", align_corners=False)

    def cost(offered: Tensor) -> Tensor:
        unlikeness = (shifted(there, offered) - here).square().sum(dim=1, keepdim=True)
        total: Tensor = blur(unlikeness, 1) + _STILLNESS**2 * offered.norm(dim=1, keepdim=True)
        return total

    least = cost(offsets)
    for step, axis in product(_NEIGHBOURS_PX, (2, 3)):
        for distance in (step, -step):
            offered = offsets.roll(distance, dims=axis)
            now = cost(offered)
            offsets = torch.where(now < least, offered, offsets)
            least = now.minimum(least)
    return offsets


def _refined(here: Tensor, there: Tensor, offsets: Tensor) -> Tensor:
    """Gives the offsets at which `there` is most like `here`, near those given."""
    width = here.shape[3]
    padded = F.pad(here, (1, 1, 1, 1), mode="replicate")
    slope_x = 0.5 * (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2])
    slope_y = 0.5 * (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1])

    def nearby(values: Tensor) -> Tensor:
        return blur(values.sum(dim=1, keepdim=True), 1)

    xx, xy, yy = nearby(slope_x * slope_x), nearby(slope_x * slope_y), nearby(slope_y * slope_y)
    damping = _DAMPING * 0.5 * (xx + yy).mean() + 1e-12
    xx, yy = xx + damping, yy + damping
    for _ in range(_REFINEMENTS):
        error = shifted(there, offsets) - here
        ex, ey = nearby(slope_x * error), nearby(slope_y * error)
        pixels = torch.cat([yy * ex - xy * ey, xx * ey - xy * ex], dim=1) / (xx * yy - xy * xy)
        offsets = _median(offsets - pixels.clamp(-1.0, 1.0) / width)
    return offsets


def _median(offsets: Tensor) -> Tensor:
    """Gives the middle of each place and its eight neighbours, for both axes."""
    padded = F.pad(offsets, (1, 1, 1, 1), mode="replicate").transpose(0, 1)  # (2, 1, H, W)
    middle = F.unfold(padded, 3).median(dim=1).values  # (2, H * W)
    return middle.reshape(offsets.shape)
