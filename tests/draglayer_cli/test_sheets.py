import io

import numpy as np
import pytest
from PIL import Image

from bridge_client import Bounds, Point, PointPair
from draglayer_cli.sheets import TILE_PX, SheetRow, gif_of_the_way, sheet

PAIRS = (PointPair(Point(30.0, 40.0), Point(60.0, 40.0)),)


def row(mode="RGB", pairs=PAIRS):
    return SheetRow(
        name="Something moves",
        before=Image.new(mode, (100, 80), "green"),
        after=Image.new(mode, (100, 80), "purple"),
        window_canvas=Bounds(10, 5, 70, 70),
        pairs=pairs,
    )


def tile(page, column):
    left = 10 + column * (TILE_PX + 10)
    return np.asarray(page.crop((left, 10, left + TILE_PX, 10 + TILE_PX)))


@pytest.mark.parametrize("count", [1, 3])
def test_a_sheet_has_a_row_for_each_edit(count):
    page = sheet([row()] * count)
    assert page.width == 3 * TILE_PX + 40
    assert page.height == count * (TILE_PX + 34) + 10


def test_a_row_shows_before_after_and_after_with_targets():
    page = sheet([row(pairs=())])
    corner = [tuple(tile(page, column)[TILE_PX // 2, TILE_PX // 2]) for column in range(3)]
    assert corner == [(0, 128, 0), (128, 0, 128), (128, 0, 128)]


def test_a_handle_is_red_where_it_is_on_the_picture():
    side, margin = 70.0, 0.12 * 70.0
    scale = TILE_PX / (side + 2.0 * margin)
    x, y = (30.0 - 10.0 + margin) * scale, (40.0 - 5.0 + margin) * scale
    red, green, blue = tile(sheet([row()]), 0)[round(y), round(x)]
    assert red > 200 and green < 80 and blue < 80


def test_the_plain_tile_has_no_marks():
    assert (tile(sheet([row()]), 1) == tile(sheet([row(pairs=())]), 1)).all()


def test_a_pin_and_a_point_outside_the_picture_can_be_drawn():
    pin = PointPair(Point(50.0, 50.0), Point(50.0, 50.0))
    away = PointPair(Point(2.0, 2.0), Point(-40.0, 500.0))
    assert sheet([row(pairs=(pin, away))]).size[0] > 0


def test_transparency_is_shown_on_white():
    clear = row("RGBA", pairs=())
    clear.before.putalpha(0)
    assert tuple(tile(sheet([clear]), 0)[200, 200]) == (255, 255, 255)


def jpeg(level):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_the_way_goes_there_and_back():
    with Image.open(io.BytesIO(gif_of_the_way([jpeg(0), jpeg(120), jpeg(250)]))) as gif:
        levels = []
        for index in range(gif.n_frames):
            gif.seek(index)
            levels.append(gif.convert("L").getpixel((8, 8)))
        assert gif.info["loop"] == 0
    assert levels[0] == levels[-1] == min(levels) and max(levels) > 240


def test_a_long_way_is_thinned_out():
    with Image.open(io.BytesIO(gif_of_the_way([jpeg(i) for i in range(250)]))) as gif:
        assert gif.n_frames <= 2 * 41


def test_a_way_of_one_picture_is_a_way():
    assert gif_of_the_way([jpeg(9)]).startswith(b"GIF8")
