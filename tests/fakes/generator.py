"""Real generators of 32 px for tests: one with seeded weights, as small as they come, and one that
was trained on the drawings, whose parts can be dragged.

    python -m training.tiny --out tests/data/generator32.safetensors

made the trained one. Tests of what a drag does pin it, so that none depends on the model that the
package ships.
"""

from collections.abc import Mapping
from pathlib import Path

import torch

from engine.checkpoints.catalogue import LoadedModel, load_generator
from engine.checkpoints.container import ModelInfo
from engine.generator.generator import Generator, GeneratorShape

TINY_SHAPE = GeneratorShape(
    z_dim=8, w_dim=12, mapping_depth=2, channels={4: 16, 8: 16, 16: 12, 32: 8}
)

TRAINED_FILE = Path(__file__).parents[1] / "data" / "generator32.safetensors"


def trained_model() -> LoadedModel:
    """Gives the trained generator and the facts about it."""
    return load_generator(TRAINED_FILE)


def seeded_weights(shape: GeneratorShape = TINY_SHAPE, *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Gives weights with NVIDIA's names, none at its neutral value: noise and biases are on."""
    source = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        sizes = {name: tensor.shape for name, tensor in Generator(shape).state_dict().items()}
    weights = {name: torch.randn(size, generator=source) for name, size in sizes.items()}
    for name in weights:
        if name.startswith("mapping.fc") and name.endswith("weight"):
            weights[name] *= 100.0
        elif name.endswith("affine.bias"):
            weights[name] = 1.0 + 0.2 * weights[name]
        elif name.endswith(("noise_strength", "bias", "w_avg")):
            weights[name] *= 0.2
    return weights


def tiny_generator(*, seed: int = 0) -> Generator:
    """Gives the 32 px generator, frozen."""
    return Generator.from_weights(seeded_weights(seed=seed))


def tiny_info(weights: Mapping[str, torch.Tensor]) -> ModelInfo:
    """Gives facts about weights of any size, with the features of 16 px as the dragged ones."""
    w_dim = len(weights["mapping.w_avg"])
    return ModelInfo.of_weights(
        weights,
        title="Tiny",
        licence="CC0-1.0",
        feature_block=16,
        dragged_rows=4,
        w_std=torch.linspace(0.5, 1.5, w_dim),
    )
