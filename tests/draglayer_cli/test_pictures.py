"""Picture files to bytes, and the texts that a person types."""

import click
import numpy as np
import pytest
from PIL import Image

from bridge_client import Bounds, ClientError, LayerResult, Point, PointPair, ResultForm
from draglayer_cli.pictures import (
    edit_request,
    layer_on_canvas,
    parse_pair,
    parse_window,
    read_mask,
    read_picture,
)

PAIRS = (PointPair(Point(4.0, 4.0), Point(6.0, 4.0)),)


def grey_ramp():
    return np.tile(np.arange(0, 160, 10, dtype=np.uint8), (12, 1))


def saved(folder, image, name="a.png", **options):
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "YCbCr"])
def test_every_8_bit_kind_is_read_as_pillow_shows_it(tmp_path, mode):
    image = Image.fromarray(grey_ramp()).convert(mode)
    kind = "tif" if mode in ("CMYK", "YCbCr") else "png"
    picture = read_picture(saved(tmp_path, image, f"a.{kind}"))
    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGBA")))
    assert picture.has_alpha == (mode in ("RGBA", "LA"))


def test_16_bit_grey_keeps_its_brightness(tmp_path):
    wide = Image.fromarray(grey_ramp().astype(np.uint16) * 257)
    picture = read_picture(saved(tmp_path, wide))
    assert np.array_equal(picture.pixels[:, :, 0], grey_ramp())
    assert not picture.has_alpha


def test_a_palette_with_a_transparent_colour_has_alpha(tmp_path):
    image = Image.fromarray(grey_ramp()).convert("P")
    path = saved(tmp_path, image, transparency=0)
    picture = read_picture(path)
    assert picture.has_alpha and (picture.pixels[:, :, 3] == 0).any()


def test_only_what_had_alpha_gets_it_back(tmp_path):
    opaque = read_picture(saved(tmp_path, Image.fromarray(grey_ramp()), "l.png"))
    clear = read_picture(saved(tmp_path, Image.fromarray(grey_ramp()).convert("LA"), "la.png"))
    assert opaque.image(opaque.pixels).mode == "RGB"
    assert clear.image(clear.pixels).mode == "RGBA"


def test_a_colour_profile_goes_through(tmp_path):
    image = Image.fromarray(grey_ramp()).convert("RGB")
    path = saved(tmp_path, image, icc_profile=b"a profile")
    assert read_picture(path).icc_profile == b"a profile"


def test_a_cameras_sideways_picture_is_read_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # orientation: turn by a quarter to the right
    path = saved(tmp_path, Image.fromarray(grey_ramp()), exif=exif)
    assert np.array_equal(read_picture(path).pixels[:, :, 0], np.rot90(grey_ramp(), -1))


def test_a_mask_may_be_of_any_kind_too(tmp_path):
    picture = read_picture(saved(tmp_path, Image.fromarray(grey_ramp())))
    mask = Image.fromarray((grey_ramp() > 80).astype(np.uint8) * 255)
    for mode in ("L", "1", "RGB", "P"):
        path = saved(tmp_path, mask.convert(mode), f"{mode}.png")
        assert np.array_equal(read_mask(path, picture), np.asarray(mask))


def test_a_mask_of_16_bits_keeps_its_greys(tmp_path):
    picture = read_picture(saved(tmp_path, Image.fromarray(grey_ramp())))
    wide = saved(tmp_path, Image.fromarray(grey_ramp().astype(np.uint16) * 257), "m.png")
    assert np.array_equal(read_mask(wide, picture), grey_ramp())


@pytest.fixture
def picture(tmp_path):
    rng = np.random.default_rng(8)
    pixels = rng.integers(0, 256, (12, 16, 4), np.uint8)
    pixels[:, :, 3] = 255
    return read_picture(saved(tmp_path, Image.fromarray(pixels)))


def request(picture, mask=None, window=None, pairs=PAIRS):
    return edit_request(picture, mask, pairs, window=window, step_budget=None, model="default")


def window_of(made):
    side = made.window_canvas.width
    return np.frombuffer(made.pixels, np.uint8).reshape(side, side, 4)


