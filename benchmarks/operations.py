"""What one step of a drag costs, counted instead of timed.

Arithmetic is counted by torch's FLOP counter on the meta device, where nothing is computed: a step
is one run of the generator to the features and one gradient back to the dragged rows, and nothing
else in it multiplies matrices. Memory is the sum of the tensors that live at the worst moment.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.fused_stylegan2 import FusedGenerator
from engine.generator.generator import Generator, GeneratorShape

CHANNEL_BASE = {256: 16384, 512: 32768, 1024: 32768}  # the widths of the public checkpoints


def paper_shape(resolution: int) -> GeneratorShape:
    """Gives the sizes of the generators that the paper drags, for 256, 512 or 1024 px."""
    sizes = [4 << index for index in range(resolution.bit_length() - 2)]
    base = CHANNEL_BASE[resolution]
    channels = {size: min(512, base // size) for size in sizes}
    return GeneratorShape(z_dim=512, w_dim=512, mapping_depth=8, channels=channels)


def count_gmac(run: Callable[[], object]) -> float:
    """Gives the multiply-adds, in 1e9, of what a function does."""
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops()) / 2e9


def reference_gmac(shape: GeneratorShape, *, block: int = 128, rows: int = 6) -> float:
    """Gives the multiply-adds of a step of the reference loop, in 1e9."""
    generator = FusedGenerator(_unfilled(shape).state_dict())

    def step() -> None:
        dragged, kept = _unfilled_rows(shape, rows)
        w_plus = torch.stack([*dragged, *kept], dim=1)
        _backward(generator.synthesis(w_plus, feature_block=block).features)

    return count_gmac(step)


def engine_gmac(shape: GeneratorShape, *, block: int = 128, rows: int = 6) -> float:
    """Gives the multiply-adds of a step of the engine's loop, in 1e9."""
    generator = _unfilled(shape).requires_grad_(False)

    def step() -> None:
        dragged, kept = _unfilled_rows(shape, rows)
        _backward(generator.features([*dragged, *kept], block))

    return count_gmac(step)


class LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that are made while it is entered and still live."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes_now = 0
        self.bytes_peak = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Runs one operation and takes note of what it made."""
        given = {_storage_id(leaf) for leaf in tree_leaves((args, kwargs)) if _is_tensor(leaf)}
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and _storage_id(leaf) not in given:
                self._note(leaf)
        return result

    def _note(self, tensor: Tensor) -> None:
        key = _storage_id(tensor)
        if key in self._sizes:
            return
        storage = tensor.untyped_storage()
        self._sizes[key] = storage.nbytes()
        self.bytes_now += self._sizes[key]
        self.bytes_peak = max(self.bytes_peak, self.bytes_now)
        # A storage's Python object lives as long as the storage itself, saved for backward or not.
        weakref.finalize(storage, self._forget, key).atexit = False

    def _forget(self, key: int) -> None:
        self.bytes_now -= self._sizes.pop(key)


def _is_tensor(leaf: object) -> bool:
    return isinstance(leaf, Tensor)


def _storage_id(tensor: Tensor) -> int:
    # torch has no public name for it
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001


def _unfilled(shape: GeneratorShape) -> Generator:
    with torch.device("meta"):
        return Generator(shape)


def _unfilled_rows(shape: GeneratorShape, dragged: int) -> tuple[list[Tensor], list[Tensor]]:
    """Gives the rows of w+ that require a gradient, and the others."""
    rows = [torch.empty(1, shape.w_dim, device="meta") for _ in range(2 * len(shape.channels))]
    return [row.requires_grad_() for row in rows[:dragged]], rows[dragged:]


def _backward(features: Tensor) -> None:
    features.sum().backward()  # type: ignore[no-untyped-call]
