"""How long inversion takes and how near it comes, from an encoder's guess and from samples.

    python -m benchmarks.inversion [--model FILE] [--count 12]

The pictures are drawings, whose w the mapping network knows.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.images import from_generator, to_generator
from engine.inversion.encoder import Encoder
from engine.inversion.projection import ProjectionParams, project
from engine.session import drag_space
from engine.window import WindowImage
from training.pictures import draw, factors_from_z

SEED = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverted:
    """What came of one inversion.

    Attributes:
        seconds: processor time that it took: other work may run beside.
        error: mean absolute difference of the render to the picture, on [0, 1].
        w_error: root mean square distance to the drawing's own w, in standard deviations of w.
    """

    seconds: float
    error: float
    w_error: float


def subjects(count: int, *, size: int, z_dim: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Gives z (1, z_dim) and drawing (1, 3, S, S) in [0, 1], always the same."""
    source = torch.Generator().manual_seed(SEED)
    for _ in range(count):
        z = torch.randn(1, z_dim, generator=source)
        yield z, draw(factors_from_z(z), size).images


def inverted(
    model: LoadedModel,
    z: Tensor,
    picture: Tensor,
    encoder: Encoder | None,
    params: ProjectionParams,
) -> Inverted:
    """Inverts one drawing and measures what is found."""
    generator, info, axes = model.generator, model.info, drag_space(model).axes
    window = WindowImage(image=to_generator(picture), opacity=torch.ones_like(picture[:, :1]))
    began = time.process_time()
    *_, last = project(generator, window, axes=axes, encoder=encoder, params=params)
    seconds = time.process_time() - began
    with torch.no_grad():
        render = from_generator(generator.render([last.w_pivot] * generator.num_ws))
        off = (last.w_pivot - generator.mapping(z)) / info.w_std.clamp(min=1e-6)
    return Inverted(
        seconds=seconds,
        error=float((render - picture).abs().mean()),
        w_error=float(off.square().mean().sqrt()),
    )


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=12, help="drawings")
    parser.add_argument("--encoder-steps", type=int, default=ProjectionParams().encoder_steps)
    arguments = parser.parse_args()
    model, params = (
        load_generator(arguments.model),
        ProjectionParams(encoder_steps=arguments.encoder_steps),
    )
    drawings = list(
        subjects(arguments.count, size=model.generator.resolution, z_dim=model.info.z_dim)
    )
    table = Table("start", "steps", "processor s", "picture error", "w error")
    starts: list[tuple[str, int, Encoder | None]] = [("samples", params.step_budget, None)]
    if model.encoder is not None:
        starts.append(("encoder", params.encoder_steps, model.encoder))
    for name, steps, encoder in starts:
        found = [
            inverted(model, z, picture, encoder, params)
            for z, picture in track(drawings, description=name)
        ]
        table.add_row(
            name,
            str(steps),
            f"{median(f.seconds for f in found):.1f}",
            f"{median(f.error for f in found):.4f}",
            f"{median(f.w_error for f in found):.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
