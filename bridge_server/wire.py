"""Engine records to messages, arrays to bytes, bytes to messages: the server's side of the wire."""

from __future__ import annotations

import io
import re
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from bridge_client.messages import (
    EVENT_NAMES,
    DragProgressEvent,
    FieldError,
    HintsEvent,
    InversionProgressEvent,
    JobEvent,
    LoggedEvent,
)
from bridge_server.engine_port import (
    ColourFormat,
    DragStep,
    EngineStep,
    HintStep,
    InversionStep,
    RgbImage,
)
from bridge_server.problems import ProblemError

Message = TypeVar("Message")

_PREVIEW_QUALITY = 85  # 4-7 ms and about 0.12 MB at 1024 px; a preview is looked at, not kept
_SWAP_RED_AND_BLUE = [2, 1, 0, 3]
_MSGSPEC_PATH = re.compile(r"(?P<message>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_PATH_PART = re.compile(r"\.([^.\[\]]+)|\[([^\]]+)\]")


def decode_message(body: bytes, kind: type[Message]) -> Message:
    """The body as a checked message of the kind.

    Raises:
        ProblemError: ``invalid-request`` with a JSON pointer to the first fault.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field_error = _field_error(str(error))
        place = field_error.pointer or "the body"
        raise ProblemError(
            "invalid-request", f"At {place}: {field_error.message}.", errors=(field_error,)
        ) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ProblemError("invalid-request", "The body is not well-formed JSON.") from error


def encode_message(message: object) -> bytes:
    """The message as JSON."""
    return msgspec.json.encode(message)


def encode_event(event: JobEvent, *, seq: int | None) -> bytes:
    """One event in the form of Server-Sent Events; without an id when ``seq`` is None."""
    identity = b"" if seq is None else b"id: %d\n" % seq
    name = EVENT_NAMES[type(event)].encode("ascii")
    return b"%sevent: %s\ndata: %s\n\n" % (identity, name, encode_message(event))


def logged_event(event: JobEvent, *, seq: int) -> LoggedEvent:
    """One event in the form of the long poll."""
    return LoggedEvent(seq=seq, event=EVENT_NAMES[type(event)], data=msgspec.to_builtins(event))


def progress_event(step: EngineStep, *, pairs_revision: int) -> JobEvent | None:
    """The event that tells of an engine step; None for a step that is told by its preview."""
    if isinstance(step, InversionStep):
        return InversionProgressEvent(
            step_index=step.step_index,
            step_budget=step.step_budget,
            loss=step.loss,
            match=step.match,
        )
    if isinstance(step, DragStep):
        return DragProgressEvent(
            step_index=step.step_index,
            step_budget=step.step_budget,
            handles_canvas=step.handles_canvas,
            distance_px=step.distance_px,
            confidences=step.confidences,
            pairs_revision=pairs_revision,
        )
    return HintsEvent(hints=step.hints) if isinstance(step, HintStep) else None


def load_codecs() -> None:
    """Import what the first preview needs, or its job takes 0.1 s longer than the others."""
    Image.preinit()


def encode_preview(image: RgbImage) -> bytes:
    """The (H, W, 3) RGB image as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=_PREVIEW_QUALITY)
    return buffer.getvalue()


def unpack_pixels(
    pixels: bytes, height: int, width: int, pixel_format: ColourFormat
) -> npt.NDArray[np.uint8]:
    """Wire bytes as an own, writable (H, W, 4) array in the order RGBA."""
    array = np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 4)
    return array[..., _SWAP_RED_AND_BLUE] if pixel_format == "bgra8" else array.copy()


def pack_pixels(rgba: npt.NDArray[np.uint8], pixel_format: ColourFormat) -> bytes:
    """An (H, W, 4) RGBA array as wire bytes."""
    ordered = rgba[..., _SWAP_RED_AND_BLUE] if pixel_format == "bgra8" else rgba
    return ordered.tobytes()


def unpack_mask(mask: bytes, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Wire bytes as an own, writable (H, W) array, 255 = may move."""
    return np.frombuffer(mask, dtype=np.uint8).reshape(height, width).copy()


def _field_error(text: str) -> FieldError:
    found = _MSGSPEC_PATH.fullmatch(text)
    if found is None or found["path"] is None:
        return FieldError(pointer="", message=text)
    parts = (name or index for name, index in _PATH_PART.findall(found["path"]))
    # RFC 6901 escapes; a path part of "..." is msgspec's word for a key of a mapping.
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return FieldError(pointer=pointer, message=found["message"])
