"""What one step of a drag costs, counted instead of timed.

    python -m benchmarks.operations [--handles 1 5 20]

Arithmetic is counted by torch's FLOP counter on the meta device, where nothing is computed: a step
of the paper's is one run of the generator to the features and one gradient back to the dragged
rows, one of ours two for each handle, and nothing else in it multiplies matrices worth counting.
Memory is the sum of the tensors that live at the worst moment.
"""

import argparse
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.fused_stylegan2 import FusedGenerator
from engine.checkpoints.catalogue import load_generator
from engine.drag.params import DragParams
from engine.drag.price import Price
from engine.generator.generator import Generator, GeneratorShape
from engine.generator.local_jacobian import products_with_jacobian

TITLE = "multiply-adds of a step, 1e9"
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


def engine_gmac(
    shape: GeneratorShape, handles: Tensor, *, block: int = 128, rows: int = 6
) -> float:
    """Gives the multiply-adds of a step of the engine's loop, in 1e9: the features around the
    handles, and two products of a vector with their Jacobian for each handle.

    Args:
        shape: the generator's sizes.
        handles: (K, 2), feature px.
        block: whose features are supervised.
        rows: how many are dragged.
    """
    generator = _unfilled(shape).requires_grad_(False)
    reach = DragParams().reach

    def step() -> None:
        dragged = torch.empty(1, rows, shape.w_dim, device="meta", requires_grad=True)
        _, kept = _unfilled_rows(shape, rows)
        moved = dragged.unbind(1)
        features = generator.features_around([*moved, *kept], block, handles, reach)
        if isinstance(features, Tensor):
            parts = [features] * len(handles)
        else:
            parts = [features.parts[home] for home in features.homes]
        readings = torch.stack([part.sum() for part in parts])[:, None]  # (K, 1)
        vectors = torch.empty(len(handles), 2, 1, device="meta")
        products_with_jacobian(features, readings, vectors, dragged)
        _backward(generator.map_after(moved, rows))

    return count_gmac(step)


def price_gmac(shape: GeneratorShape, *, rows: int = 6) -> float:
    """Gives the multiply-adds before the first step, for the price of a change, in 1e9."""
    generator = _unfilled(shape).requires_grad_(False)
    params = DragParams()

    def price() -> None:
        directions = torch.empty(params.priced_directions, 1, rows, shape.w_dim, device="meta")
        Price.at(
            lambda offset: generator.map_after(offset.unbind(1), rows),
            directions,
            None,
            change_weight=params.change_weight,
            mask_weight=params.mask_weight,
        )

    return count_gmac(price)


def handles_in(count: int, block: int) -> Tensor:
    """Gives places that lie well apart in a map of `block` px: (K, 2), the first in the middle.

    A recurrence with the plastic number, which spreads any number of points evenly.
    """
    steps = torch.tensor([0.7548776662466927, 0.5698402909980532])
    return (0.5 + torch.arange(count)[:, None] * steps).frac() * block


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
    features.sum().backward(retain_graph=True)  # type: ignore[no-untyped-call]


def main() -> None:
    """Counts and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--handles", type=int, nargs="+", default=[1, 5, 20])
    counts = parser.parse_args().handles
    table = Table(
        "generator", "handles", "paper", "draglayer", "before the first step", title=TITLE
    )
    practice = load_generator("default")
    info = practice.info
    generators = [("practice", practice.generator.shape, info.feature_block, info.dragged_rows)]
    generators += [(f"{size} px", paper_shape(size), 128, 6) for size in sorted(CHANNEL_BASE)]
    for name, shape, block, rows in generators:
        for count in counts:
            costs = (
                reference_gmac(shape, block=block, rows=rows),
                engine_gmac(shape, handles_in(count, block), block=block, rows=rows),
                price_gmac(shape, rows=rows),
            )
            table.add_row(name, str(count), *(f"{cost:.3g}" for cost in costs))
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
