import hashlib

import pytest

from bridge_client import Extent, swap_red_and_blue
from bridge_client.pixels import check_pixel_count, content_digest


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
