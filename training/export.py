"""Writes a training run's averaged generator as a model file.

python -m training.export --run runs/practice --out engine/models/default.safetensors
"""

import argparse
from pathlib import Path

import torch

from engine.checkpoints.container import ModelInfo, write_container
from training.train import Run

TITLE = "draglayer practice model: animal heads"
LICENCE = "CC0-1.0"


def main() -> None:
    """Exports from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, help="stop at this block")
    parser.add_argument("--feature-block", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    arguments = parser.parse_args()
    generator = Run(arguments.run, seed=0, device=torch.device("cpu")).average
    with torch.no_grad():
        z = torch.randn(10_000, generator.shape.z_dim, generator=torch.Generator().manual_seed(1))
        w = generator.mapping(z)
    generator.mapping.w_avg.copy_(w.mean(dim=0))
    size = arguments.size or generator.resolution
    weights = {
        name: tensor
        for name, tensor in generator.state_dict().items()
        if not name.startswith("synthesis.b") or int(name.split(".")[1][1:]) <= size
    }
    info = ModelInfo.of_weights(
        weights,
        title=TITLE,
        licence=LICENCE,
        feature_block=arguments.feature_block,
        dragged_rows=arguments.rows,
        w_std=w.std(dim=0),
    )
    info = write_container(arguments.out, weights, info, half=True)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, {info.weights_sha256}")  # noqa: T201


if __name__ == "__main__":
    main()
