"""Places whose trackability is known: a blob's slope, a flat area, an edge, one of many dots."""

import pytest
import torch

from engine.drag.handle_hint import REACH, TRACKABLE, place_hint, trackability
from engine.drag.params import DragParams
from tests.fakes.blobs import blob

PARAMS = DragParams()
CENTRE = torch.tensor([8.0, 8.0])
FLAT = torch.full((1, 3, 16, 16), 0.7)


def edge():
    """Left of x = 8 one colour, right of it another."""
    columns = torch.sigmoid(2.0 * (torch.arange(16) + 0.5 - 8.0))
    return columns.expand(1, 3, 16, 16)


def confidence(features, place=CENTRE):
    return float(trackability(features, place[None], PARAMS)[0])


def test_a_blob_can_be_followed():
    assert confidence(blob(CENTRE[None])) > 0.8


def test_a_flat_area_cannot_be_followed():
    assert confidence(FLAT) == 0.0
    assert confidence(torch.zeros(1, 3, 16, 16)) == 0.0


def test_hardly_a_texture_is_hardly_a_help():
    texture = 1e-3 * torch.randn(FLAT.shape, generator=torch.Generator().manual_seed(1))
    assert confidence(FLAT + texture) < 0.1


def test_along_an_edge_one_place_is_like_the_next():
    assert confidence(edge()) < 0.01


def test_of_two_that_look_alike_neither_can_be_told():
    near, far = torch.tensor([[6.5, 8.5]]), torch.tensor([[9.5, 8.5]])
    narrow = [blob(place)[:, :1].pow(9.0).expand(-1, 3, -1, -1) for place in (near, far)]
    alone, twins = narrow[0], narrow[0] + narrow[1]
    assert confidence(alone, near[0]) > 0.8
    assert confidence(twins, near[0]) < 0.05


def test_the_scale_of_the_features_does_not_matter():
    features = blob(CENTRE[None])
    assert confidence(1e3 * features) == pytest.approx(confidence(features), rel=1e-4)


def test_a_blob_near_a_flat_place_is_hinted_at():
    features = 0.7 + blob(torch.tensor([[9.5, 7.0]]))
    far = torch.tensor([2.0, 14.0])
    place = torch.tensor([7.5, 8.5])
    hint = place_hint(features, place, PARAMS)
    assert hint.best_confidence > hint.confidence
    assert (hint.best_place - place).abs().max() <= REACH
    way = torch.tensor([9.5, 7.0])
    assert (hint.best_place - way).norm() < (place - way).norm()
    assert place_hint(features, far, PARAMS).confidence < TRACKABLE


def test_where_nothing_is_better_the_place_itself_is_the_best():
    hint = place_hint(FLAT, CENTRE, PARAMS)
    assert torch.equal(hint.best_place, CENTRE) and hint.best_confidence == 0.0


def test_no_place_outside_the_map_is_hinted_at():
    for corner in ([0.0, 0.0], [16.0, 16.0], [0.0, 16.0]):
        features = blob(torch.tensor([corner]))
        place = torch.tensor(corner)
        best = place_hint(features, place.clamp(0.3, 15.7), PARAMS).best_place
        assert ((best >= 0.0) & (best <= 16.0)).all()
