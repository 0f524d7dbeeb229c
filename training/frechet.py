"""How far a generator's samples are from drawings: the Fréchet distance of two sets of features.

    python -m training.frechet --run runs/practice

Heusel et al. 2017 (Eq. 6), with the features of our keypoint detector in place of Inception's: the
figures compare only among themselves. It gives one line for each averaged generator that the run
kept, into `distances.jsonl` of its folder.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.generator.generator import Generator
from training.keypoints import KeypointDetector, describe, load_detector
from training.pictures import draw, factors_from_z
from training.schedule import ROUTES, Route

COUNT = 1_000
BATCH = 50


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """Gives |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two sets of features, each (N, C)."""
    one, other = one.double(), other.double()
    first, second = one.T.cov(), other.T.cov()
    root = _root(first)
    # (S1 S2)^(1/2) has the trace of (S1^(1/2) S2 S1^(1/2))^(1/2), which is symmetric.
    cross = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0.0).sqrt().sum()
    between = (one.mean(dim=0) - other.mean(dim=0)).square().sum()
    return float(between + first.trace() + second.trace() - 2.0 * cross)


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors * values.clamp(min=0.0).sqrt() @ vectors.T
    return root


def drawings(size: int, count: int, *, z_dim: int, seed: int) -> Iterator[Tensor]:
    """Gives batches of drawings (N, 3, S, S) in [0, 1]."""
    for z in _deviates(count, z_dim, seed):
        yield draw(factors_from_z(z), size).images


@torch.no_grad()
def samples(generator: Generator, size: int, count: int, *, seed: int) -> Iterator[Tensor]:
    """Gives batches of what a generator paints up to a block, (N, 3, S, S) in [0, 1]."""
    for z in _deviates(count, generator.shape.z_dim, seed):
        w = generator.mapping(z)
        _, images = generator.synthesis.until([w] * generator.num_ws, size)
        yield (images * 0.5 + 0.5).clamp(0.0, 1.0)


def _deviates(count: int, z_dim: int, seed: int) -> Iterator[Tensor]:
    source = torch.Generator().manual_seed(seed)
    for _ in range(0, count, BATCH):
        yield torch.randn(BATCH, z_dim, generator=source)


def features(detector: KeypointDetector, batches: Iterator[Tensor]) -> Tensor:
    """Gives the detector's features of all pictures of the batches, (N, C)."""
    return torch.cat([describe(detector, images) for images in batches])


def distances(folder: Path, route: Route, *, count: int = COUNT) -> Iterator[dict[str, float]]:
    """Gives, for each averaged generator that a run kept, how far its samples are from drawings.

    Each is compared at the size that it had been trained at; `floor` is the distance of two sets of
    drawings of that size.
    """
    detector = load_detector()
    z_dim = route.shape.z_dim
    truths: dict[int, tuple[Tensor, float]] = {}
    for path in sorted((folder / "averages").glob("*.safetensors")):
        pictures = int(path.stem)
        stage, _ = route.at(pictures - 1) or (route.stages[-1], 1.0)
        size = stage.size
        if size not in truths:
            one, other = (
                features(detector, drawings(size, count, z_dim=z_dim, seed=s)) for s in (1, 2)
            )
            truths[size] = one, frechet_distance(one, other)
        truth, floor = truths[size]
        generator = Generator(route.shape)
        generator.load_state_dict({n: t.float() for n, t in load_file(path).items()})
        found = features(detector, samples(generator, size, count, seed=3))
        yield {
            "pictures": pictures,
            "size": size,
            "distance": frechet_distance(found, truth),
            "floor": floor,
        }


def main() -> None:
    """Measures a run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--route", choices=tuple(ROUTES), default="cpu")
    arguments = parser.parse_args()
    with (arguments.run / "distances.jsonl").open("w") as file:
        for record in distances(arguments.run, ROUTES[arguments.route]):
            line = json.dumps(record)
            print(line, flush=True)  # noqa: T201
            file.write(line + "\n")
            file.flush()


if __name__ == "__main__":
    main()
