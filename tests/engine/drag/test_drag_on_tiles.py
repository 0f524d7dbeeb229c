"""The loop on a generator that computes no more than the loop reads."""

import dataclasses
import itertools

import pytest
import torch

from engine.drag.loop import Drag, DragSpace
from engine.drag.params import DragParams
from engine.generator.generator import Generator, GeneratorShape
from engine.generator.local_features import LocalFeatures
from tests.fakes.generator import seeded_weights

BLOCK = 64
SPACE = DragSpace(block=BLOCK, rows=4, axes=torch.eye(12, dtype=torch.float64))
HANDLES = torch.tensor([[20.3, 30.1], [22.0, 33.0], [50.0, 0.2]], dtype=torch.float64)
SHAPE = GeneratorShape(
    z_dim=8, w_dim=12, mapping_depth=2, channels={4: 16, 8: 16, 16: 12, 32: 8, 64: 8}
)


class WholeMaps(Generator):
    """Computes whole maps only, as the paper's loop does."""

    def features_around(self, rows, block, centres, reach, held=None):
        return self.features(rows, block, held)


class Watched(Generator):
    """Keeps all that it gave."""

    def features_around(self, *args, **kwargs):
        self.given = [*getattr(self, "given", []), super().features_around(*args, **kwargs)]
        return self.given[-1]


def begin(kind, mask=None, **params):
    generator = kind.from_weights(seeded_weights(SHAPE)).double()
    source = torch.Generator().manual_seed(5)
    w_plus = torch.randn(1, generator.num_ws, 12, generator=source, dtype=torch.float64)
    drag = Drag(
        generator,
        w_plus,
        HANDLES,
        HANDLES + 5.0,
        space=SPACE,
        held=SPACE.holding(w_plus, mask),
        params=dataclasses.replace(DragParams(), **params),
    )
    return generator, drag


def half_a_mask():
    mask = torch.zeros(1, 1, BLOCK, BLOCK, dtype=torch.float64)
    mask[..., : BLOCK // 2] = 1.0
    return mask


@pytest.mark.parametrize("mask", [None, half_a_mask()], ids=["free", "masked"])
def test_the_way_is_that_on_whole_maps(mask):
    generator, on_tiles = begin(Watched, mask)
    _, on_whole_maps = begin(WholeMaps, mask)
    for found, expected in itertools.islice(zip(on_tiles, on_whole_maps, strict=True), 8):
        torch.testing.assert_close(found.handles, expected.handles)
        torch.testing.assert_close(found.w_plus, expected.w_plus, rtol=1e-9, atol=1e-9)
    assert isinstance(generator.given[-1], LocalFeatures)
    assert not torch.equal(found.handles, HANDLES)


def test_however_far_handles_jump_they_are_known_there():
    _, drag = begin(Generator, longest_step=20.0, step_budget=25, stall_steps=25)
    steps = list(drag)
    jumps = [(b.handles - a.handles).abs().max() for a, b in itertools.pairwise(steps)]
    reach = DragParams().tracking_radius
    assert reach <= max(jumps) <= reach + DragParams().sample_spacing + 1e-9


def test_points_that_change_are_known_where_they_are():
    _, drag = begin(Generator)
    next(drag)
    far = torch.tensor([[5.0, 60.0]], dtype=torch.float64)
    handles = torch.cat([HANDLES, far])
    drag.set_points(handles, handles + 3.0, [0, 1, 2, None])
    assert next(drag).handles.shape == (4, 2)


def test_what_is_outside_the_mask_stays_to_the_bit():
    generator, drag = begin(Generator, half_a_mask(), step_budget=12)
    steps = list(drag)
    held = SPACE.holding(steps[0].w_plus, half_a_mask())
    before, after = (generator.render(s.w_plus.unbind(1), held) for s in (steps[0], steps[-1]))
    assert torch.equal(before[..., BLOCK // 2 :], after[..., BLOCK // 2 :])
    assert not torch.allclose(before, after)


def test_pins_are_held_on_tiles_as_on_whole_maps():
    drags = [begin(kind)[1] for kind in (Generator, WholeMaps)]
    for drag in drags:
        next(drag)
        drag.set_points(HANDLES, HANDLES + torch.tensor([[5.0], [0.0], [0.0]]), [0, 1, 2])
    for found, expected in itertools.islice(zip(*drags, strict=True), 8):
        torch.testing.assert_close(found.handles, expected.handles)


def test_a_pin_that_strayed_out_of_reach_is_pulled_back_all_the_same():
    _, drag = begin(Generator)
    next(drag)
    far = HANDLES + torch.tensor([[9.0], [-4.0], [3.2]])
    drag.set_points(far, far, [0, 1, 2])
    before, after = next(drag), next(drag)
    assert not torch.equal(after.w_plus, before.w_plus)
