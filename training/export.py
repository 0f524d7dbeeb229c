"""Writes a training run's averaged generator as a model file.

python -m training.export --run runs/practice --out engine/models/default.safetensors
"""

import argparse
from pathlib import Path

import torch

from engine.checkpoints.container import ModelInfo, write_container
from engine.generator.generator import Generator
from training.schedule import ROUTES
from training.train import Run

TITLE = "draglayer practice model: animal heads"
LICENCE = "CC0-1.0"
SAMPLES = 10_000


def export(
    generator: Generator, out: Path, *, feature_block: int, rows: int, size: int | None = None
) -> ModelInfo:
    """Writes a generator with its statistics of w; gives the facts that the file states.

    Args:
        generator: as it was trained.
        out: the model file.
        feature_block: the block whose features are dragged by default, px.
        rows: how many rows of w+ are dragged by default.
        size: stop at this block; None for the whole generator.
    """
    with torch.no_grad():
        source = torch.Generator().manual_seed(1)
        z = torch.randn(SAMPLES, generator.shape.z_dim, generator=source)
        w = generator.mapping(z)
    weights = {
        name: tensor
        for name, tensor in generator.state_dict().items()
        if not name.startswith("synthesis.b")
        or int(name.split(".")[1][1:]) <= (size or generator.resolution)
    }
    weights["mapping.w_avg"] = w.mean(dim=0)
    info = ModelInfo.of_weights(
        weights,
        title=TITLE,
        licence=LICENCE,
        feature_block=feature_block,
        dragged_rows=rows,
        w_std=w.std(dim=0),
    )
    return write_container(out, weights, info, half=True)


def main() -> None:
    """Exports from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, help="stop at this block")
    parser.add_argument("--feature-block", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--route", choices=tuple(ROUTES), default="cpu")
    arguments = parser.parse_args()
    route = ROUTES[arguments.route]
    info = export(
        Run(arguments.run, seed=0, device=torch.device("cpu"), route=route).average,
        arguments.out,
        feature_block=arguments.feature_block,
        rows=arguments.rows,
        size=arguments.size,
    )
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, {info.weights_sha256}")  # noqa: T201


if __name__ == "__main__":
    main()
