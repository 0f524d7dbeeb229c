"""Names and forms of the HTTP headers that both ends use."""

import base64
import hashlib
import re

from .geometry import Bounds
from .messages import BYTES_PER_PIXEL, PixelFormat, ResultForm

# Neither is one of the three "simple" types, so that a web page can't send it without a preflight.
BLOB_MEDIA_TYPE = "application/octet-stream"
JSON_MEDIA_TYPE = "application/json"
IMAGE_MEDIA_TYPE = "application/vnd.draglayer.image"
SNAPSHOT_MEDIA_TYPE = "application/vnd.draglayer.snapshot"
EVENT_STREAM_MEDIA_TYPE = "text/event-stream"
PREVIEW_MEDIA_TYPE = "image/jpeg"
PROBLEM_MEDIA_TYPE = "application/problem+json"

OFFSET_HEADER = "Draglayer-Offset"  # "x,y": the result's corner in canvas px
END_REASON_HEADER = "Draglayer-End-Reason"  # of the drag that made the result
ALPHA_HEADER = "Draglayer-Alpha"  # always "straight"
FORM_HEADER = "Draglayer-Form"  # "patch", as without it, or "replacement"
DIGEST_HEADER = "Repr-Digest"  # RFC 9530

_IMAGE_TYPE = re.compile(
    re.escape(IMAGE_MEDIA_TYPE)
    + r"; ?width=([0-9]{1,6}); ?height=([0-9]{1,6}); ?format=([a-z0-9]{1,16})",
    re.ASCII,
)
_OFFSET = re.compile(r"(-?[0-9]{1,8}), ?(-?[0-9]{1,8})", re.ASCII)


def image_media_type(width: int, height: int, pixel_format: PixelFormat) -> str:
    """The Content-Type of raw pixels."""
    return f"{IMAGE_MEDIA_TYPE}; width={width}; height={height}; format={pixel_format}"


def offset_value(bounds_canvas: Bounds) -> str:
    """The value of the offset header."""
    return f"{bounds_canvas.x},{bounds_canvas.y}"


def parse_form(value: str) -> ResultForm:
    """How to lay the result in; a bridge that says nothing means above the layer.

    Raises:
        ValueError: The form is not known.
    """
    return ResultForm(value) if value else ResultForm.PATCH


def digest_value(body: bytes) -> str:
    """The value of the digest header."""
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii") + ":"


def parse_image_headers(media_type: str, offset: str) -> tuple[Bounds, str]:
    """Bounds on the canvas and pixel format, read from the two headers of a result.

    Raises:
        ValueError: The headers are not of our form.
    """
    type_match, offset_match = _IMAGE_TYPE.fullmatch(media_type), _OFFSET.fullmatch(offset)
    if type_match is None or offset_match is None:
        raise ValueError("the image headers are not of the expected form")
    width, height, pixel_format = int(type_match[1]), int(type_match[2]), type_match[3]
    if pixel_format not in BYTES_PER_PIXEL:
        raise ValueError(f"the pixel format {pixel_format} is not known")
    return Bounds(int(offset_match[1]), int(offset_match[2]), width, height), pixel_format
