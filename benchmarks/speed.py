"""What a step of a drag costs: the engine's loop beside the paper's.

    python -m benchmarks.speed [--sizes 256 512 1024] [--steps 3]

Arithmetic is counted. Time is taken in one process with one thread, the two loops in turn, so that
whatever else the machine does befalls both; the fastest step counts. Memory is the sum of the
tensors that live at the worst moment of a step, without the weights. Both loops drag one handle
over a fifth of the picture, six rows of w+, features of block 128, half of the picture protected;
the weights are random, which changes no cost.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.fused_stylegan2 import FusedGenerator
from benchmarks.operations import (
    CHANNEL_BASE,
    LiveTensors,
    engine_gmac,
    paper_shape,
    reference_gmac,
)
from benchmarks.reference import ReferenceDrag
from engine.drag.loop import DragSpace, drag
from engine.generator.generator import Generator

BLOCK, ROWS = 128, 6
HANDLE, TARGET = (0.4, 0.5), (0.6, 0.5)  # shares of the picture

Step = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one step costs.

    Attributes:
        gmac: multiply-adds, in 1e9.
        seconds: the fastest step.
        peak_bytes: of tensors that live at once, without weights.
    """

    gmac: float
    seconds: float
    peak_bytes: int


class Contest:
    """Both loops on one generator.

    Args:
        resolution: 256, 512 or 1024.
    """

    def __init__(self, resolution: int) -> None:
        self.resolution = resolution
        torch.manual_seed(0)
        self.generator = Generator(paper_shape(resolution)).requires_grad_(False).eval()
        self.fused = FusedGenerator(self.generator.state_dict())
        w = self.generator.sample_w(1, seed=1)
        self.w_plus = w[:, None].repeat(1, self.generator.num_ws, 1)  # (1, num_ws, w_dim)
        self.editable_mask = torch.zeros(resolution, resolution)
        self.editable_mask[:, resolution // 4 : resolution * 3 // 4] = 1.0

    def reference(self) -> Step:
        """Begins the paper's drag; what it gives does one step."""
        size = self.resolution
        loop = ReferenceDrag(
            self.fused,
            self.w_plus,
            [(HANDLE[0] * size, HANDLE[1] * size)],
            [(TARGET[0] * size, TARGET[1] * size)],
            self.editable_mask,
        )
        return loop.step

    def engine(self) -> Step:
        """Begins the engine's drag; what it gives does one step."""
        steps = drag(
            self.generator,
            self.w_plus,
            torch.tensor([HANDLE]) * BLOCK,
            torch.tensor([TARGET]) * BLOCK,
            space=DragSpace(block=BLOCK, rows=ROWS, w_spread=1.0),
            editable_mask=self.editable_mask[None, None],
        )
        next(steps)  # the picture before the first update
        return lambda: next(steps)


def measure(resolution: int, step_count: int) -> tuple[Cost, Cost]:
    """Gives what a step of the reference costs, and one of the engine."""
    contest = Contest(resolution)
    shape = contest.generator.shape
    counted = reference_gmac(shape), engine_gmac(shape)
    begins = contest.reference, contest.engine
    seconds = _time_in_turn([begin() for begin in begins], step_count)
    peaks = [_peak_bytes(begin) for begin in begins]
    reference, engine = (
        Cost(gmac=gmac, seconds=fastest, peak_bytes=peak)
        for gmac, fastest, peak in zip(counted, seconds, peaks, strict=True)
    )
    return reference, engine


def _time_in_turn(steps: Sequence[Step], step_count: int) -> list[float]:
    """Gives the fastest of so many steps of each loop; the first, which warms up, is left out."""
    taken: list[list[float]] = [[] for _ in steps]
    for _ in range(step_count + 1):
        for step, times in zip(steps, taken, strict=True):
            begun = time.perf_counter()
            step()
            times.append(time.perf_counter() - begun)
    return [min(times[1:]) for times in taken]


def _peak_bytes(begin: Callable[[], Step]) -> int:
    with LiveTensors() as tensors:
        step = begin()
        step()
        tensors.bytes_peak = tensors.bytes_now
        step()
        return int(tensors.bytes_peak)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = sorted(CHANNEL_BASE)
    parser.add_argument("--sizes", type=int, nargs="+", choices=sizes, default=sizes)
    parser.add_argument("--steps", type=int, default=3, help="steps timed of each loop")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = Table("px", "loop", "GMAC", "s", "MiB", title="one step")
    for size in track(arguments.sizes, description="measuring"):
        reference, engine = measure(size, arguments.steps)
        for name, cost in (("paper", reference), ("draglayer", engine)):
            table.add_row(
                str(size),
                name,
                f"{cost.gmac:.1f}",
                f"{cost.seconds:.3f}",
                f"{cost.peak_bytes / 2**20:.0f}",
            )
        table.add_row(
            "",
            "ratio",
            f"{reference.gmac / engine.gmac:.2f}",
            f"{reference.seconds / engine.seconds:.2f}",
            f"{reference.peak_bytes / engine.peak_bytes:.1f}",
            end_section=True,
        )
    Console().print(table)


if __name__ == "__main__":
    main()
