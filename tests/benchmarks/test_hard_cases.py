"""The hard drags are what their names say, and their truths are exact."""

import pytest
import torch

from benchmarks.hard_cases import FLOW_POINTS, PINS, flow_cases, hard_cases
from benchmarks.marks import NAMES
from training.keypoints import load_detector
from training.pictures import draw, factors_from_z

SIZE = 64


@pytest.fixture(scope="module")
def cases():
    makers = {**hard_cases(), "flow": flow_cases}
    return {name: list(make(2, SIZE, 32, load_detector())) for name, make in makers.items()}


def ways(case):
    return (case.targets - case.handles).norm(dim=1)


def value(case, name):
    return float(factors_from_z(case.z)[0, NAMES.index(name)])


def test_the_truth_is_the_drawing_of_its_latent(cases):
    for found in cases.values():
        for case in found:
            drawing = draw(factors_from_z(case.z_after), SIZE).images
            torch.testing.assert_close(case.truth, drawing, atol=0.1, rtol=0.0)


def test_the_detector_finds_the_places_of_every_kind(cases):
    for found in cases.values():
        for case in found:
            off = (case.marks.found(case.truth) - case.targets).norm(dim=1)
            assert float(off.mean()) < 0.02


def test_coats_are_plain_or_striped(cases):
    assert all(value(case, "stripes") < 0.1 for case in cases["flat areas"])
    assert all(value(case, "stripes") > 0.9 for case in cases["stripes"])


@pytest.mark.parametrize("share", [0.05, 0.25, 0.40, 0.50])
def test_a_way_has_its_length(cases, share):
    for case in cases[f"{100 * share:.0f} % away"]:
        assert float(ways(case)) == pytest.approx(share, rel=0.1)


def test_an_eye_goes_to_where_the_other_was(cases):
    for case, other in zip(cases["look-alikes"], ("eye_right", "eye_left"), strict=True):
        places = draw(factors_from_z(case.z), SIZE).keypoints[0]
        fellow = places[["eye_left", "eye_right"].index(other) + 1]
        assert float((fellow - case.targets[0]).norm()) < 0.02


def test_a_mouth_opens_and_the_next_one_shuts(cases):
    down = [float((case.targets - case.handles)[0, 1]) for case in cases["occlusion"]]
    assert down[0] > 0.05 and down[1] < -0.05


def test_an_ear_is_at_the_border(cases):
    for case in cases["border"]:
        assert float(torch.cat([case.handles, case.targets])[:, 1].min()) < 0.1


def test_the_ground_falls_and_the_next_one_rises(cases):
    falls, rises = [case.targets - case.handles for case in cases["50 % away"]]
    torch.testing.assert_close(falls, torch.tensor([[0.0, 0.5]]), atol=0.01, rtol=0.0)
    torch.testing.assert_close(rises, torch.tensor([[0.0, -0.5]]), atol=0.01, rtol=0.0)


def test_all_places_are_in_the_picture(cases):
    for found in cases.values():
        for case in found:
            places = torch.cat([case.handles, case.targets])
            assert bool(((places > 0.0) & (places < 1.0)).all())


def test_pins_stay(cases):
    for case in cases["pins"]:
        assert float(ways(case)[0]) > 0.03
        assert ways(case)[1:].tolist() == [0.0] * PINS


def test_the_flow_moves_as_many_points_as_it_says(cases):
    for case in cases["flow"]:
        assert case.handles.shape == (FLOW_POINTS, 2)
        assert float(ways(case).mean()) > 0.02
