"""Picture files and the bytes that an edit is made of."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from bridge_client import (
    Bounds,
    EditRequest,
    LayerFacts,
    LayerResult,
    PointPair,
    ResultForm,
    choose_result_form,
    propose_window,
)
from bridge_client.geometry import Extent, Point
from bridge_client.messages import MAX_WINDOW_SIDE_PX, InversionProfile

Pixels = npt.NDArray[np.uint8]

_EIGHT_BIT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture file as 8-bit straight RGBA.

    Attributes:
        pixels: (H, W, 4), uint8.
        has_alpha: whether the file has transparency.
        icc_profile: the colour profile that the file carries; passed on as it is.
    """

    pixels: Pixels
    has_alpha: bool
    icc_profile: bytes | None

    @property
    def extent(self) -> Extent:
        """Its size."""
        return Extent(self.pixels.shape[1], self.pixels.shape[0])

    def image(self, pixels: Pixels) -> Image.Image:
        """Gives pixels of this picture's size as an image of its kind, without alpha if it had
        none."""
        return Image.fromarray(pixels if self.has_alpha else pixels[:, :, :3].copy())


def read_picture(path: Path) -> Picture:
    """Reads a picture of any kind that Pillow reads: 8 and 16 bit, grey, palette, CMYK.

    Raises:
        click.UsageError: the file is no picture, damaged, or of a kind with no range of its own.
    """
    return parse_picture(path, path.name)


def parse_picture(source: Path | IO[bytes], name: str) -> Picture:
    """Reads a picture from a file, or from what is in one; `name` is for people.

    Raises:
        click.UsageError: as `read_picture`.
    """
    # A camera's sideways picture: points are read off a viewer, which shows it upright.
    opened = _open(source, name)
    image, mode = ImageOps.exif_transpose(opened), opened.mode
    if mode.startswith("I;16") or (mode == "I" and opened.format == "PNG"):
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        image = Image.fromarray(grey)
    elif mode not in _EIGHT_BIT:
        raise click.UsageError(
            f"{name} has pixels of kind {mode}, which have no fixed range; "
            "save it with 8 or 16 bits per channel"
        )
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    pixels = np.array(image.convert("RGBA"))
    profile = image.info.get("icc_profile") if mode in ("RGB", "RGBA", "P") else None
    return Picture(pixels=pixels, has_alpha=has_alpha, icc_profile=profile)


def read_mask(path: Path, picture: Picture) -> Pixels:
    """Reads a mask, (H, W), uint8, 255 = may move.

    Raises:
        click.UsageError: it is of another size than the picture, or selects nothing.
    """
    mask = _grey(read_picture(path))
    if mask.shape != picture.pixels.shape[:2]:
        raise click.UsageError(
            f"the mask is {mask.shape[1]} x {mask.shape[0]} px and the picture "
            f"{picture.extent.width} x {picture.extent.height}; they must be of one size"
        )
    if not mask.any():
        raise click.UsageError("the mask is black all over; paint white what may move")
    return mask


def edit_request(
    picture: Picture,
    mask: Pixels | None,
    pairs: tuple[PointPair, ...],
    *,
    window: Bounds | None,
    step_budget: int | None,
    model: str,
    profile: InversionProfile = InversionProfile.FAST,
) -> EditRequest:
    """Gives the edit of a picture file, whose canvas is the file.

    Raises:
        ClientError: the points or the selection make no window.
    """
    if window is None:
        window = propose_window(
            selection=None if mask is None else _content(mask),
            layer_content=_content(picture.pixels[:, :, 3]),
            points=[point for pair in pairs for point in (pair.handle, pair.target)],
            canvas=picture.extent,
        )
    return EditRequest(
        window_canvas=window,
        pixels=cut_window(picture.pixels, window).tobytes(),
        pixel_order="rgba8",
        mask=None if mask is None else cut_window(mask, window).tobytes(),
        pairs=pairs,
        step_budget=step_budget,
        profile=profile,
        model=model,
        result_form=form_of_result(picture, mask, window),
    )


