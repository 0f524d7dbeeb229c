"""Runs as batch code inside GIMP while a test works its windows: answers what the image is now.

A question is `question.json` in the folder of DRAGLAYER_WATCH, `{"number": N, "wants": ...}`; the
answer is `answer-N.json`. "stop" ends it, and GIMP with it. It only reads, but for "translucent",
which is a slider of the Layers dock.
"""

import hashlib
import json
import os
import time
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

FOLDER = Path(os.environ["DRAGLAYER_WATCH"])
POLL_S = 0.05


def native_bytes(drawable, format_name=None):
    area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, format_name, Gegl.AbyssPolicy.NONE)


def facts(image):
    """What a person could see in the docks."""
    _, is_selected, *corners = Gimp.Selection.bounds(image)
    paths = image.get_selected_paths()
    strokes = [
        path.stroke_get_points(stroke)[1] for path in paths[:1] for stroke in path.get_strokes()
    ]
    return {
        "layers": [layer_facts(layer) for layer in image.get_layers()],
        "chosen": [layer.get_name() for layer in image.get_selected_layers()],
        "selection": corners if is_selected else None,
        "anchors": [
            [points[i + 2 : i + 4] for i in range(0, len(points), 6)] for points in strokes
        ],
    }


def layer_facts(layer):
    _, x, y = layer.get_offsets()
    return {
        "name": layer.get_name(),
        "place": [x, y, layer.get_width(), layer.get_height()],
        "opacity": round(layer.get_opacity()),
        "is_visible": layer.get_visible(),
        "digest": hashlib.sha256(native_bytes(layer)).hexdigest(),
    }


def write_composite(image):
    """All visible layers as one, straight RGBA, into a file; gives its name and size."""
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    path = FOLDER / "composite.rgba"
    path.write_bytes(native_bytes(seen, "R'G'B'A u8"))
    return {"file": str(path), "size": [seen.get_width(), seen.get_height()]}


def answer(question):
    (image,) = Gimp.get_images()
    if question["wants"] == "translucent":
        for layer in image.get_selected_layers():
            layer.set_opacity(60.0)
    return write_composite(image) if question["wants"] == "composite" else facts(image)


def watch():
    """Answers until it is told to stop."""
    number = 0
    while True:
        try:
            question = json.loads((FOLDER / "question.json").read_text())
        except FileNotFoundError:
            question = {"number": 0}
        if question["number"] == number:
            time.sleep(POLL_S)
            continue
        number = question["number"]
        if question["wants"] == "stop":
            return
        draft = FOLDER / "draft.json"
        draft.write_text(json.dumps(answer(question)))
        draft.rename(FOLDER / f"answer-{number}.json")


watch()
