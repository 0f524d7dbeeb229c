"""What is added to a generator's weights for one picture, and its place in a document.

Half precision takes half the bytes, and loses nothing: whoever changes weights changes them by what
is kept, so that a picture opened again is the same to the bit.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

WeightChanges = Mapping[str, Tensor]
"""By the names of the weights, each of its weight's shape, float16."""

_PREFIX = "changes."


def stored_changes(changes: WeightChanges) -> dict[str, Tensor]:
    """Gives the tensors of a document."""
    return {
        f"{_PREFIX}{name}": change.detach().cpu().contiguous() for name, change in changes.items()
    }


def take_changes(tensors: dict[str, Tensor]) -> WeightChanges:
    """Takes the changes out of a document's tensors.

    Raises:
        ValueError: one is of another type, or holds what is no number.
    """
    names = [name for name in tensors if name.startswith(_PREFIX)]
    changes = {name.removeprefix(_PREFIX): tensors.pop(name) for name in names}
    for change in changes.values():
        if change.dtype != torch.float16 or not bool(change.isfinite().all()):
            raise ValueError("changes of weights are made of finite float16")
    return changes
