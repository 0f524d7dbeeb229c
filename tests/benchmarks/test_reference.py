"""The reference loop against the paper's equations, written pixel by pixel in float64."""

import math

import pytest
import torch

from benchmarks.fused_stylegan2 import FusedGenerator
from benchmarks.reference import (
    ReferenceDrag,
    ReferenceParams,
    motion_supervision_loss,
    pixels_at,
    track_points,
)
from tests.fakes.generator import seeded_weights

SIZE = 32
HANDLES = [(10.5, 12.5), (20.25, 17.75)]
TARGETS = [(16.0, 9.0), (20.25, 25.0)]
PARAMS = ReferenceParams(
    feature_block=16, dragged_rows=4, supervision_radius_px=2, tracking_radius_px=3
)


@pytest.fixture
def generator():
    weights = {name: tensor.double() for name, tensor in seeded_weights().items()}
    return FusedGenerator(weights)


@pytest.fixture
def w_plus():
    source = torch.Generator().manual_seed(2)
    return torch.randn(1, 8, 12, generator=source, dtype=torch.float64)


@pytest.fixture
def editable_mask():
    mask = torch.zeros(SIZE, SIZE, dtype=torch.float64)
    mask[4:28, 6:26] = 1.0
    return mask


# -- the equations, with the bilinear formula written out for one number at a time -----------------


def between(grid, x, y):
    """Bilinear value of grid (C, H, W) at a point in px; zero outside."""
    height, width = grid.shape[1:]
    column, row = math.floor(x - 0.5), math.floor(y - 0.5)
    value = torch.zeros_like(grid[:, 0, 0])
    for i, j in ((row, column), (row, column + 1), (row + 1, column), (row + 1, column + 1)):
        if 0 <= i < height and 0 <= j < width:
            share = (1 - abs(y - 0.5 - i)) * (1 - abs(x - 0.5 - j))
            value = value + share * grid[:, i, j]
    return value


def enlarged(grid, factor):
    """Bilinear enlargement of (C, H, W), pixel by pixel; the border's value goes on outside."""
    channels, height, width = grid.shape
    inside = lambda v, n: min(max(v, 0.5), n - 0.5)  # noqa: E731
    return torch.stack(
        [
            between(grid, inside((j + 0.5) / factor, width), inside((i + 0.5) / factor, height))
            for i in range(height * factor)
            for j in range(width * factor)
        ],
        dim=1,
    ).reshape(channels, height * factor, width * factor)


def equation_1(native, native_now, native_first, editable_mask, radius=2):
    """The loss for features `native`, with F(q) taken from `native_now`."""
    image, held, first = (enlarged(grid[0], 2) for grid in (native, native_now, native_first))
    loss = torch.zeros((), dtype=torch.float64)
    for (x, y), (target_x, target_y) in zip(HANDLES, TARGETS, strict=True):
        length = math.hypot(target_x - x, target_y - y)
        step_x, step_y = (target_x - x) / length, (target_y - y) / length
        differences = [
            (between(image, j + 0.5 + step_x, i + 0.5 + step_y) - held[:, i, j]).abs()
            for i in range(SIZE)
            for j in range(SIZE)
            if math.hypot(j + 0.5 - x, i + 0.5 - y) < radius
        ]
        loss = loss + torch.stack(differences).mean()
    if editable_mask is not None:
        loss = loss + 20.0 * ((image - first).abs() * (1.0 - editable_mask)).mean()
    return loss


def native_features(generator, dragged, kept):
    return generator.synthesis(torch.cat([dragged, kept], dim=1), feature_block=16).features


def expected_gradient(drag, first):
    dragged = drag.dragged.detach().clone().requires_grad_()
    native = native_features(drag.generator, dragged, drag.kept)
    loss = equation_1(native, native.detach(), first, drag.editable_mask)
    return loss.detach(), torch.autograd.grad(loss, dragged)[0]


