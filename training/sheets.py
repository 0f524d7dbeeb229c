"""Puts drawings and samples of a generator side by side, for the eye.

python -m training.sheets --model default --out docs/images/samples.jpg
"""

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from engine.checkpoints.catalogue import load_generator
from engine.generator.generator import Generator
from engine.images import from_generator, uint8_pixels
from training.pictures import draw, factors_from_z

COLUMNS = 8
COUNT = 64
GAP = 16  # px between the two blocks
DRAWINGS_SEED, SAMPLES_SEED = 201, 202


@torch.no_grad()
def side_by_side(generator: Generator, count: int = COUNT) -> Image.Image:
    """Gives a block of drawings and, right of it, one of samples.

    They are of different z: two sets are to be compared, not pairs.
    """
    size, z_dim = generator.resolution, generator.shape.z_dim
    drawings = draw(factors_from_z(_z(count, z_dim, DRAWINGS_SEED)), size).images
    w = generator.mapping(_z(count, z_dim, SAMPLES_SEED).to(generator.w_avg.device))
    samples = [
        from_generator(generator.render([p] * generator.num_ws)) for p in torch.split(w, COLUMNS)
    ]
    blocks = [_block(drawings), _block(torch.cat(samples).cpu())]
    width, height = blocks[0].size
    picture = Image.new("RGB", (2 * width + GAP, height), "white")
    for index, block in enumerate(blocks):
        picture.paste(block, (index * (width + GAP), 0))
    return picture


def _z(count: int, z_dim: int, seed: int) -> Tensor:
    return torch.randn(count, z_dim, generator=torch.Generator().manual_seed(seed))


def _block(images: Tensor) -> Image.Image:
    rows = [torch.cat(list(row), dim=2) for row in torch.split(images, COLUMNS)]
    return Image.fromarray(uint8_pixels(torch.cat(rows, dim=1)[None]))


def main() -> None:
    """Writes the sheet from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default", help="a model's name or file")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    side_by_side(load_generator(arguments.model).generator).save(arguments.out, quality=88)


if __name__ == "__main__":
    main()
