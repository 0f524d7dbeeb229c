"""What an edit looks like: a sheet of before and after with arrows, and a GIF of the way."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from bridge_client import Bounds, PointPair

TILE_PX = 480
_HANDLE, _TARGET, _LINE = (235, 50, 40), (40, 110, 245), (255, 255, 255)
_MARGIN_SHARE = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One edit for a sheet.

    Attributes:
        name: a caption; may be empty.
        before: the picture, canvas-sized.
        after: the picture with the edit laid over it.
        window_canvas: the part of the canvas that was edited.
        pairs: what was dragged where, canvas px.
    """

    name: str
    before: Image.Image
    after: Image.Image
    window_canvas: Bounds
    pairs: tuple[PointPair, ...]


def sheet(rows: Sequence[SheetRow]) -> Image.Image:
    """Gives for each edit: before with arrows, after, and after with its targets."""
    page = Image.new("RGB", (3 * TILE_PX + 40, len(rows) * (TILE_PX + 34) + 10), (250, 250, 250))
    pen = ImageDraw.Draw(page)
    for index, row in enumerate(rows):
        top = 10 + index * (TILE_PX + 34)
        box = _box(row)
        tiles = (_tile(row.before, box), _tile(row.after, box), _tile(row.after, box))
        _draw_pairs(tiles[0], row.pairs, box, with_arrow=True)
        _draw_pairs(tiles[2], row.pairs, box, with_arrow=False)
        for column, tile in enumerate(tiles):
            page.paste(tile, (10 + column * (TILE_PX + 10), top))
        before = f"{row.name}: before" if row.name else "before"
        for column, text in enumerate((before, "after", "after, with the targets")):
            place = (12 + column * (TILE_PX + 10), top + TILE_PX + 6)
            pen.text(place, text, fill=(40, 40, 40), font_size=15)
    return page


def gif_of_the_way(previews: Sequence[bytes], *, longest: int = 40) -> bytes:
    """Gives an animated GIF of JPEG previews: there, a rest, and back.

    Args:
        previews: at least one, in order.
        longest: most frames one way; more are thinned out evenly.
    """
    stride = max(1, math.ceil(len(previews) / longest))
    chosen = [*previews[::stride], previews[-1]]
    frames = [Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in chosen]
    frames = [frame.quantize(128, dither=Image.Dither.NONE) for frame in frames]
    way = [*frames, *reversed(frames)]
    rests = {0: 500, len(frames) - 1: 900}
    buffer = io.BytesIO()
    way[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=way[1:],
        duration=[rests.get(i, 60) for i in range(len(way))],
        loop=0,
    )
    return buffer.getvalue()


def _box(row: SheetRow) -> tuple[float, float, float, float]:
    window, margin = row.window_canvas, _MARGIN_SHARE * row.window_canvas.width
    return window.x - margin, window.y - margin, window.right + margin, window.bottom + margin


def _tile(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    ground = Image.new("RGB", picture.size, (255, 255, 255))
    ground.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    left, top, right, bottom = (round(edge) for edge in box)
    part = ground.crop((left, top, right, bottom))
    return part.resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC)


def _draw_pairs(
    tile: Image.Image,
    pairs: tuple[PointPair, ...],
    box: tuple[float, float, float, float],
    *,
    with_arrow: bool,
) -> None:
    pen = ImageDraw.Draw(tile)
    scale = TILE_PX / (box[2] - box[0])
    for pair in pairs:
        hx, hy = (pair.handle.x - box[0]) * scale, (pair.handle.y - box[1]) * scale
        tx, ty = (pair.target.x - box[0]) * scale, (pair.target.y - box[1]) * scale
        if pair.is_pin:
            pen.rectangle([tx - 6, ty - 6, tx + 6, ty + 6], outline=_LINE, width=4)
            pen.rectangle([tx - 5, ty - 5, tx + 5, ty + 5], outline=_HANDLE, width=2)
            continue
        if with_arrow:
            pen.line([hx, hy, tx, ty], fill=_LINE, width=5)
            pen.line([hx, hy, tx, ty], fill=_TARGET, width=2)
            _draw_head(pen, (hx, hy), (tx, ty))
            pen.ellipse([hx - 5, hy - 5, hx + 5, hy + 5], fill=_HANDLE, outline=_LINE)
        pen.ellipse([tx - 6, ty - 6, tx + 6, ty + 6], outline=_LINE, width=4)
        pen.ellipse([tx - 5, ty - 5, tx + 5, ty + 5], outline=_TARGET, width=2)


def _draw_head(
    pen: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float]
) -> None:
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    for turn in (2.6, -2.6):
        x = end[0] + 12 * math.cos(angle + turn)
        y = end[1] + 12 * math.sin(angle + turn)
        pen.line([end[0], end[1], x, y], fill=_TARGET, width=2)
