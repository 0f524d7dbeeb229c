import hashlib
import random

import pytest

from bridge_client import (
    Bounds,
    Extent,
    changed_runs,
    paste_pixels,
    swap_red_and_blue,
    with_changes,
)
from bridge_client.pixels import check_pixel_count, content_digest, cut_pixels


def test_red_and_blue_change_places_and_nothing_else_does():
    assert swap_red_and_blue(bytes([1, 2, 3, 4, 5, 6, 7, 8])) == bytes([3, 2, 1, 4, 7, 6, 5, 8])


def test_swapping_twice_gives_the_same_bytes():
    pixels = bytes(range(256))
    assert swap_red_and_blue(swap_red_and_blue(pixels)) == pixels


def test_bytes_that_are_no_whole_pixels_are_refused():
    with pytest.raises(ValueError, match="4-byte"):
        swap_red_and_blue(b"12345")


def test_a_picture_has_exactly_its_bytes():
    check_pixel_count(bytes(24), Extent(3, 2), "rgba8")
    check_pixel_count(bytes(6), Extent(3, 2), "l8")
    with pytest.raises(ValueError, match="are 24 bytes, not 23"):
        check_pixel_count(bytes(23), Extent(3, 2), "bgra8")


def test_a_blob_is_named_by_its_sha256():
    assert content_digest(b"abc") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize("pixel_bytes", [1, 4])
def test_a_part_of_a_picture_is_its_rows(pixel_bytes):
    picture = bytes(range(4 * 3 * pixel_bytes))
    part = cut_pixels(picture, Bounds(10, 20, 4, 3), Bounds(11, 21, 2, 2))
    rows = [picture[start * pixel_bytes : (start + 2) * pixel_bytes] for start in (5, 9)]
    assert part == b"".join(rows)


def test_a_part_must_lie_in_the_picture():
    with pytest.raises(ValueError, match="reaches out"):
        cut_pixels(bytes(16), Bounds(0, 0, 2, 2), Bounds(1, 1, 2, 1))
    assert cut_pixels(bytes(16), Bounds(0, 0, 2, 2), Bounds(1, 1, 0, 0)) == b""


@pytest.mark.parametrize("pixel_bytes", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_only_what_changed_is_taken_over(pixel_bytes, count):
    source = random.Random(count)
    before = source.randbytes(4 * count)
    after = bytearray(before)
    for place in source.sample(range(4 * count), count // 3):
        after[place] ^= source.randrange(1, 256)
    own, edited = source.randbytes(pixel_bytes * count), source.randbytes(pixel_bytes * count)
    merged = with_changes(own, edited, before=before, after=bytes(after))
    assert len(merged) == len(own)
    for index in range(count):
        is_kept = before[4 * index : 4 * index + 4] == after[4 * index : 4 * index + 4]
        place = slice(pixel_bytes * index, pixel_bytes * (index + 1))
        assert merged[place] == (own if is_kept else edited)[place]


def test_pictures_of_several_sizes_are_not_merged():
    with pytest.raises(ValueError, match="not of one size"):
        with_changes(bytes(8), bytes(8), before=bytes(8), after=bytes(4))
    with pytest.raises(ValueError, match="not of one size"):
        with_changes(bytes(8), bytes(4), before=bytes(8), after=bytes(8))


def test_a_part_that_was_cut_is_pasted_in_its_place():
    picture, bounds, part = bytes(range(48)), Bounds(10, 20, 4, 3), Bounds(11, 21, 2, 2)
    assert paste_pixels(picture, bounds, cut_pixels(picture, bounds, part), part) == picture
    pasted = paste_pixels(picture, bounds, b"\xff" * 16, part)
    assert cut_pixels(pasted, bounds, part) == b"\xff" * 16
    assert pasted.count(b"\xff") == 16 and len(pasted) == 48
    with pytest.raises(ValueError, match="reaches out"):
        paste_pixels(picture, bounds, bytes(16), part.shifted(3, 0))


def test_runs_of_changes_end_with_their_row():
    before, after = bytearray(4 * 6), bytearray(4 * 6)
    for index in (1, 2, 3, 5):  # two rows of three
        after[4 * index + index % 4] = 1
    runs = list(changed_runs(bytes(before), bytes(after), width=3))
    assert runs == [(1, 0, 2), (0, 1, 1), (2, 1, 1)]
