import pytest
import torch

from engine.inversion.losses import picture_distance

ALL = torch.ones(1, 1, 16, 16)


def test_a_picture_is_no_distance_from_itself():
    picture = torch.randn(1, 3, 16, 16)
    assert picture_distance(picture, picture, ALL).tolist() == [0.0]


def test_a_flat_difference_counts_once_a_scale():
    picture = torch.zeros(1, 3, 16, 16)
    found = picture_distance(picture + 0.3, picture, ALL)
    assert float(found) == pytest.approx(0.3, rel=1e-5)


def test_each_picture_of_a_batch_is_judged_for_itself():
    picture, renders = torch.randn(1, 3, 16, 16), torch.randn(3, 3, 16, 16)
    together = picture_distance(renders, picture, ALL)
    alone = [picture_distance(render[None], picture, ALL) for render in renders]
    torch.testing.assert_close(together, torch.cat(alone))


def test_what_the_picture_does_not_show_counts_for_nothing():
    picture, weight = torch.randn(1, 3, 16, 16), ALL.clone()
    weight[..., 8:] = 0.0
    render = picture.clone()
    render[..., 8:] = 9.0
    assert picture_distance(render, picture, weight).tolist() == [0.0]


def test_the_distance_does_not_depend_on_how_much_is_shown():
    picture, weight = torch.zeros(1, 3, 16, 16), ALL.clone()
    weight[..., 8:] = 0.0
    few, all_ = (picture_distance(picture + 0.3, picture, w, scales=1) for w in (weight, ALL))
    assert float(few) == pytest.approx(float(all_), rel=0.15)  # the cut's own edge adds a little


def test_it_pulls_towards_the_picture():
    picture = torch.randn(1, 3, 16, 16)
    render = (picture + 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(picture_distance(render, picture, ALL).sum(), render)
    assert float(gradient.sum()) > 0.0
    assert picture_distance(picture + 0.2, picture, ALL) < picture_distance(render, picture, ALL)
