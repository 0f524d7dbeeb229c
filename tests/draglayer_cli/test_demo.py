"""The demo and the files that it begins with."""

import json
import zipfile
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from draglayer_cli.demo import pairs_of

FOLDER = files("draglayer_cli") / "assets" / "demo"
DEMO = json.loads((FOLDER / "demo.json").read_text())


def pixels(name):
    with (FOLDER / name).open("rb") as file, Image.open(file) as image:
        return np.asarray(image)


def inside_portrait(point):
    box = DEMO["portrait"]
    return (
        box["x"] <= point.x <= box["x"] + box["width"]
        and box["y"] <= point.y <= box["y"] + box["height"]
    )


def test_the_demo_drags_each_edit_and_shows_all_on_one_sheet(draglayer, model_file, tmp_path):
    out = tmp_path / "demo"
    result = draglayer("demo", "--out", out, "--steps", 1, "--model", model_file)
    assert result.exit_code == 0, result.output
    edits = sorted(path.name for path in out.iterdir() if path.is_dir())
    assert [int(name.split("-")[0]) for name in edits] == [1, 2, 3]
    assert all((out / edit / "composite.png").is_file() for edit in edits)
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.height > sheet.width * 0.9
    assert result.stdout.count("after 1 steps") == len(DEMO["edits"]) == 3


def test_a_wrong_model_is_one_sentence(draglayer, tmp_path):
    result = draglayer("demo", "--out", tmp_path, "--model", tmp_path / "nowhere")
    assert result.exit_code == 2 and "there is no such model file" in result.stderr


def test_the_selection_is_the_mask():
    mask, box = pixels("mask.png"), DEMO["selection"]
    expected = np.zeros_like(mask)
    expected[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]] = 255
    assert mask.shape == pixels("demo.png").shape[:2] == (900, 1200)
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize("edit", DEMO["edits"], ids=lambda edit: edit["name"])
def test_each_edit_begins_and_ends_in_the_portrait(edit):
    pairs = pairs_of(edit["pairs"])
    assert len(pairs) == len(edit["keypoints"]) > 0
    assert all(inside_portrait(pair.handle) and inside_portrait(pair.target) for pair in pairs)
    handles = [[pair.handle.x, pair.handle.y] for pair in pairs]
    assert handles == [DEMO["keypoints"][name] for name in edit["keypoints"]]


def test_the_layered_picture_is_the_flat_one():
    with (FOLDER / "demo.ora").open("rb") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("mimetype") == b"image/openraster"
        layers = {}
        for name in ("portrait", "wall"):
            with archive.open(f"data/{name}.png") as layer, Image.open(layer) as image:
                layers[name] = np.asarray(image)
    box, flat = DEMO["portrait"], layers["wall"][:, :, :3].copy()
    flat[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]] = layers[
        "portrait"
    ][:, :, :3]
    assert np.array_equal(flat, pixels("demo.png"))
    assert all((layer[:, :, 3] == 255).all() for layer in layers.values())
