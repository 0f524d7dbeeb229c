"""Places that are followed through a drag, and what is told of them."""

import pytest
import torch

from benchmarks.tracking import Followed, _rows, _still, tracked
from tests.fakes.generator import trained_model


@pytest.fixture(scope="module")
def model():
    return trained_model()


def latent(model, seed):
    w = model.generator.sample_w(1, seed=seed)
    return w[:, None].repeat(1, model.generator.num_ws, 1)


def test_where_nothing_moves_every_place_stays(model):
    places = torch.tensor([[5.0, 6.5], [9.25, 3.0]])
    found, _ = tracked(model, [latent(model, 3)] * 3, places)
    torch.testing.assert_close(found, places, atol=1e-4, rtol=0.0)


def test_in_another_picture_less_is_sure(model):
    places = torch.tensor([[5.0, 6.5], [9.25, 3.0]])
    same, other = (
        tracked(model, [latent(model, 3), latent(model, seed)], places)[1] for seed in (3, 4)
    )
    assert float(other.mean()) < float(same.mean())


def test_still_is_where_the_pictures_are_alike():
    before = torch.zeros(1, 3, 64, 64)
    after = before.clone()
    after[..., :32] = 0.5  # the left half
    places = _still(before, after, block=16)
    assert len(places) and float(places[:, 0].min()) > 8.0


def test_places_are_told_by_confidence_and_kind():
    places = [
        Followed(kind="keypoint", hint=0.9, confidence=0.05, strayed=2.0),
        Followed(kind="keypoint", hint=0.9, confidence=0.05, strayed=0.0),
        Followed(kind="still place", hint=0.3, confidence=1.0, strayed=0.1),
    ]
    low, high = _rows(places, "confidence", (0.0, 0.5, 1.0))
    assert low == ["0 to 0.5", "2", "1.00", "50 %", "0", "", ""]
    assert high == ["0.5 to 1", "0", "", "", "1", "0.10", "0 %"]
