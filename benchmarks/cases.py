"""Drags with known truth: a drawing, the same drawing with some factors changed, and the points
that went from here to there.

A seed decides every case. Handles and targets are the exact keypoints of the two drawings, so a
target is a place that this very head can reach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.pictures import FACTORS, HEAD_RADIUS, KEYPOINTS, draw, factors_from_z

COLUMN = {factor.name: index for index, factor in enumerate(FACTORS)}
MOVERS = (
    "yaw",
    "pitch",
    "mouth_open",
    "brow_height",
    "ear_length",
    "ear_spread",
    "head_width",
)
"""Factors that move keypoints."""
LEAST_MOVE = 0.03  # of the picture's side, mean of the handles
MARGIN = 0.02  # of the side: nearer to the border, or beyond it, nothing is dragged


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One drag: its latents, its points and its pictures.

    Attributes:
        z: (1, z_dim), the latent whose factors the first drawing has.
        z_after: (1, z_dim), that of the second drawing.
        picture: (1, 3, S, S), the first drawing, [0, 1].
        truth: (1, 3, S, S), the second drawing.
        handles: (K, 2), frame coordinates.
        targets: (K, 2), frame coordinates.
        indices: places of the dragged points in `KEYPOINTS`; empty where they are none.
    """

    z: Tensor
    z_after: Tensor
    picture: Tensor
    truth: Tensor
    handles: Tensor
    targets: Tensor
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One kind of drag, as an artist would call it.

    Attributes:
        name: what it is called.
        factor: the factor that changes.
        share: how much of its range, and which way; where there is no room the head is another.
        keypoints: what is dragged; empty for the eyes' lids, which are no keypoints.
    """

    name: str
    factor: str
    share: float
    keypoints: tuple[str, ...]


EDITS = (
    Edit(name="mouth open", factor="mouth_open", share=0.6, keypoints=("chin", "lip_lower")),
    Edit(
        name="ear longer",
        factor="ear_length",
        share=0.5,
        keypoints=("ear_tip_left", "ear_tip_right"),
    ),
    Edit(name="head turn", factor="yaw", share=0.35, keypoints=("nose",)),
    Edit(name="eyes close", factor="eye_open", share=-0.6, keypoints=()),
    Edit(name="brow up", factor="brow_height", share=0.6, keypoints=("brow_left", "brow_right")),
)


def cases_of(edit: Edit, count: int, size: int, *, z_dim: int, seed: int = 5) -> Iterator[Case]:
    """Gives so many drags of one kind, the same for the same seed."""
    source = torch.Generator().manual_seed(seed)
    indices = tuple(KEYPOINTS.index(name) for name in edit.keypoints)
    given = 0
    while given < count:
        z = _deviate(z_dim, source)
        before = factors_from_z(z)
        after = moved(before, {edit.factor: edit.share})
        case = _case(z, before, after, size, indices)
        if case is not None:
            given += 1
            yield case


def random_cases(
    handles: int, count: int, size: int, *, z_dim: int, seed: int = 11
) -> Iterator[Case]:
    """Gives so many drags of random keypoints by a random change of one or two factors.

    One factor changes for a single handle, two for several: by up to the whole of their range.
    """
    source = torch.Generator().manual_seed(seed)
    given = 0
    while given < count:
        z = _deviate(z_dim, source)
        factors = torch.randperm(len(MOVERS), generator=source)[: 1 if handles == 1 else 2]
        shares = 2.0 * torch.rand(len(factors), generator=source) - 1.0
        indices = torch.randperm(len(KEYPOINTS), generator=source)[:handles]
        before = factors_from_z(z)
        changes = {MOVERS[i]: float(s) for i, s in zip(factors.tolist(), shares, strict=True)}
        case = _case(z, before, moved(before, changes), size, tuple(indices.tolist()))
        if case is not None and float(_length(case)) >= LEAST_MOVE:
            given += 1
            yield case


def moved(factors: Tensor, shares: dict[str, float]) -> Tensor:
    """Gives factors (1, F) with some of them moved by shares of their ranges."""
    factors = factors.clone()
    for name, share in shares.items():
        factor = FACTORS[COLUMN[name]]
        factors[0, COLUMN[name]] += share * (factor.high - factor.low)
    return factors


def z_with(z: Tensor, factors: Tensor) -> Tensor | None:
    """Gives the latent with these factors, and with what else z says; None where there is none.

    Args:
        z: (1, z_dim).
        factors: (1, F), each within its range.
    """
    low, high = (torch.tensor([getattr(f, end) for f in FACTORS]) for end in ("low", "high"))
    share = (factors - low) / (high - low)
    if not bool(((share > 1e-4) & (share < 1.0 - 1e-4)).all()):
        return None
    head = torch.special.ndtri(share)
    rest = z[:, len(FACTORS) :]
    room = z.shape[1] - head.square().sum()
    if not bool(room > 0.0):
        return None
    return torch.cat([head, rest * (room / rest.square().sum()).sqrt()], dim=1)


def _deviate(z_dim: int, source: torch.Generator) -> Tensor:
    z = torch.randn(1, z_dim, generator=source)
    return z * torch.rsqrt(z.square().mean())  # of the length that the mapping network sees


def _case(
    z: Tensor, before: Tensor, after: Tensor, size: int, indices: Sequence[int]
) -> Case | None:
    """Gives the case, or None where the change leaves the ranges or a point the picture."""
    z_after = z_with(z, after)
    if z_after is None:
        return None
    first, second = draw(before, size), draw(after, size)
    if indices:
        handles, targets = (d.keypoints[0, list(indices)] for d in (first, second))
    else:
        handles, targets = _lids(before, first.keypoints), _lids(after, second.keypoints)
    points = torch.cat([handles, targets])
    if not bool(((points > MARGIN) & (points < 1.0 - MARGIN)).all()):
        return None
    return Case(
        z=z,
        z_after=z_after,
        picture=first.images,
        truth=second.images,
        handles=handles,
        targets=targets,
        indices=tuple(indices),
    )


def _lids(factors: Tensor, keypoints: Tensor) -> Tensor:
    """The upper and the lower lid of both eyes, (4, 2), frame coordinates."""
    value = {name: float(factors[0, column]) for name, column in COLUMN.items()}
    half = 0.165 * value["eye_open"] * value["eye_size"] * HEAD_RADIUS[1]
    eyes = keypoints[0, [KEYPOINTS.index("eye_left"), KEYPOINTS.index("eye_right")]]
    down = torch.tensor([0.0, half * float(torch.tensor(value["pitch"]).cos())])
    return torch.cat([eyes - down, eyes + down])


def _length(case: Case) -> Tensor:
    length: Tensor = (case.targets - case.handles).norm(dim=1).mean()
    return length
