"""What a drag is judged by, read off drawings whose truth is known."""

import pytest
import torch

from benchmarks.marks import (
    NAMES,
    GroundLine,
    KeypointMarks,
    SurfaceMarks,
    UpperLids,
    keypoints_of,
    posed_like,
)
from training.keypoints import load_detector
from training.pictures import draw, middle_factors


@pytest.fixture(scope="module")
def detector():
    return load_detector()


def factors(**changes):
    rows = middle_factors()
    for name, value in changes.items():
        rows[0, NAMES.index(name)] = value
    return rows


def test_keypoints_are_found_where_they_are(detector):
    marks = KeypointMarks(["chin", "ear_tip_left"], detector)
    changed = factors(mouth_open=0.9, ear_length=1.0)
    found, true = marks.found(draw(changed, 96).images), marks.true(changed)
    assert float((found - true).norm(dim=1).max()) < 0.02
    assert float((true - marks.true(factors())).norm(dim=1).min()) > 0.03


@pytest.mark.parametrize("opening", [0.15, 0.5, 0.95])
@pytest.mark.parametrize("pose", [{}, {"yaw": 0.4, "pitch": -0.2}])
def test_lids_are_found_where_they_are(detector, opening, pose):
    marks = UpperLids(factors(eye_open=0.6, **pose), detector)
    changed = factors(eye_open=opening, **pose)
    found = marks.found(draw(changed, 96).images)
    assert float((found - marks.true(changed)).norm(dim=1).max()) < 0.01


def test_lids_are_the_tops_of_the_dark_rims(detector):
    changed = factors(eye_open=0.9, fur_lightness=0.9)
    picture = draw(changed, 256).images
    for lid in UpperLids(changed, detector).true(changed) * 256:
        column, row = lid.long().tolist()
        above, below = picture[0, :, row - 4, column], picture[0, :, row + 2, column]
        assert float(above.mean()) > 2.0 * float(below.mean())


def test_a_head_that_moved_takes_its_lids_along(detector):
    marks = UpperLids(factors(), detector)
    shifted = torch.roll(draw(factors(), 96).images, 6, dims=3)
    way = marks.found(shifted) - marks.found(draw(factors(), 96).images)
    torch.testing.assert_close(way, torch.tensor([[6 / 96, 0.0]] * 2), atol=0.012, rtol=0.0)


@pytest.mark.parametrize("pose", [{"yaw": 0.5, "mouth_open": 1.0}, {"pitch": -0.3}])
def test_points_of_the_surface_are_found_where_they_turned_to(detector, pose):
    places = torch.nn.functional.normalize(torch.tensor([[0.0, -0.6, 0.8], [0.4, 0.6, 0.7]]), dim=1)
    marks = SurfaceMarks(places, factors(), detector)
    found = marks.found(draw(factors(**pose), 96).images)
    assert float((found - marks.true(factors(**pose))).norm(dim=1).max()) < 0.015
    assert float((found - marks.true(factors())).norm(dim=1).max()) > 0.04


@pytest.mark.parametrize("x", [0.06, 0.94])
@pytest.mark.parametrize("horizon", [0.45, 0.70, 0.92])
@pytest.mark.parametrize("light", [-0.75, 0.75])
def test_the_line_of_the_ground_is_found_where_it_is(x, horizon, light):
    marks = GroundLine(x)
    changed = factors(
        horizon=horizon, light_side=light, ear_length=1.15, ear_spread=0.75, head_width=1.1
    )
    found = marks.found(draw(changed, 128).images)
    assert float((found - marks.true(changed)).norm()) < 0.006


def test_a_pose_is_told_by_its_keypoints():
    changed = factors(yaw=0.4, pitch=-0.2, ear_length=1.0, brow_height=0.1)
    found = posed_like(keypoints_of(changed), factors())
    torch.testing.assert_close(found, changed, atol=5e-3, rtol=0.0)