@pytest.mark.parametrize("is_masked", [False, True])
def test_loss_and_gradient_are_those_of_the_equations(generator, w_plus, editable_mask, is_masked):
    mask = editable_mask if is_masked else None
    drag = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, mask, PARAMS)
    first = native_features(generator, drag.dragged, drag.kept).detach()
    with torch.no_grad():  # leave the place where the mask term is zero
        drag.dragged += 0.1 * torch.randn(
            drag.dragged.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64
        )
    drag.features = drag._features()
    expected_loss, expected = expected_gradient(drag, first)
    loss = drag.loss()
    (found,) = torch.autograd.grad(loss, drag.dragged)
    assert float(loss.detach()) == pytest.approx(float(expected_loss), rel=1e-10)
    assert float((found - expected).norm() / expected.norm()) < 1e-8


def test_the_gradient_is_the_slope_of_the_equations(generator, w_plus, editable_mask):
    drag = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, editable_mask, PARAMS)
    (gradient,) = torch.autograd.grad(drag.loss(), drag.dragged)
    source = torch.Generator().manual_seed(4)
    way = torch.randn(gradient.shape, generator=source, dtype=torch.float64)
    way[:] = way / way.norm() * 1e-6
    with torch.no_grad():
        now = native_features(generator, drag.dragged, drag.kept)
        # Not centred: the mask term has a kink at the start, so it is left out of this slope.
        ahead, behind = (
            equation_1(native_features(generator, moved, drag.kept), now, now, None)
            for moved in (drag.dragged + way, drag.dragged - way)
        )
    expected = float(ahead - behind) / 2.0
    assert float((gradient * way).sum()) == pytest.approx(expected, rel=1e-5)


def test_the_mask_term_is_zero_before_the_first_update(generator, w_plus, editable_mask):
    masked = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, editable_mask, PARAMS)
    free = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, None, PARAMS)
    assert torch.equal(masked.loss(), free.loss())


def test_the_mask_holds_what_it_protects(generator, w_plus, editable_mask):
    def leak(mask):
        drag = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, mask, PARAMS)
        for _ in range(10):
            drag.step()
        change = (drag.features - drag.first_features).detach().abs() * (1 - editable_mask)
        return float(change.mean())

    assert leak(editable_mask) < 0.7 * leak(None)


def test_only_the_dragged_rows_move(generator, w_plus):
    drag = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, None, PARAMS)
    drag.step()
    moved = (drag.w_plus - w_plus).detach().abs()[0].amax(dim=1)
    assert (moved[:4] > 0).all()
    assert not moved[4:].any()


def test_the_first_update_goes_the_learning_rate_against_the_gradient(generator, w_plus):
    drag = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, None, PARAMS)
    (gradient,) = torch.autograd.grad(drag.loss(), drag.dragged, retain_graph=True)
    drag.step()
    moved = (drag.dragged - w_plus[:, :4]).detach()
    torch.testing.assert_close(moved, -2e-3 * gradient.sign(), rtol=1e-3, atol=0.0)


def test_every_weight_below_the_features_takes_part_as_in_the_official_loop(generator, w_plus):
    drag = ReferenceDrag(generator, w_plus, HANDLES, TARGETS, None, PARAMS)
    drag.loss().backward()
    with_gradient = {name for name, weight in generator.weights.items() if weight.grad is not None}
    assert "synthesis.b16.conv1.weight" in with_gradient
    assert not any(name.startswith(("synthesis.b32", "mapping")) for name in with_gradient)


# -- known answers on a hill of features -----------------------------------------------------------


def hill(x, y):
    """Features (1, 3, 32, 32) of a hill about a point, and of the way across and down it."""
    centres = torch.arange(SIZE, dtype=torch.float64) + 0.5
    height = torch.exp(-((centres[None] - x).square() + (centres[:, None] - y).square()) / 18.0)
    across, down = (centres[None] - x) * height, (centres[:, None] - y) * height
    return torch.stack([height, across, down])[None]


@pytest.mark.parametrize("shift", [(0, 0), (3, 0), (-2, 3), (1, -3)])
def test_a_shifted_hill_is_tracked_exactly(shift):
    start = torch.tensor([[14.5, 16.5]], dtype=torch.float64)
    templates = pixels_at(hill(14.5, 16.5), start)
    moved = hill(14.5 + shift[0], 16.5 + shift[1])
    found = track_points(moved, templates, start, 3)
    assert torch.equal(found, start + torch.tensor([shift], dtype=torch.float64))


