"""Drags whose truth is known: a drawing, the same head with other factors, and what moved.

Two kinds: named edits, where one factor changes as an artist would want it, and pairs, where a head
takes on another's pose (the way in which Pan et al. 2023, 4.2, take handles and targets from the
landmarks of two samples). Only what shows in both drawings is dragged.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.marks import NAMES, POSE, KeypointMarks, Marks, UpperLids, keypoints_of
from training.keypoints import KeypointDetector
from training.pictures import FACTORS, KEYPOINTS, draw, factors_from_z

SHORTEST_WAY = 0.03
"""Mean way of a case's handles, share of the picture: below it there is nothing to drag."""

MARGIN = 0.03
"""Handles and targets stay so far from the border, share of the picture."""

MUZZLE = (0.142, 0.088)
"""Radii of the muzzle, which hides a shut mouth's lower lip and may hide a turned head's cheek."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One drag: its latent, its points and its pictures.

    Attributes:
        z: (1, z_dim), the latent whose factors the first drawing has.
        z_after: (1, z_dim), that of the second drawing: what a perfect drag would arrive at.
        picture: (1, 3, S, S), the first drawing, [0, 1].
        truth: (1, 3, S, S), the second drawing.
        handles: (K, 2), frame coordinates in the first drawing.
        targets: (K, 2), frame coordinates in the second.
        marks: finds the same places in a render.
    """

    z: Tensor
    z_after: Tensor
    picture: Tensor
    truth: Tensor
    handles: Tensor
    targets: Tensor
    marks: Marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One kind of drag that has a name.

    Attributes:
        name: what an artist would call it.
        factor: the factor that changes.
        share: how much of its range; below 0 it falls.
        keypoints: what is dragged, as far as it shows; empty: the upper lids.
        goes_both_ways: where there is no room the change is turned round.
    """

    name: str
    factor: str
    share: float
    keypoints: tuple[str, ...] = ()
    goes_both_ways: bool = False

    def change(self, factors: Tensor) -> Tensor | None:
        """Gives the factors (1, F) after the change; None where there is no room for it."""
        column = NAMES.index(self.factor)
        factor = FACTORS[column]
        for share in (self.share, -self.share)[: 1 + self.goes_both_ways]:
            value = float(factors[0, column]) + share * (factor.high - factor.low)
            if factor.low <= value <= factor.high:
                changed = factors.clone()
                changed[0, column] = value
                return changed
        return None


EDITS = (
    Edit(name="mouth open", factor="mouth_open", share=0.6, keypoints=("chin", "lip_lower")),
    Edit(
        name="ear longer",
        factor="ear_length",
        share=0.5,
        keypoints=("ear_tip_left", "ear_tip_right"),
    ),
    Edit(name="head turn", factor="yaw", share=0.35, keypoints=("nose",), goes_both_ways=True),
    Edit(name="eyes close", factor="eye_open", share=-0.6),
    Edit(name="brow up", factor="brow_height", share=0.6, keypoints=("brow_left", "brow_right")),
)


def edit_cases(
    edit: Edit, count: int, size: int, *, z_dim: int, detector: KeypointDetector, seed: int = 5
) -> Iterator[Case]:
    """Gives so many drags of one kind, the same for the same seed."""
    source = torch.Generator().manual_seed(seed)
    while count:
        z = torch.randn(1, z_dim, generator=source)
        before = factors_from_z(z)
        after = edit.change(before)
        if after is None:
            continue
        marks: Marks = UpperLids(before, detector)
        if edit.keypoints:
            seen = seen_in_both(before, after)
            names = [name for name in edit.keypoints if name in seen]
            if not names:
                continue
            marks = KeypointMarks(names, detector)
        case = case_of(z, after, marks, size)
        if case is not None:
            yield case
            count -= 1


def pair_cases(
    count: int,
    size: int,
    *,
    handles: int | None,
    z_dim: int,
    detector: KeypointDetector,
    seed: int = 11,
) -> Iterator[Case]:
    """Gives so many pairs of poses, the same for the same seed.

    Two z are drawn; the first head takes on the second one's pose and keeps its colours. Of the
    keypoints that show in both drawings as many as are asked for are chosen by chance; None takes
    all of them. A pair whose handles have less than `SHORTEST_WAY` to go is drawn anew.
    """
    source = torch.Generator().manual_seed(seed)
    columns = [NAMES.index(name) for name in POSE]
    while count:
        z = torch.randn(2, z_dim, generator=source)
        order = torch.randperm(len(KEYPOINTS), generator=source).tolist()
        before, other = torch.split(factors_from_z(z), 1)
        after = before.clone()
        after[:, columns] = other[:, columns]
        seen = seen_in_both(before, after)
        chosen = [KEYPOINTS[i] for i in order if KEYPOINTS[i] in seen][:handles]
        marks = KeypointMarks(chosen, detector)
        way = (marks.true(after) - marks.true(before)).norm(dim=1).mean()
        if len(chosen) < (handles or 1) or float(way) < SHORTEST_WAY:
            continue
        case = case_of(z[:1], after, marks, size)
        if case is not None:
            yield case
            count -= 1


def seen_in_both(before: Tensor, after: Tensor) -> list[str]:
    """Gives the keypoints that show in the drawings of both factors, (1, F) each."""
    shows = showing(keypoints_of(before)) & showing(keypoints_of(after))
    return [name for name, is_seen in zip(KEYPOINTS, shows.tolist(), strict=True) if is_seen]


def showing(keypoints: Tensor) -> Tensor:
    """Tells which of a drawing's keypoints (K, 2) show: in the frame, and not behind the muzzle."""
    lip = KEYPOINTS.index("lip_upper")
    radii = torch.tensor(MUZZLE)
    muzzle = keypoints[lip] - torch.tensor([0.0, 0.74]) * radii
    is_free = ((keypoints - muzzle) / (1.1 * radii)).square().sum(dim=1) > 1.0
    is_free[[lip, KEYPOINTS.index("nose")]] = True  # on the muzzle
    return is_free & ((keypoints > MARGIN) & (keypoints < 1.0 - MARGIN)).all(dim=1)


def z_with(z: Tensor, factors: Tensor) -> Tensor | None:
    """Gives the latent with these factors and whatever else a latent says; None where there is
    none.

    Args:
        z: (1, z_dim).
        factors: (1, F), each within its range.
    """
    low, high = (torch.tensor([getattr(f, end) for f in FACTORS]) for end in ("low", "high"))
    share = (factors - low) / (high - low)
    told = torch.special.ndtri(share.clamp(1e-4, 1.0 - 1e-4))  # (1, F)
    # A direction is all that counts, so what tells the factors leaves the rest so much length.
    room = z.shape[1] - float(told.square().sum())
    if room <= 0.0:
        return None
    rest = z[:, len(FACTORS) :]
    return torch.cat([told, rest * room**0.5 / rest.norm()], dim=1)


def case_of(z: Tensor, after: Tensor, marks: Marks, size: int) -> Case | None:
    """Gives the case of a latent's head that takes on factors (1, F); None where no latent has
    them."""
    before, z_after = factors_from_z(z), z_with(z, after)
    if z_after is None:
        return None
    return Case(
        z=z,
        z_after=z_after,
        picture=draw(before, size).images,
        truth=draw(after, size).images,
        handles=marks.true(before),
        targets=marks.true(after),
        marks=marks,
    )
