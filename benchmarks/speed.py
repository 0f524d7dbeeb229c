"""What a step of a drag costs: the engine's loop beside the paper's.

    python -m benchmarks.speed [--sizes 256 512 1024] [--handles 1 5] [--steps 3] [--device cuda]

Arithmetic is counted. Time is taken in one process with one thread, the loops in turn, so that
whatever else the machine does befalls all; the fastest step counts, and beside it what a drag takes
before its first step. Memory is the sum of the tensors that live at the worst moment of a drag,
without the weights. All drag handles over a fifth of the picture, six rows of w+, features of block
128; half of the picture is protected. The weights are random, which changes no cost.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from benchmarks.fused_stylegan2 import FusedGenerator
from benchmarks.operations import (
    CHANNEL_BASE,
    LiveTensors,
    engine_gmac,
    handles_in,
    paper_shape,
    reference_gmac,
)
from benchmarks.reference import ReferenceDrag
from engine.drag.loop import DragSpace, drag
from engine.drag.params import DragParams
from engine.generator.generator import Generator

BLOCK, ROWS = 128, 6
WAY = 0.2  # of the picture
ENDLESS = DragParams(step_budget=10_000, stall_steps=10_000)  # random weights bring no handle home

Step = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What a loop takes.

    Attributes:
        first_seconds: from the start to the first step.
        seconds: the fastest step.
    """

    first_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one step costs.

    Attributes:
        gmac: multiply-adds, in 1e9.
        times: what it takes.
        peak_bytes: of tensors that live at once, without weights.
    """

    gmac: float
    times: Times
    peak_bytes: int


class Contest:
    """All loops on one generator.

    Args:
        resolution: 256, 512 or 1024.
        handle_count: how many handles are dragged.
        is_masked: half of the picture is protected.
        device: where both compute.
    """

    def __init__(
        self, resolution: int, handle_count: int, *, is_masked: bool = True, device: str = "cpu"
    ) -> None:
        self.resolution = resolution
        torch.manual_seed(0)
        generator = Generator(paper_shape(resolution)).requires_grad_(False).eval()
        self.generator = generator.to(device)
        self.fused = FusedGenerator(self.generator.state_dict())
        w = self.generator.sample_w(1, seed=1)
        self.w_plus = w[:, None].repeat(1, self.generator.num_ws, 1)  # (1, num_ws, w_dim)
        self.editable_mask: Tensor | None = None
        if is_masked:
            self.editable_mask = torch.zeros(resolution, resolution, device=device)
            self.editable_mask[:, resolution // 4 : resolution * 3 // 4] = 1.0
        self.handles = handles_in(handle_count, BLOCK).to(device)
        ways = torch.where(self.handles[:, :1] < BLOCK / 2, WAY * BLOCK, -WAY * BLOCK)
        self.targets = self.handles + torch.cat([ways, torch.zeros_like(ways)], dim=1)

    def paper(self) -> Step:
        """Begins the paper's drag; what it gives does one step."""
        to_px = self.resolution / BLOCK
        loop = ReferenceDrag(
            self.fused,
            self.w_plus,
            [(x * to_px, y * to_px) for x, y in self.handles.tolist()],
            [(x * to_px, y * to_px) for x, y in self.targets.tolist()],
            self.editable_mask,
        )
        return loop.step

    def engine(self) -> Step:
        """Begins the engine's drag; what it gives does one step."""
        mask = None if self.editable_mask is None else self.editable_mask[None, None]
        axes = torch.eye(self.w_plus.shape[2]).to(self.w_plus)
        space = DragSpace(block=BLOCK, rows=ROWS, axes=axes)
        steps = drag(
            self.generator,
            self.w_plus,
            self.handles,
            self.targets,
            space=space,
            held=space.holding(self.w_plus, mask),
            params=ENDLESS,
        )
        next(steps)  # the picture before the first update
        return lambda: next(steps)


LOOPS: Mapping[str, Callable[[Contest], Step]] = {
    "reference": Contest.paper,
    "ours": Contest.engine,
}


def measure(
    resolution: int, handle_count: int, step_count: int, *, device: str = "cpu"
) -> dict[str, Cost]:
    """Gives what a step of each loop costs."""
    gmac = {name: _count(name, resolution, handle_count) for name in LOOPS}
    # Each on weights of its own: what is kept of them from step to step is part of the cost.
    peaks = {
        name: _peak_bytes(begin, Contest(resolution, handle_count, device=device))
        for name, begin in LOOPS.items()
    }
    timed = times(Contest(resolution, handle_count, device=device), step_count)
    return {
        name: Cost(gmac=gmac[name], times=timed[name], peak_bytes=peaks[name]) for name in LOOPS
    }


def times(contest: Contest, step_count: int) -> dict[str, Times]:
    """Gives what each loop takes; so many steps of each are timed."""
    begun, first_seconds = {}, {}
    for name, begin in LOOPS.items():
        start = _now(contest)
        begun[name] = begin(contest)
        first_seconds[name] = _now(contest) - start
    seconds = _time_in_turn(contest, begun, step_count)
    return {name: Times(first_seconds=first_seconds[name], seconds=seconds[name]) for name in LOOPS}


def _count(name: str, resolution: int, handle_count: int) -> float:
    shape = paper_shape(resolution)
    if name == "reference":
        return reference_gmac(shape, block=BLOCK, rows=ROWS)
    return engine_gmac(shape, handles_in(handle_count, BLOCK), block=BLOCK, rows=ROWS)


def _now(contest: Contest) -> float:
    """Gives the time when all that was asked of the device is done, s."""
    if contest.w_plus.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter()


def _time_in_turn(contest: Contest, steps: Mapping[str, Step], step_count: int) -> dict[str, float]:
    """Gives the fastest of so many steps of each loop; the first, which warms up, is left out."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(step_count + 1):
        for name, step in steps.items():
            begun = _now(contest)
            step()
            taken[name].append(_now(contest) - begun)
    return {name: min(times[1:]) for name, times in taken.items()}


def _peak_bytes(begin: Callable[[Contest], Step], contest: Contest) -> int:
    with LiveTensors() as tensors:
        step = begin(contest)
        step()
        step()
        return int(tensors.bytes_peak)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = sorted(CHANNEL_BASE)
    parser.add_argument("--sizes", type=int, nargs="+", choices=sizes, default=sizes)
    parser.add_argument("--handles", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--steps", type=int, default=3, help="steps timed of each loop")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cuda, mps, ...")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    columns = ("px", "handles", "loop", "GMAC", "before, s", "s", "ratio", "MiB")
    table = Table(*columns, title="one step")
    setups = [(size, count) for size in arguments.sizes for count in arguments.handles]
    for size, count in track(setups, description="measuring"):
        costs = measure(size, count, arguments.steps, device=arguments.device)
        for name, cost in costs.items():
            table.add_row(
                str(size),
                str(count),
                name,
                f"{cost.gmac:.1f}",
                f"{cost.times.first_seconds:.2f}",
                f"{cost.times.seconds:.3f}",
                f"{costs['reference'].times.seconds / cost.times.seconds:.1f}",
                f"{cost.peak_bytes / 2**20:.0f}",
            )
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