def test_tracking_looks_no_further_than_its_radius():
    start = torch.tensor([[14.5, 16.5]], dtype=torch.float64)
    templates = pixels_at(hill(14.5, 16.5), start)
    found = track_points(hill(20.5, 16.5), templates, start, 3)
    assert float((found - start).abs().max()) <= 3.0


def test_tracking_stays_in_the_picture():
    start = torch.tensor([[0.5, 31.5]], dtype=torch.float64)
    templates = pixels_at(hill(0.5, 31.5), start)
    assert torch.equal(track_points(hill(0.5, 31.5), templates, start, 3), start)


def test_supervision_is_least_where_the_hill_has_moved_on():
    handle = torch.tensor([[14.5, 16.5]], dtype=torch.float64)
    target = torch.tensor([[24.5, 16.5]], dtype=torch.float64)
    still = hill(14.5, 16.5).requires_grad_()
    (gradient,) = torch.autograd.grad(motion_supervision_loss(still, handle, target, 3), still)
    towards = (hill(15.5, 16.5) - hill(14.5, 16.5)) * gradient
    away = (hill(13.5, 16.5) - hill(14.5, 16.5)) * gradient
    assert float(towards.sum()) < 0.0 < float(away.sum())


def test_a_handle_at_its_target_is_left_alone():
    handle = torch.tensor([[14.5, 16.5]], dtype=torch.float64)
    features = hill(14.5, 16.5)
    assert float(motion_supervision_loss(features, handle, handle + 0.7, 3)) == 0.0
    assert float(motion_supervision_loss(features, handle, handle + 0.8, 3)) > 0.0


@pytest.mark.parametrize(("size", "radius", "pixels"), [(256, 2, 9), (512, 3, 25), (1024, 6, 109)])
def test_the_disc_has_as_many_pixels_as_the_official_one(size, radius, pixels):
    assert round(3 / 512 * size) == radius
    handle = torch.tensor([[8.5, 8.5]], dtype=torch.float64)
    ramp = torch.arange(16, dtype=torch.float64).repeat(1, 1, 16, 1).requires_grad_()
    target = handle + torch.tensor([[5.0, 0.0]], dtype=torch.float64)
    loss = motion_supervision_loss(ramp, handle, target, radius)
    (gradient,) = torch.autograd.grad(loss, ramp)
    # On a ramp every pixel of the disc pulls with the same force, 1 / pixels.
    assert float(gradient.max()) == pytest.approx(1.0 / pixels)
    assert float(gradient.sum()) == pytest.approx(1.0)


def test_nothing_moves_once_every_handle_is_there(generator, w_plus):
    drag = ReferenceDrag(generator, w_plus, [(10.5, 12.5)], [(11.0, 12.5)], None, PARAMS)
    step = drag.step()
    assert step.loss == 0.0 and step.has_arrived
    assert torch.equal(drag.w_plus, w_plus)


@pytest.mark.parametrize(("count", "distance", "expected"), [(1, 1.4, False), (6, 1.4, True)])
def test_arrival_is_the_papers(generator, w_plus, count, distance, expected):
    handles = [(10.5, 10.5)] * count
    targets = [(10.5 + distance, 10.5)] * count
    params = ReferenceParams(feature_block=16, dragged_rows=4, tracking_radius_px=0)
    step = ReferenceDrag(generator, w_plus, handles, targets, None, params).step()
    assert step.has_arrived is expected
    assert step.distances_px.tolist() == pytest.approx([distance] * count)


def test_a_drag_brings_the_handle_nearer(generator, w_plus):
    params = ReferenceParams(
        feature_block=16,
        dragged_rows=4,
        learning_rate=2e-2,
        supervision_radius_px=3,
        tracking_radius_px=3,
    )
    drag = ReferenceDrag(generator, w_plus, [(12.5, 16.5)], [(18.5, 16.5)], None, params)
    steps = [drag.step() for _ in range(40)]
    assert [step.step_index for step in steps] == list(range(40))
    assert min(float(step.distances_px) for step in steps) < 4.0
