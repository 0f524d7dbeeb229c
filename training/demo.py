"""Draws the demo's inputs: a framed portrait on a wall, as flat and as layered picture, with mask
and pairs.

    python -m training.demo --out draglayer_cli/assets/demo

They are drawings, not samples of the generator: the demo inverts a picture that the model has
never seen.
"""

import argparse
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from training.pictures import FACTORS, KEYPOINTS, draw, middle_factors

CANVAS = (1200, 900)  # width, height
PORTRAIT = (470, 236, 320)  # left, top, side


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEdit:
    """One drag of the demo.

    Attributes:
        name: what it does, for a caption.
        keypoints: what is dragged.
        changes: the factors that would move them so, with their values after it.
        pins: what shall stay where it is.
    """

    name: str
    keypoints: tuple[str, ...]
    changes: dict[str, float]
    pins: tuple[str, ...] = ()


EDITS = (
    # A chin alone says as well that the head shall nod.
    DemoEdit(
        name="The mouth opens",
        keypoints=("chin",),
        changes={"mouth_open": 0.92},
        pins=("nose",),
    ),
    DemoEdit(
        name="The ears grow longer",
        keypoints=("ear_tip_left", "ear_tip_right"),
        changes={"ear_length": 1.02},
    ),
    DemoEdit(name="The head turns", keypoints=("nose",), changes={"yaw": 0.36}),
)

CHARACTER = {
    "yaw": -0.10,
    "pitch": 0.02,
    "mouth_open": 0.30,
    "smile": 0.55,
    "eye_open": 0.80,
    "gaze": 0.10,
    "brow_height": 0.60,
    "ear_length": 0.66,
    "ear_spread": 0.34,
    "fur_hue": 0.075,
    "fur_lightness": 0.84,
    "stripes": 0.75,
    "eye_hue": 0.36,
    "background_hue": 0.56,
    "fur_saturation": 0.85,
    "spots": -1.0,
    "light_side": -0.35,
    "background_lightness": 0.85,
    "horizon": 0.72,
    "head_width": 1.0,
    "eye_size": 1.05,
}


def factors(changes: dict[str, float] | None = None) -> Tensor:
    """Gives the character's factors, (1, F), with some of them changed."""
    values = middle_factors()
    for name, value in {**CHARACTER, **(changes or {})}.items():
        values[0, [f.name for f in FACTORS].index(name)] = value
    return values


def keypoints_canvas(changes: dict[str, float] | None = None) -> dict[str, tuple[float, float]]:
    """Gives the keypoints on the demo's canvas, px."""
    left, top, side = PORTRAIT
    places = draw(factors(changes), 64).keypoints[0] * side
    return {
        name: (round(left + x, 1), round(top + y, 1))
        for name, (x, y) in zip(KEYPOINTS, places.tolist(), strict=True)
    }


def portrait(changes: dict[str, float] | None = None) -> Image.Image:
    """Gives the portrait, drawn at twice its size and averaged."""
    side = PORTRAIT[2]
    return _image(draw(factors(changes), 2 * side).images[0]).resize(
        (side, side), Image.Resampling.BOX
    )


def wall() -> Image.Image:
    """Gives the backdrop: a striped wall, a floor, and the frame that the portrait hangs in."""
    width, height = CANVAS
    x = (torch.arange(width) + 0.5)[None, :].expand(height, width)
    y = (torch.arange(height) + 0.5)[:, None].expand(height, width)
    paper = torch.tensor([0.87, 0.83, 0.74])[:, None, None]
    stripe = ((x / 60.0 * torch.pi).sin() * 6.0).clamp(-1.0, 1.0) * 0.018
    light = 1.0 - 0.22 * (((x - 520) / 1000).square() + ((y - 330) / 900).square())
    picture = (paper + stripe) * light
    floor = torch.tensor([0.45, 0.30, 0.20])[:, None, None] * (0.75 + 0.25 * (y / height))
    picture = torch.where(y > 770, floor, picture)
    board = torch.tensor([0.95, 0.93, 0.88])[:, None, None] * light
    picture = torch.where((y > 740) & (y <= 770), board, picture)
    left, top, side = PORTRAIT
    for margin, colour in (
        (40, (0.36, 0.22, 0.12)),
        (32, (0.62, 0.43, 0.20)),
        (12, (0.40, 0.26, 0.13)),
    ):
        inside = (x > left - margin) & (x < left + side + margin)
        inside &= (y > top - margin) & (y < top + side + margin)
        picture = torch.where(
            inside, torch.tensor(colour)[:, None, None].expand_as(picture), picture
        )
    return _image(picture)


def write(folder: Path) -> None:
    """Writes demo.png, demo.ora, mask.png and demo.json."""
    folder.mkdir(parents=True, exist_ok=True)
    left, top, side = PORTRAIT
    backdrop, head = wall(), portrait()
    flat = backdrop.copy()
    flat.paste(head, (left, top))
    flat.save(folder / "demo.png", optimize=True)
    mask = Image.new("L", CANVAS)
    mask.paste(255, (left, top, left + side, top + side))
    mask.save(folder / "mask.png", optimize=True)
    (folder / "demo.json").write_text(json.dumps(_description(), indent=2) + "\n")
    _write_openraster(
        folder / "demo.ora", flat, [("portrait", head, left, top), ("wall", backdrop, 0, 0)]
    )


def _description() -> dict[str, object]:
    left, top, side = PORTRAIT
    bounds = {"x": left, "y": top, "width": side, "height": side}
    here = keypoints_canvas()
    edits = [
        {
            "name": edit.name,
            "pairs": [
                {"handle": here[name], "target": keypoints_canvas(edit.changes)[name]}
                for name in edit.keypoints
            ],
            "keypoints": list(edit.keypoints),
            "pins": {name: here[name] for name in edit.pins},
        }
        for edit in EDITS
    ]
    return {
        "canvas": {"width": CANVAS[0], "height": CANVAS[1]},
        "portrait": bounds,
        "selection": bounds,
        "keypoints": here,
        "edits": edits,
    }


def _write_openraster(
    path: Path, flat: Image.Image, layers: list[tuple[str, Image.Image, int, int]]
) -> None:
    """Writes the layers, top first, as OpenRaster 0.0.5, which Krita and GIMP open."""
    stack = "".join(
        f'<layer name="{name}" src="data/{name}.png" x="{x}" y="{y}" opacity="1.0" '
        f'visibility="visible" composite-op="svg:src-over"/>'
        for name, _, x, y in layers
    )
    width, height = flat.size
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<image version="0.0.5" w="{width}" h="{height}"><stack>{stack}</stack></image>\n'
    )
    thumbnail = flat.copy()
    thumbnail.thumbnail((256, 256))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "mimetype", b"image/openraster", zipfile.ZIP_STORED)
        _add(archive, "stack.xml", text.encode())
        for name, image, _, _ in layers:
            _add(archive, f"data/{name}.png", _png(image.convert("RGBA")))
        _add(archive, "mergedimage.png", _png(flat))
        _add(archive, "Thumbnails/thumbnail.png", _png(thumbnail))


def _add(
    archive: zipfile.ZipFile, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED
) -> None:
    """Adds a member with a fixed date, so that the same drawing gives the same file."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = method
    archive.writestr(member, content)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _image(planes: Tensor) -> Image.Image:
    pixels = (planes.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(pixels.contiguous().numpy())


def main() -> None:
    """Draws the assets from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("draglayer_cli/assets/demo"))
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
