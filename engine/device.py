"""Which device the engine computes on, and with how many threads: the only file that asks."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from engine.errors import DeviceLost, OutOfDeviceMemory


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


def still_computes() -> bool:
    """Whether the device can be used: after some faults, in CUDA's words sticky ones, every
    later call fails too, until the process ends."""
    try:
        return torch.ones(1, device=choose_device()).add_(1.0).item() == 2.0
    except RuntimeError:
        return False


@contextmanager
def told_device_failures(still_computes: Callable[[], bool] = still_computes) -> Iterator[None]:
    """Turns the device's want of memory and its loss into our errors, with a sentence for an
    artist; a fault that the device outlives passes as it is.

    Args:
        still_computes: asked after a fault; a test passes its own.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(
            "the GPU has too little free memory for this model; close other programs that use it, "
            "or choose a smaller model"
        ) from error
    except torch.AcceleratorError as error:
        if still_computes():
            raise
        raise DeviceLost("the graphics device stopped working") from error
