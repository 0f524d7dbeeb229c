"""Makes the small generator that the tests pin, so that retraining the practice model breaks none.

    python -m training.tiny --out tests/data/generator32.safetensors

It paints 32 px, by regression alone, in about five minutes on one processor core.
"""

import argparse
from pathlib import Path

import torch
from rich.progress import track

from engine.generator.generator import GeneratorShape
from training.export import export
from training.schedule import Route, Stage
from training.train import Run

TINY = Route(
    shape=GeneratorShape(
        z_dim=32, w_dim=64, mapping_depth=3, channels={4: 64, 8: 64, 16: 64, 32: 32}
    ),
    stages=(
        Stage(size=16, batch=64, pictures=64_000, learning_rate=1e-2, final_rate=8e-3),
        Stage(size=32, batch=32, pictures=40_000, learning_rate=8e-3, final_rate=1e-3),
    ),
)
FEATURE_BLOCK, ROWS = 32, 5


def main() -> None:
    """Trains and writes it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("runs/tiny"), help="folder of the run")
    arguments = parser.parse_args()
    run = Run(arguments.run, seed=0, device=torch.device("cpu"), route=TINY)
    batches = sum(stage.pictures // stage.batch for stage in TINY.stages)
    for _ in track(run.steps(), total=batches // 50, description="tiny generator"):
        pass
    info = export(run.average, arguments.out, feature_block=FEATURE_BLOCK, rows=ROWS)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, {info.weights_sha256}")  # noqa: T201


if __name__ == "__main__":
    main()
