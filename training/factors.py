"""Draws the page of the factors: each swept from end to end, all others in their middle.

python -m training.factors --out docs/images/factors.jpg
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from training.pictures import FACTORS, draw, middle_factors

STEPS = 7
SIDE = 80  # px of one picture
LABEL = 150  # px of a name
COLUMNS = 2


def sweep(index: int, steps: int = STEPS) -> torch.Tensor:
    """Gives (steps, F): the middle of every factor but one, which goes from end to end."""
    factors = middle_factors(steps)
    factors[:, index] = torch.linspace(FACTORS[index].low, FACTORS[index].high, steps)
    return factors


def page() -> Image.Image:
    """Gives the page of all factors, in two columns."""
    rows = -(-len(FACTORS) // COLUMNS)
    width = LABEL + STEPS * SIDE
    picture = Image.new("RGB", (COLUMNS * width, rows * SIDE), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for index, factor in enumerate(FACTORS):
        left, top = width * (index // rows), SIDE * (index % rows)
        name = factor.name.replace("_", " ")
        pen.text((left + LABEL - 10, top + SIDE // 2), name, "black", font, anchor="rm")
        images = draw(sweep(index), 2 * SIDE).images
        strip = torch.cat(list(images), dim=2).mul(255.0).round().to(torch.uint8)
        cells = Image.fromarray(strip.permute(1, 2, 0).numpy())
        picture.paste(cells.resize((STEPS * SIDE, SIDE), Image.Resampling.BOX), (left + LABEL, top))
    return picture


def main() -> None:
    """Writes the page from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    page().save(parser.parse_args().out, quality=88)


if __name__ == "__main__":
    main()