def form_of_result(picture: Picture, mask: Pixels | None, window: Bounds) -> ResultForm:
    """Gives the form in which a picture file, one plain layer, takes an edit of this window."""
    return choose_result_form(
        LayerFacts(),
        pixels=cut_window(picture.pixels, window).tobytes(),
        editable_mask=None if mask is None else cut_window(mask, window).tobytes(),
        window_canvas=window,
        canvas=picture.extent,
    )


def png(image: Image.Image, icc_profile: bytes | None = None) -> bytes:
    """Gives an image as a PNG file's content."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=icc_profile)
    return buffer.getvalue()


def layer_on_canvas(result: LayerResult, picture: Picture) -> Pixels:
    """Gives the result as a layer of the picture's size, (H, W, 4), uint8: a patch above it, or a
    replacement, which is the picture where nothing changed."""
    is_whole = result.form is ResultForm.REPLACEMENT
    canvas = picture.pixels.copy() if is_whole else np.zeros_like(picture.pixels)
    bounds = result.bounds_canvas
    layer = np.frombuffer(result.pixels, np.uint8).reshape(bounds.height, bounds.width, 4)
    inside = bounds.intersect(Bounds(0, 0, picture.extent.width, picture.extent.height))
    if not inside.is_empty:
        dy, dx = inside.y - bounds.y, inside.x - bounds.x
        canvas[inside.y : inside.bottom, inside.x : inside.right] = layer[
            dy : dy + inside.height, dx : dx + inside.width
        ]
    return canvas


def parse_pair(text: str) -> PointPair:
    """Reads "x,y:x,y", canvas px.

    Raises:
        ValueError: it is written otherwise, or a number is not finite.
    """
    handle, colon, target = text.partition(":")
    if not colon:
        raise ValueError("write a pair as x,y:x,y, for example 120,80:120,110")
    return PointPair(_parse_point(handle), _parse_point(target))


def parse_window(text: str) -> Bounds:
    """Reads "x,y,side", whole canvas px.

    Raises:
        ValueError: it is written otherwise.
    """
    try:
        x, y, side = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError("write a window as x,y,side in whole px, for example 40,0,512") from error
    if not 8 <= side <= MAX_WINDOW_SIDE_PX:
        raise ValueError(f"the window's side is {side} px; 8 to {MAX_WINDOW_SIDE_PX} are allowed")
    return Bounds(x, y, side, side)


def _parse_point(text: str) -> Point:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError("write a pair as x,y:x,y, for example 120,80:120,110") from error
    return Point(x, y)


def _open(source: Path | IO[bytes], name: str) -> Image.Image:
    try:
        with Image.open(source) as image:
            image.load()
    except FileNotFoundError as error:
        raise click.UsageError(f"there is no file {name}; check its name") from error
    except Image.DecompressionBombError as error:
        raise click.UsageError(f"{name} is too large; crop it first") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise click.UsageError(
            f"{name} is no picture that can be read; give a PNG, JPEG, WebP or TIFF file"
        ) from error
    return image


def _grey(picture: Picture) -> Pixels:
    return np.array(Image.fromarray(picture.pixels[:, :, :3].copy()).convert("L"))


def _content(mask: Pixels) -> Bounds:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Bounds(0, 0, 0, 0)
    top, left = int(rows[0]), int(columns[0])
    return Bounds(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def cut_window(pixels: Pixels, window: Bounds) -> Pixels:
    """Cuts a window out of pixels (H, W, ...), uint8; what lies beyond the picture is 0."""
    cut = np.zeros((window.height, window.width, *pixels.shape[2:]), np.uint8)
    inside = window.intersect(Bounds(0, 0, pixels.shape[1], pixels.shape[0]))
    if not inside.is_empty:
        y, x = inside.y - window.y, inside.x - window.x
        cut[y : y + inside.height, x : x + inside.width] = pixels[
            inside.y : inside.bottom, inside.x : inside.right
        ]
    return cut
