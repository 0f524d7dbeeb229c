"""The hosts' judge, on drawings whose truth is known."""

import json
from importlib.resources import files

import numpy as np
import pytest
import torch

from tests.picture_truth import moved_share, place_of
from training.demo import EDITS, factors
from training.pictures import draw

SIDE = 320
DEMO = json.loads((files("draglayer_cli") / "assets/demo/demo.json").read_text())


def portrait(changes=None):
    planes = draw(factors(changes), SIDE).images[0]
    return (planes * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def to_window(place):
    corner = DEMO["portrait"]
    return place[0] - corner["x"], place[1] - corner["y"]


@pytest.mark.parametrize("name", ["nose", "chin", "ear_tip_left", "eye_right"])
def test_a_part_is_found_where_the_demo_says_it_is(name):
    expected = to_window(DEMO["keypoints"][name])
    assert np.linalg.norm(place_of(portrait(), name) - expected) < 0.02 * SIDE


@pytest.mark.parametrize("number", range(len(EDITS)), ids=[edit.name for edit in EDITS])
def test_a_drawing_with_the_demos_change_has_moved_all_the_way(number):
    edit = EDITS[number]
    after = portrait(edit.changes)
    for keypoint, pair in zip(edit.keypoints, DEMO["edits"][number]["pairs"], strict=True):
        ends = to_window(pair["handle"]), to_window(pair["target"])
        assert 0.8 < moved_share(portrait(), after, keypoint, *ends) < 1.2
        assert moved_share(portrait(), portrait(), keypoint, *ends) == 0.0


def test_alpha_is_not_looked_at():
    opaque = np.dstack([portrait(), np.full((SIDE, SIDE), 255, np.uint8)])
    assert np.array_equal(place_of(opaque, "nose"), place_of(portrait(), "nose"))
