"""An edit as one file that can be opened again: a ZIP of picture, mask and where its session
stands.

What is in one is read with the care that any picture or session gets, and nothing of it is
unpacked to the disk.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import click
import numpy as np
from PIL import Image

from bridge_client import Bounds
from bridge_client.messages import MAX_WINDOW_SIDE_PX
from bridge_server.engine_port import SessionSpec
from draglayer_cli.pictures import (
    Picture,
    Pixels,
    cut_window,
    form_of_result,
    parse_picture,
    png,
)

DEFAULT_MODEL = "default"

_FORMAT, _VERSION = "draglayer.edit", 1
_FACTS, _PICTURE, _MASK, _SESSION = "edit.json", "picture.png", "mask.png", "session"
_LARGEST_BYTES = {_FACTS: 1 << 16, _PICTURE: 1 << 30, _MASK: 1 << 30, _SESSION: 1 << 30}
_DAMAGED = "the saved edit is cut short or damaged and cannot be opened; choose another file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedEdit:
    """All that an edit is made of, but for the model, which is named.

    Attributes:
        picture: the file that was edited, as it was.
        mask: (H, W), uint8, of the picture's size, 255 = may move; None: everything may.
        window_canvas: what the model was shown.
        model: "default", or the name of the model's file, without its folder.
        snapshot: where the session stands, as the engine gave it.
    """

    picture: Picture
    mask: Pixels | None
    window_canvas: Bounds
    model: str
    snapshot: bytes

    def session_spec(self, model: str) -> SessionSpec:
        """Gives the session as it stood; the model's name or file is for whoever opens it."""
        return SessionSpec(
            model=model,
            bounds_canvas=self.window_canvas,
            pixels=cut_window(self.picture.pixels, self.window_canvas).tobytes(),
            pixel_format="rgba8",
            editable_mask=(
                None if self.mask is None else cut_window(self.mask, self.window_canvas).tobytes()
            ),
            result_form=form_of_result(self.picture, self.mask, self.window_canvas),
            snapshot=self.snapshot,
        )

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all.

        Raises:
            click.UsageError: there is no place for it.
        """
        from engine.files import write_whole

        window = self.window_canvas
        facts = {
            "format": _FORMAT,
            "version": _VERSION,
            "window": [window.x, window.y, window.width, window.height],
            "model": self.model,
        }
        picture = self.picture.image(self.picture.pixels)
        parts = {_FACTS: json.dumps(facts).encode(), _SESSION: self.snapshot}
        parts[_PICTURE] = png(picture, self.picture.icc_profile)
        if self.mask is not None:
            parts[_MASK] = png(Image.fromarray(self.mask))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        try:
            write_whole(path, buffer.getvalue())
        except OSError as error:
            raise click.UsageError(
                f"{path.name} can't be written ({error.strerror}); give another file to --save"
            ) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a file.

        Raises:
            click.UsageError: there is none of that name, or it is damaged or of another kind.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                parts = _parts(archive)
        except FileNotFoundError as error:
            raise click.UsageError(f"there is no file {path.name}; check its name") from error
        except zipfile.BadZipFile as error:
            raise click.UsageError(
                f"{path.name} is no saved edit; give a file that `draglayer drag --save` wrote"
            ) from error
        except (OSError, RuntimeError, NotImplementedError, EOFError) as error:
            raise click.UsageError(_DAMAGED) from error
        window, model = _facts(parts)
        if _PICTURE not in parts or _SESSION not in parts:
            raise click.UsageError(_DAMAGED)
        picture = parse_picture(io.BytesIO(parts[_PICTURE]), f"the picture in {path.name}")
        mask = None
        if _MASK in parts:
            mask = parse_picture(io.BytesIO(parts[_MASK]), f"the mask in {path.name}").pixels
            mask = np.ascontiguousarray(mask[:, :, 0])
            if mask.shape != picture.pixels.shape[:2]:
                raise click.UsageError(_DAMAGED)
        return cls(
            picture=picture,
            mask=mask,
            window_canvas=window,
            model=model,
            snapshot=parts[_SESSION],
        )


def _parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Gives what is in the archive under our names; a part that is too large is left out."""
    return {
        entry.filename: archive.read(entry)
        for entry in archive.infolist()
        if entry.file_size <= _LARGEST_BYTES.get(entry.filename, -1)
    }


def _facts(parts: dict[str, bytes]) -> tuple[Bounds, str]:
    """Gives window and model."""
    try:
        facts = json.loads(parts[_FACTS])
        if (facts["format"], facts["version"]) != (_FORMAT, _VERSION):
            raise click.UsageError(
                "the saved edit is of another version than this draglayer reads; update draglayer"
            )
        x, y, width, height = (int(number) for number in facts["window"])
        model = "".join(c for c in str(facts["model"]) if c.isprintable())[:200]
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise click.UsageError(_DAMAGED) from error
    if not (0 < width == height <= MAX_WINDOW_SIDE_PX and max(abs(x), abs(y)) < 1 << 30):
        raise click.UsageError(_DAMAGED)
    return Bounds(x, y, width, height), model
