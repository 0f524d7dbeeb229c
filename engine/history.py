"""The history of a session: each finished drag is one entry, and the present is a place in it.

An entry holds its own start, its trajectory, and where on it and how strongly it is shown. It
stands for itself: what is shown after a redo is, to the bit, what was shown before the undo,
whatever was done to the entries before it in the meantime.

Only the rows of w+ that a drag moves are kept, of at most `KEPT_STEPS` steps of each of the last
`KEPT_ENTRIES` drags: 61 MB at the most for a model of 1024 px, where 6 rows of 512 numbers move.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

KEPT_ENTRIES = 50
KEPT_STEPS = 100
MOST_AMOUNT = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A finished drag and how it is shown.

    Attributes:
        trajectory: (T, R, w_dim), float32, on the CPU: the dragged rows of w+ at each kept step,
            the first of them before any update.
        position: which of them is shown.
        amount: how strongly: w0 + amount (w - w0), w0 the first, w the one at the position.

    Raises:
        ValueError: position or amount are out of their range, or the trajectory has no step.
    """

    trajectory: Tensor
    position: int
    amount: float = 1.0

    def __post_init__(self) -> None:
        steps = len(self.trajectory)
        if self.trajectory.ndim != 3 or not 1 <= steps <= KEPT_STEPS:
            raise ValueError(
                f"a trajectory has 1 to {KEPT_STEPS} steps of some rows of w+, got "
                f"{tuple(self.trajectory.shape)}"
            )
        if not 0 <= self.position < steps:
            raise ValueError(
                f"the drag has no position {self.position}; choose one from 0 to {steps - 1}"
            )
        if not 0.0 <= self.amount <= MOST_AMOUNT:
            raise ValueError(
                f"the amount is {self.amount:g}; choose one from 0 to {MOST_AMOUNT:g}, where 1 is "
                "the edit as it was dragged"
            )

    @property
    def shown(self) -> Tensor:
        """The dragged rows as they are shown: (R, w_dim)."""
        # lerp gives its ends exactly, so that an amount of 1 is the step itself.
        return torch.lerp(self.trajectory[0], self.trajectory[self.position], self.amount)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """All entries and which of them is the present; each change gives a new history.

    Attributes:
        base: (1, num_ws, w_dim), the latent before any drag.
        entries: the drags, the oldest first.
        index: how many of them are done; the others are undone and may be redone.

    Raises:
        ValueError: an entry does not fit the base, or there is no such index.
    """

    base: Tensor
    entries: tuple[Entry, ...] = ()
    index: int = 0

    def __post_init__(self) -> None:
        rows, w_dim = self.base.shape[1:]
        if any(
            e.trajectory.shape[1] > rows or e.trajectory.shape[2] != w_dim for e in self.entries
        ):
            raise ValueError(f"an entry does not fit a latent of {rows} rows of {w_dim} numbers")
        if not 0 <= self.index <= len(self.entries) <= KEPT_ENTRIES:
            raise ValueError(
                f"a history has at most {KEPT_ENTRIES} entries, and one is the present"
            )

    @property
    def present(self) -> Entry | None:
        """The entry that is shown; None before the first drag."""
        return self.entries[self.index - 1] if self.index else None

    @property
    def w_plus(self) -> Tensor:
        """The latent that is shown: (1, num_ws, w_dim)."""
        if self.present is None:
            return self.base
        rows = self.present.shown.to(self.base.device)[None]  # (1, R, w_dim)
        return torch.cat([rows, self.base[:, rows.shape[1] :]], dim=1)

    def with_drag(self, entry: Entry) -> Self:
        """Adds a drag after the present; what was undone is dropped.

        Of more than `KEPT_ENTRIES` the oldest is forgotten: before the second oldest there is then
        the picture before any drag.
        """
        entries = (*self.entries[: self.index], entry)[-KEPT_ENTRIES:]
        return replace(self, entries=entries, index=len(entries))

    def moved_to(self, index: int) -> Self:
        """Goes to where `index` entries are done."""
        return replace(self, index=index)

    def showing(self, *, position: int | None = None, amount: float | None = None) -> Self:
        """Shows the present at another place of its trajectory, or by another amount.

        What was undone stays: it begins at its own start.
        """
        if self.present is None:
            raise ValueError("there is no drag to go through or to weaken; drag a handle first")
        entry = replace(
            self.present,
            position=self.present.position if position is None else position,
            amount=self.present.amount if amount is None else amount,
        )
        before, after = self.entries[: self.index - 1], self.entries[self.index :]
        return replace(self, entries=(*before, entry, *after))


class Recording:
    """The trajectory of a drag that runs.

    Args:
        rows: (R, w_dim), the dragged rows before any update.
    """

    def __init__(self, rows: Tensor) -> None:
        start = (0, rows.detach().cpu())
        self._kept = [start]
        self._best = self._last = start
        self._stride = 1

    @property
    def has_update(self) -> bool:
        """Whether a step has been recorded that came after an update."""
        return self._last[0] > 0

    def add(self, step_index: int, rows: Tensor, *, is_best: bool) -> None:
        """Records a step; of many only every second, fourth, ... is kept, and best and last."""
        self._last = step_index, rows.detach().cpu()
        if is_best:
            self._best = self._last
        if step_index and step_index % self._stride == 0:
            self._kept.append(self._last)
        if len(self._kept) > KEPT_STEPS - 2:
            self._stride *= 2
            self._kept = [kept for kept in self._kept if kept[0] % self._stride == 0]

    def entry(self) -> Entry:
        """Gives the drag as it is so far, shown at its best step."""
        steps = dict([*self._kept, self._best, self._last])
        indices = sorted(steps)
        return Entry(
            trajectory=torch.stack([steps[index] for index in indices]),
            position=indices.index(self._best[0]),
        )