def test_without_a_mask_the_window_holds_the_whole_picture(picture):
    made = request(picture)
    assert made.window_canvas == Bounds(0, -2, 16, 16) and made.mask is None
    assert np.array_equal(window_of(made)[2:14], picture.pixels)
    assert not window_of(made)[:2].any() and not window_of(made)[14:].any()


def test_the_window_is_the_square_around_the_mask(picture):
    mask = np.zeros((12, 16), np.uint8)
    mask[2:10, 3:9] = 255
    made = request(picture, mask)
    assert made.window_canvas == Bounds(2, 2, 8, 8)
    assert np.array_equal(window_of(made), picture.pixels[2:10, 2:10])
    assert made.mask == mask[2:10, 2:10].tobytes()


def test_a_chosen_window_is_taken_as_it_is(picture):
    made = request(picture, window=Bounds(10, 6, 10, 10))
    assert np.array_equal(window_of(made)[:6, :6], picture.pixels[6:, 10:])
    assert not window_of(made)[6:].any() and not window_of(made)[:, 6:].any()


def test_points_outside_the_picture_make_no_edit(picture):
    outside = (PointPair(Point(4.0, 4.0), Point(40.0, 4.0)),)
    with pytest.raises(ClientError, match="outside the canvas"):
        request(picture, pairs=outside)


@pytest.mark.parametrize("corner", [(3, 2), (-2, -1), (14, 10), (100, 100)])
def test_a_layer_is_laid_where_it_belongs(picture, corner):
    pixels = np.full((4, 5, 4), 7, np.uint8)
    result = LayerResult(Bounds(*corner, 5, 4), pixels.tobytes(), "rgba8")
    canvas = layer_on_canvas(result, picture)
    y, x = np.mgrid[:12, :16]
    inside = (x >= corner[0]) & (x < corner[0] + 5) & (y >= corner[1]) & (y < corner[1] + 4)
    assert np.array_equal(canvas[:, :, 0] == 7, inside) and canvas.shape == (12, 16, 4)


@pytest.mark.parametrize("corner", [(3, 2), (-2, -1), (14, 10), (100, 100)])
def test_a_replacement_is_the_picture_beside_it(picture, corner):
    pixels = np.full((4, 5, 4), 7, np.uint8)
    result = LayerResult(Bounds(*corner, 5, 4), pixels.tobytes(), "rgba8", ResultForm.REPLACEMENT)
    y, x = np.mgrid[:12, :16]
    inside = (x >= corner[0]) & (x < corner[0] + 5) & (y >= corner[1]) & (y < corner[1] + 4)
    expected = np.where(inside[:, :, None], 7, picture.pixels)
    assert np.array_equal(layer_on_canvas(result, picture), expected)


def test_a_pair_is_written_with_a_colon():
    assert parse_pair("1,2.5:-3,4e1") == PointPair(Point(1.0, 2.5), Point(-3.0, 40.0))
    assert parse_pair(" 1 , 2 : 3 , 4 ") == PointPair(Point(1.0, 2.0), Point(3.0, 4.0))


@pytest.mark.parametrize("text", ["", ":", "1,2", "1,2:3", "1;2:3;4", "a,b:c,d", "1,2:3,4:5,6"])
def test_a_pair_written_otherwise_shows_how(text):
    with pytest.raises(ValueError, match="write a pair as x,y:x,y, for example"):
        parse_pair(text)


@pytest.mark.parametrize("text", ["nan,2:3,4", "1,inf:3,4", "1,2:-inf,4"])
def test_a_pair_is_made_of_finite_numbers(text):
    with pytest.raises(ValueError, match="must be finite"):
        parse_pair(text)


def test_a_window_is_a_corner_and_a_side():
    assert parse_window("-4,7,64") == Bounds(-4, 7, 64, 64)


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "1.5,2,64", "a,b,c"])
def test_a_window_written_otherwise_shows_how(text):
    with pytest.raises(ValueError, match="write a window as x,y,side"):
        parse_window(text)


@pytest.mark.parametrize("side", [-64, 0, 7, 1_000_000])
def test_a_windows_side_has_limits(side):
    with pytest.raises(ValueError, match="are allowed"):
        parse_window(f"0,0,{side}")


def test_a_picture_of_a_kind_without_a_range_says_what_to_save(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.ones((8, 8), np.int32)), "a.tif")
    with pytest.raises(click.UsageError, match="8 or 16 bits per channel"):
        read_picture(path)
