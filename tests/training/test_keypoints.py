"""The detector that judges in tests and benchmarks, judged on fresh drawings."""

import pytest
import torch

from training.keypoints import KeypointDetector, errors, find_keypoints, load_detector, roughen
from training.pictures import KEYPOINTS, draw, factors_from_z


@pytest.fixture(scope="module")
def detector():
    return load_detector()


def drawings(count=24, size=64, seed=1234):
    source = torch.Generator().manual_seed(seed)
    return draw(factors_from_z(torch.randn(count, 32, generator=source)), size)


def test_every_keypoint_is_found_within_two_hundredths(detector):
    found = errors(detector, 96, seed=4321)
    worst = dict(zip(KEYPOINTS, found.tolist(), strict=True))
    assert all(error < 0.02 for error in worst.values()), worst


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_pictures_of_any_size_are_read(detector, size):
    drawing = drawings(size=size)
    found = find_keypoints(detector, drawing.images)
    assert found.shape == drawing.keypoints.shape
    assert float((found - drawing.keypoints).norm(dim=2).mean()) < (0.02 if size >= 64 else 0.04)


def test_rough_pictures_are_read_too(detector):
    drawing = drawings()
    rough = roughen(drawing.images, torch.Generator().manual_seed(5))
    assert not torch.equal(rough, drawing.images)
    found = find_keypoints(detector, rough)
    assert float((found - drawing.keypoints).norm(dim=2).mean()) < 0.02


def test_the_detector_is_frozen(detector):
    assert not any(weight.requires_grad for weight in detector.parameters())
    assert not find_keypoints(detector, torch.rand(1, 3, 64, 64)).requires_grad


def test_an_untrained_detector_says_the_middle():
    places = find_keypoints(KeypointDetector(8), torch.full((2, 3, 64, 64), 0.5))
    assert places.shape == (2, len(KEYPOINTS), 2)
    assert float((places - 0.5).abs().max()) < 0.2
