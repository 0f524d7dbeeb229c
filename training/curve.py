"""Draws a run's curve as an SVG: the error at each picture size, and how far samples are from
drawings.

    python -m training.curve --run runs/practice --out docs/images/training.svg

`distances.jsonl` of `training.frechet` is drawn too where it is there.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, MARGIN = 720, 240, 46
COLOURS = {16: "#b8860b", 32: "#2e8b57", 64: "#4169e1", 128: "#8b008b", 256: "#b22222"}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes; the value axis is logarithmic.

    Attributes:
        title: what the values are.
        lines: colour, label and points (pictures, value) of each line.
        top: where it begins, px.
    """

    title: str
    lines: Sequence[tuple[str, str, Sequence[Point]]]
    top: int

    def svg(self) -> str:
        """Gives the panel as SVG elements."""
        points = [p for _, _, line in self.lines for p in line]
        right = max(x for x, _ in points)
        low, high = (f(math.log(y) for _, y in points) for f in (min, max))

        def place(point: Point) -> str:
            x = MARGIN + (WIDTH - 2 * MARGIN) * point[0] / right
            share = (math.log(point[1]) - low) / ((high - low) or 1.0)
            return f"{x:.1f},{self.top + HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share:.1f}"

        def text(x: float, y: float, words: str, anchor: str = "middle", fill: str = "#333") -> str:
            return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}">{words}</text>'

        bottom = self.top + HEIGHT - MARGIN
        parts = [
            text(MARGIN, self.top + 24, self.title, "start"),
            text(MARGIN - 6, bottom + 4, f"{math.exp(low):.3g}", "end"),
            text(MARGIN - 6, self.top + MARGIN + 4, f"{math.exp(high):.3g}", "end"),
            text(WIDTH - MARGIN, bottom + 20, f"{right:,.0f} pictures", "end"),
            f'<path d="M{MARGIN} {self.top + MARGIN}V{bottom}H{WIDTH - MARGIN}" stroke="#999"/>',
        ]
        for index, (colour, label, line) in enumerate(self.lines):
            path = "L".join(place(p) for p in line)
            parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="1.5"/>')
            parts.append(text(WIDTH - 60 * (index + 1), self.top + 24, label, fill=colour))
        return "".join(parts)


def chart(curve: Sequence[dict[str, Any]], distances: Sequence[dict[str, Any]]) -> str:
    """Gives the SVG of a run.

    Args:
        curve: the lines of `curve.jsonl`.
        distances: the lines of `distances.jsonl`; empty where there are none.
    """
    panels = [
        Panel(title="mean absolute error on [0, 1]", lines=_by_size(curve, "l1"), top=0),
    ]
    if distances:
        title = "Fréchet distance of samples to drawings"
        panels.append(Panel(title=title, lines=_by_size(distances, "distance"), top=HEIGHT))
    height = HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" fill="none" '
        f'font-family="sans-serif" font-size="12"><rect width="{WIDTH}" height="{height}" '
        f'fill="white"/>{"".join(panel.svg() for panel in panels)}</svg>\n'
    )


def _by_size(
    records: Sequence[dict[str, Any]], value: str
) -> list[tuple[str, str, Sequence[Point]]]:
    """One line for each picture size: values of different sizes do not compare."""
    return [
        (COLOURS.get(size, "#333"), f"{size} px", [(r["pictures"], r[value]) for r in group])
        for size, group in groupby(records, key=lambda record: record["size"])
    ]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Writes the chart from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    curve, distances = (_lines(arguments.run / name) for name in ("curve.jsonl", "distances.jsonl"))
    arguments.out.write_text(chart(curve, distances))


if __name__ == "__main__":
    main()
