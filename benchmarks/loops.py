"""The two loops that are held against each other, behind one signature.

Both start from the same latent, work on the same block and rows and have the same most steps. The
reference has all else from its paper: Adam in w at 2e-3, its radii scaled to the picture, its own
stop. Ours is `engine.drag` as an artist gets it.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from torch import Tensor

import engine.drag
import engine.generator
import engine.inversion
from benchmarks import fused_stylegan2, reference
from benchmarks.fused_stylegan2 import FusedGenerator
from benchmarks.reference import ReferenceDrag, ReferenceParams
from engine.checkpoints.catalogue import LoadedModel
from engine.drag.loop import EndReason, drag
from engine.drag.params import DragParams
from engine.generator.held import Held
from engine.session import drag_space


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a loop is given.

    Attributes:
        w_plus: (1, num_ws, w_dim), where it starts.
        handles: (K, 2), frame coordinates.
        targets: (K, 2), frame coordinates.
        editable_mask: (1, 1, S, S), 1 = may move; None: all may.
        step_budget: most steps; 300 is the cap of Pan et al. 2023.
        is_timed: the reference does all that the paper's loop does. Else it leaves out what only
            costs time: the blocks after the features, and gradients of weights.
    """

    w_plus: Tensor
    handles: Tensor
    targets: Tensor
    editable_mask: Tensor | None = None
    step_budget: int = 300
    is_timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dragged:
    """What a loop gives back.

    Attributes:
        w_plus: (1, num_ws, w_dim), where it ended; of ours its best step's.
        steps: updates made.
        says_arrived: the loop holds its targets for reached.
        seconds: processor time: other work may run beside.
        held: what its picture keeps of the one before; None for nothing.
    """

    w_plus: Tensor
    steps: int
    says_arrived: bool
    seconds: float
    held: Held | None = None


Loop = Callable[[LoadedModel, Task], Dragged]


def reference_loop(model: LoadedModel, task: Task) -> Dragged:
    """Drags as Pan et al. 2023 do."""
    size, info = model.generator.resolution, model.info
    weights = model.generator.state_dict()
    if not task.is_timed:
        weights = {n: w for n, w in weights.items() if _block(n) <= info.feature_block}
    fused = FusedGenerator(weights, is_frozen=not task.is_timed)
    fused.resolution = size
    began = time.process_time()
    running = ReferenceDrag(
        fused,
        task.w_plus,
        [(x, y) for x, y in (task.handles * size).tolist()],
        [(x, y) for x, y in (task.targets * size).tolist()],
        None if task.editable_mask is None else task.editable_mask[0, 0],
        ReferenceParams(feature_block=info.feature_block, dragged_rows=info.dragged_rows),
    )
    has_arrived = False
    while running.step_index < task.step_budget and not has_arrived:
        has_arrived = running.step().has_arrived
    return Dragged(
        w_plus=running.w_plus.detach(),
        steps=running.step_index,
        says_arrived=has_arrived,
        seconds=time.process_time() - began,
    )


def our_loop(model: LoadedModel, task: Task, params: DragParams | None = None) -> Dragged:
    """Drags as the engine does."""
    block, space = model.info.feature_block, drag_space(model)
    held = space.holding(task.w_plus, task.editable_mask)
    began = time.process_time()
    best, last = task.w_plus, None
    for last in drag(
        model.generator,
        task.w_plus,
        task.handles * block,
        task.targets * block,
        space=space,
        held=held,
        params=replace(params or DragParams(), step_budget=task.step_budget),
    ):
        best = last.w_plus if last.is_best else best
    assert last is not None
    return Dragged(
        w_plus=best,
        steps=last.step_index,
        says_arrived=last.end_reason is EndReason.REACHED,
        seconds=time.process_time() - began,
        held=held,
    )


def _block(name: str) -> int:
    """Gives the size of the block that a weight is of; 0 for the mapping network's."""
    part = name.split(".")[1]
    return int(part[1:]) if part.startswith("b") and part[1:].isdigit() else 0


LOOPS: dict[str, Loop] = {"reference": reference_loop, "ours": our_loop}


@cache
def version(name: str) -> str:
    """Gives a digest of the code that makes a loop, or "inversion": figures of another version are
    not its own."""
    if name == "reference":
        return _digest([Path(str(reference.__file__)), Path(str(fused_stylegan2.__file__))])
    if name == "inversion":
        return _digest(_sources(engine.inversion.__path__, engine.generator.__path__))
    return _digest(_sources(engine.drag.__path__, engine.generator.__path__))


def _sources(*packages: Iterable[str]) -> Iterator[Path]:
    for package in packages:
        for folder in package:
            yield from sorted(Path(folder).glob("*.py"))


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
