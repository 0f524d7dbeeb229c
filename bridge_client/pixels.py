"""Pixel bytes as they travel: rows from the top without padding, straight alpha, encoded sRGB."""

import hashlib
import re
from collections.abc import Iterator

from .geometry import Bounds, Extent
from .messages import BYTES_PER_PIXEL, PixelFormat


def swap_red_and_blue(pixels: bytes) -> bytes:
    """The same 4-byte pixels with their first and third channel exchanged: rgba8 ↔ bgra8."""
    if len(pixels) % 4:
        raise ValueError(f"4-byte pixels can't make {len(pixels)} bytes")
    swapped = bytearray(pixels)
    # Slices with a stride run in C: 4 MiB in milliseconds, where a loop takes seconds.
    swapped[0::4], swapped[2::4] = pixels[2::4], pixels[0::4]
    return bytes(swapped)


def check_pixel_count(pixels: bytes, extent: Extent, pixel_format: PixelFormat) -> None:
    """Refuses bytes that are not exactly one picture of this size.

    Raises:
        ValueError: Their number is another.
    """
    expected = extent.width * extent.height * BYTES_PER_PIXEL[pixel_format]
    if len(pixels) != expected:
        raise ValueError(
            f"{extent.width} x {extent.height} pixels of {pixel_format} are {expected} bytes, "
            f"not {len(pixels)}"
        )


def cut_pixels(pixels: bytes, bounds: Bounds, part: Bounds) -> bytes:
    """The part of a picture of these bounds, in pixels of as many bytes as its own.

    Raises:
        ValueError: The part reaches out of the picture.
    """
    if not bounds.contains_bounds(part):
        raise ValueError("the part reaches out of the picture")
    if part.is_empty:
        return b""
    pixel_bytes = len(pixels) // (bounds.width * bounds.height)
    row_bytes, left = bounds.width * pixel_bytes, (part.x - bounds.x) * pixel_bytes
    first = (part.y - bounds.y) * row_bytes + left
    starts = range(first, first + part.height * row_bytes, row_bytes)
    return b"".join(pixels[start : start + part.width * pixel_bytes] for start in starts)


def paste_pixels(pixels: bytes, bounds: Bounds, part_pixels: bytes, part: Bounds) -> bytes:
    """A picture of these bounds with a part of it, of as many bytes a pixel, in its place.

    Raises:
        ValueError: The part reaches out of the picture.
    """
    if not bounds.contains_bounds(part):
        raise ValueError("the part reaches out of the picture")
    if part.is_empty:
        return pixels
    pasted, pixel_bytes = bytearray(pixels), len(pixels) // (bounds.width * bounds.height)
    length = part.width * pixel_bytes
    for row in range(part.height):
        start = ((part.y + row - bounds.y) * bounds.width + part.x - bounds.x) * pixel_bytes
        pasted[start : start + length] = part_pixels[row * length : (row + 1) * length]
    return bytes(pasted)


def with_changes(own: bytes, edited: bytes, *, before: bytes, after: bytes) -> bytes:
    """`own` with the pixels of `edited` where the 4-byte pixels `before` and `after` differ.

    For a layer that says more than 8 bits can: `edited` is `after` in the layer's own format. What
    did not change must not go there and back.

    Args:
        own: A layer's pixels, of any number of bytes each.
        edited: As many, of the same format.
        before: As many, as they were sent.
        after: As many, as they came back.
    """
    count = len(before) // 4
    pixel_bytes = len(own) // max(1, count)
    if not (len(before) == len(after) == 4 * count and len(own) == len(edited)):
        raise ValueError("the pictures are not of one size")
    merged = bytearray(own)
    for start, _, length in changed_runs(before, after, width=max(1, count)):
        place = slice(start * pixel_bytes, (start + length) * pixel_bytes)
        merged[place] = edited[place]
    return bytes(merged)


def changed_runs(before: bytes, after: bytes, *, width: int) -> Iterator[tuple[int, int, int]]:
    """Where two pictures of 4-byte pixels differ: x, y and length of each run in a row."""
    flags = 0
    # Whole numbers of any length, and patterns, run in C; a loop over pixels takes seconds.
    for channel in range(4):
        first, second = (each[channel::4] for each in (before, after))
        flags |= int.from_bytes(first, "big") ^ int.from_bytes(second, "big")
    differing = flags.to_bytes(len(before) // 4, "big")
    for y, start in enumerate(range(0, len(differing), width)):
        for run in re.finditer(rb"[^\0]+", differing[start : start + width]):
            yield run.start(), y, run.end() - run.start()


def content_digest(pixels: bytes) -> str:
    """SHA-256 in lower-case hexadecimal: the name under which a blob travels."""
    return hashlib.sha256(pixels).hexdigest()
