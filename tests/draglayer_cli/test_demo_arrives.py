"""What the demo shows: the handles arrive, and nothing outside the portrait changes."""

import json
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from draglayer_cli.demo import pairs_of
from tests.fakes.generator import TRAINED_FILE
from tests.picture_truth import moved_share, place_of

FOLDER = files("draglayer_cli") / "assets" / "demo"
DEMO = json.loads((FOLDER / "demo.json").read_text())
# What is asked is little, so that a newly trained model breaks nothing here:
# `benchmarks.default_model` tells how good it is.
LEAST_SHARE = 0.25

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", params=[str(TRAINED_FILE), "default"], ids=["pinned", "shipped"])
def model(request):
    return request.param


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory, draglayer, model):
    """The results of `draglayer demo`, run once as a newcomer runs it."""
    out = tmp_path_factory.mktemp("demo")
    result = draglayer("demo", "--out", out, "--model", model)
    assert result.exit_code == 0, result.output
    return out


def portrait_of(path):
    """Gives the portrait alone: (320, 320, 3), uint8."""
    box = DEMO["portrait"]
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    return pixels[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]]


@pytest.mark.parametrize("number, edit", list(enumerate(DEMO["edits"], start=1)))
def test_each_marked_part_moves_towards_its_target(demo_folder, number, edit):
    (folder,) = demo_folder.glob(f"{number}-*")
    before = portrait_of(FOLDER / "demo.png")
    after = portrait_of(folder / "composite.png")
    corner = np.array([DEMO["portrait"]["x"], DEMO["portrait"]["y"]])
    for keypoint, pair in zip(edit["keypoints"], pairs_of(edit["pairs"]), strict=True):
        handle = np.array([pair.handle.x, pair.handle.y]) - corner
        target = np.array([pair.target.x, pair.target.y]) - corner
        assert moved_share(before, after, keypoint, handle, target) > LEAST_SHARE, keypoint


def test_a_pinned_part_stays(demo_folder):
    edit = DEMO["edits"][0]
    (folder,) = demo_folder.glob("1-*")
    places = [
        place_of(portrait_of(p), "nose") for p in (FOLDER / "demo.png", folder / "composite.png")
    ]
    assert list(edit["pins"]) == ["nose"]
    assert np.linalg.norm(places[1] - places[0]) < 0.03 * DEMO["portrait"]["width"]


@pytest.mark.parametrize("number", range(1, 1 + len(DEMO["edits"])))
def test_nothing_outside_the_portrait_changes(demo_folder, number):
    (folder,) = demo_folder.glob(f"{number}-*")
    with Image.open(FOLDER / "demo.png") as first, Image.open(folder / "composite.png") as second:
        before, after = np.array(first), np.array(second)
    box = DEMO["portrait"]
    inside = np.s_[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]]
    assert not np.array_equal(before[inside], after[inside])
    before[inside] = after[inside] = 0
    assert np.array_equal(before, after)
