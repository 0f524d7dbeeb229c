"""The demo's committed inputs are what the drawing program writes."""

import json
import zipfile
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from training.demo import CANVAS, EDITS, PORTRAIT, keypoints_canvas, write
from training.pictures import FACTORS, KEYPOINTS

ASSETS = files("draglayer_cli") / "assets" / "demo"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assets")
    write(folder)
    return folder


@pytest.mark.parametrize("name", ["demo.png", "mask.png"])
def test_the_committed_pictures_are_up_to_date(written, name):
    with Image.open(written / name) as fresh, (ASSETS / name).open("rb") as file:
        with Image.open(file) as committed:
            off = np.asarray(fresh).astype(int) - np.asarray(committed).astype(int)
    assert np.abs(off).max() <= 1  # another processor may round another way


def test_the_committed_description_is_up_to_date(written):
    assert (written / "demo.json").read_text() == (ASSETS / "demo.json").read_text()


def test_the_layered_picture_says_what_it_is_first(written):
    with zipfile.ZipFile(written / "demo.ora") as archive:
        first = archive.infolist()[0]
        assert first.filename == "mimetype" and first.compress_type == zipfile.ZIP_STORED
        assert {"stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"} < set(
            archive.namelist()
        )


def test_the_same_drawing_gives_the_same_file(written, tmp_path):
    write(tmp_path)
    assert (tmp_path / "demo.ora").read_bytes() == (written / "demo.ora").read_bytes()


def test_keypoints_lie_on_the_canvas():
    places = keypoints_canvas()
    assert set(places) == set(KEYPOINTS)
    left, top, side = PORTRAIT
    assert left + side < CANVAS[0] and top + side < CANVAS[1]
    assert all(left <= x <= left + side and top <= y <= top + side for x, y in places.values())


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_changes_factors_within_their_ranges_and_moves_its_parts(edit):
    ranges = {factor.name: (factor.low, factor.high) for factor in FACTORS}
    assert all(ranges[k][0] <= value <= ranges[k][1] for k, value in edit.changes.items())
    before, after = keypoints_canvas(), keypoints_canvas(edit.changes)
    for name in edit.keypoints:
        assert np.linalg.norm(np.subtract(after[name], before[name])) > 10.0
    assert json.dumps(after)
