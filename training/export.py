"""Writes a training run's averaged generator as a model file.

python -m training.export --run runs/practice --out engine/models/default.safetensors
"""

import argparse
from pathlib import Path

import torch

from engine.checkpoints.container import ModelInfo, write_container
from engine.generator.generator import Generator
from training.schedule import ROUTES, Route
from training.state import load_state

TITLE = "draglayer practice model 2: animal heads"
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


def averaged(folder: Path, route: Route) -> Generator:
    """Gives the averaged generator of a run, which may still be going on.

    Raises:
        ValueError: there is no state in the folder, or a part of it is damaged.
    """
    state = load_state(folder, torch.device("cpu"))
    if state is None:
        raise ValueError(f"{folder} holds no training run; python -m training.train makes one")
    generator = Generator(route.shape)
    generator.load_state_dict(state["networks"]["average"])
    return generator


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
    info = export(
        averaged(arguments.run, ROUTES[arguments.route]),
        arguments.out,
        feature_block=arguments.feature_block,
        rows=arguments.rows,
        size=arguments.size,
    )
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, {info.weights_sha256}")  # noqa: T201


if __name__ == "__main__":
    main()
