"""Which device the engine computes on, and with how many threads: the only file that asks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.errors import OutOfDeviceMemory


def choose_device(name: str | None = None) -> torch.device:
    """Gives the device of a name, or the best one that this machine has.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", ..., or None to choose.

    Raises:
        ValueError: this machine has no such device.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"this machine has no device {name!r}; leave it out to use the best one there is"
        ) from error
    return device


def leave_one_processor() -> None:
    """Lets torch use all processors but one, which the editor keeps.

    Torch's threads wait for each other inside every operation: where one of them has to share its
    processor with a busy editor, all are as slow as that one.
    """
    most = max(1, (os.cpu_count() or 2) - 1)
    torch.set_num_threads(min(torch.get_num_threads(), most))


@contextmanager
def told_out_of_memory() -> Iterator[None]:
    """Turns the device's want of memory into our error, with a sentence for an artist."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(
            "the GPU has too little free memory for this model; close other programs that use it, "
            "or choose a smaller model"
        ) from error
