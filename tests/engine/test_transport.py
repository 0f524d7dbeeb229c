"""The artist's detail carried along: identities that hold to rounding, and a known shift."""

import numpy as np
import pytest
import torch

from engine.composite import edit_layer, lay_over
from engine.flow import Flow
from engine.images import unit_tensor
from engine.transport import carried_edit

SIDE, SIZE = 96, 32
OPAQUE = torch.ones(1, 1, SIDE, SIDE)


def window(seed=0):
    """Fine noise, which no generator of 32 px can say: (1, 3, 96, 96)."""
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def smooth(seed=1):
    """A render: (1, 3, 32, 32)."""
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bilinear")


def flow(x=0.0, y=0.0, confidence=1.0):
    """The same offset everywhere, shares of the side."""
    offset = torch.tensor([x, y]).view(1, 2, 1, 1).expand(1, 2, SIZE, SIZE)
    return Flow(
        backward=offset, forward=-offset, confidence=torch.full((1, 1, SIZE, SIZE), confidence)
    )


def carried(picture, before, after, by, opacity=OPAQUE):
    return carried_edit(torch.cat([picture, opacity], dim=1), before, after, by)[:, :3]


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_without_a_change_the_picture_is_its_own(confidence):
    given = carried(window(), smooth(), smooth(), flow(confidence=confidence))
    torch.testing.assert_close(given, window(), rtol=0, atol=1e-5)


def test_where_nothing_moves_a_change_of_colour_is_added():
    before, after = torch.full((1, 3, SIZE, SIZE), 0.5), torch.full((1, 3, SIZE, SIZE), 0.51)
    picture = 0.4 + 0.2 * window()
    given = carried(picture, before, after, flow())
    torch.testing.assert_close(given, picture + 0.01, rtol=0, atol=3e-3)


def test_detail_moves_with_what_it_is_on():
    shift = 6.0 / SIZE  # 18 px of the window to the right
    before, after = smooth(), torch.roll(smooth(), 6, dims=3)
    given = carried(window(), before, after, flow(x=-shift))
    inside = slice(40, 90)
    moved = torch.roll(window(), 18, dims=3)
    torch.testing.assert_close(given[..., inside], moved[..., inside], rtol=0, atol=0.08)


def test_where_nothing_is_known_the_render_takes_the_tone_around_it():
    before = after = torch.full((1, 3, SIZE, SIZE), 0.4)
    unknown = flow(x=0.5)  # from far away, and nothing there is like it
    by = Flow(
        backward=unknown.backward,
        forward=unknown.forward,
        confidence=torch.zeros(1, 1, SIZE, SIZE),
    )
    by.confidence[..., :8] = 1.0
    picture = torch.full((1, 3, SIDE, SIDE), 0.5)  # all of it is lighter than the model says
    given = carried(picture, before, after, by)
    assert float(given[..., :20].mean()) == pytest.approx(0.5, abs=0.01)
    assert float(given[..., -30:].mean()) == pytest.approx(0.4, abs=0.01)


def test_what_hides_under_alpha_0_never_shows():
    opacity = OPAQUE.clone()
    opacity[..., :48] = 0.0
    red, grey = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1), torch.full((1, 3, SIZE, SIZE), 0.5)
    picture = torch.where(opacity > 0, torch.full((1, 3, SIDE, SIDE), 0.5), red)
    for by in (flow(), flow(x=-6.0 / SIZE), flow(x=6.0 / SIZE)):
        given = carried(picture, grey, grey, by, opacity)
        assert float((given - 0.5).abs().max()) < 1e-5


def test_colours_stay_in_their_range():
    given = carried(window(), smooth(2) * 2.0 - 0.5, smooth(3) * 2.0 - 0.5, flow(x=0.2))
    assert float(given.min()) >= 0.0 and float(given.max()) <= 1.0


def pixels(planes):
    rgb = (planes[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    return np.concatenate([rgb, np.full((SIDE, SIDE, 1), 255, np.uint8)], axis=2)


def test_an_edit_that_changes_nothing_is_no_layer():
    render = smooth() * 2.0 - 1.0
    assert not edit_layer(pixels(window()), render, render, None, flow()).any()


def test_the_layer_keeps_the_detail_that_a_paste_drops():
    before, after = smooth() * 2.0 - 1.0, torch.roll(smooth(), 6, dims=3) * 2.0 - 1.0
    picture, by = pixels(window()), flow(x=-6.0 / SIZE)
    truth = torch.roll(window(), 18, dims=3)[..., 40:90]

    def error(flow_):
        result = lay_over(picture, edit_layer(picture, before, after, None, flow_))
        return float((unit_tensor(result)[:, :3, :, 40:90] - truth).abs().mean())

    assert error(by) < 0.5 * error(None)
