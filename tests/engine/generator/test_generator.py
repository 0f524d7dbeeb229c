"""The engine's generator against the plain fused form, in float64."""

import math

import pytest
import torch

from benchmarks.fused_stylegan2 import FusedGenerator
from engine.errors import CheckpointError
from engine.generator.generator import Generator, GeneratorShape
from tests.fakes.generator import TINY_SHAPE, seeded_weights

DRAGGED = 4
NUM_WS = 2 * len(TINY_SHAPE.channels)


@pytest.fixture
def weights():
    return {name: tensor.double() for name, tensor in seeded_weights().items()}


@pytest.fixture
def generator(weights):
    # from_weights stores float32; every float32 number is a float64 number, so nothing is lost.
    return Generator.from_weights(weights).double()


@pytest.fixture
def fused(weights):
    return FusedGenerator(weights)


@pytest.fixture
def w_plus():
    source = torch.Generator().manual_seed(7)
    return torch.randn(2, NUM_WS, TINY_SHAPE.w_dim, generator=source, dtype=torch.float64)


def relative_error(found, expected) -> float:
    return float((found - expected).detach().norm() / expected.detach().norm())


def rows_of(w_plus):
    return list(w_plus.unbind(dim=1))


def test_the_picture_is_that_of_the_fused_form(generator, fused, w_plus):
    expected = fused.synthesis(w_plus, feature_block=16).image
    assert relative_error(generator.render(rows_of(w_plus)), expected) < 1e-12


@pytest.mark.parametrize("block", [4, 8, 16, 32])
def test_features_are_those_of_the_fused_form(generator, fused, w_plus, block):
    expected = fused.synthesis(w_plus, feature_block=block).features
    assert expected.shape[2:] == (block, block)
    assert relative_error(generator.features(rows_of(w_plus), block), expected) < 1e-12


def test_noise_takes_part(weights, generator, w_plus):
    silent = {n: t * 0 if n.endswith("noise_strength") else t for n, t in weights.items()}
    without = Generator.from_weights(silent).double().render(rows_of(w_plus))
    assert relative_error(without, generator.render(rows_of(w_plus))) > 1e-3


@pytest.mark.parametrize("block", [8, 16, 32])
def test_the_gradient_of_the_dragged_rows_is_that_of_the_fused_form(
    generator, fused, w_plus, block
):
    source = torch.Generator().manual_seed(8)
    dragged = w_plus[:, :DRAGGED].clone().requires_grad_()
    joined = torch.cat([dragged, w_plus[:, DRAGGED:]], dim=1)
    features = fused.synthesis(joined, feature_block=block).features
    direction = torch.randn(features.shape, generator=source, dtype=torch.float64)
    (expected,) = torch.autograd.grad((features * direction).sum(), dragged)

    rows = rows_of(w_plus)
    leaves = [row.clone().requires_grad_() for row in rows[:DRAGGED]]
    (generator.features(leaves + rows[DRAGGED:], block) * direction).sum().backward()
    reached = min(DRAGGED, generator.rows_until(block))
    found = torch.stack([leaf.grad for leaf in leaves[:reached]], dim=1)
    assert relative_error(found, expected[:, :reached]) < 1e-5
    assert not expected[:, reached:].any()


def test_the_gradient_of_the_picture_is_that_of_the_fused_form(generator, fused, w_plus):
    whole = w_plus.clone().requires_grad_()
    image = fused.synthesis(whole, feature_block=32).image
    (expected,) = torch.autograd.grad(image.square().sum(), whole)
    leaves = [row.clone().requires_grad_() for row in rows_of(w_plus)]
    generator.render(leaves).square().sum().backward()
    assert relative_error(torch.stack([leaf.grad for leaf in leaves], dim=1), expected) < 1e-5


def test_rows_that_are_not_dragged_are_constants(generator, w_plus):
    rows = rows_of(w_plus)
    dragged = rows[0].clone().requires_grad_()
    generator.features([dragged, *rows[1:]], 16).sum().backward()
    assert dragged.grad is not None
    assert all(row.grad is None and not row.requires_grad for row in rows[1:])
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_layers_before_the_first_dragged_row_are_no_part_of_the_graph(generator, w_plus):
    rows = rows_of(w_plus)
    assert not generator.features(rows, 16).requires_grad
    assert not generator.features(rows[:3], 8).requires_grad


@pytest.mark.parametrize(("block", "count"), [(4, 1), (8, 3), (16, 5), (32, 7)])
def test_features_need_only_the_rows_that_reach_them(generator, w_plus, block, count):
    rows = rows_of(w_plus)
    assert generator.rows_until(block) == count
    prefix = generator.features(rows[:count], block)
    assert torch.equal(prefix, generator.synthesis.until(rows, block)[0])


def test_features_of_the_last_block_are_computed_without_rgb(generator, w_plus):
    rows = rows_of(w_plus)
    assert torch.equal(generator.features(rows[:-1], 32), generator.synthesis.until(rows, 32)[0])


def _tune(generator):
    generator.requires_grad_(True)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter *= 2.0
    generator.requires_grad_(False)


CHANGES = {
    "in place": lambda generator: [p.mul_(2.0) for p in generator.parameters()],
    "tuned": _tune,
    "replaced": lambda generator: [setattr(p, "data", 2.0 * p) for p in generator.parameters()],
    "loaded": lambda generator: generator.load_state_dict(
        {name: 2.0 * tensor for name, tensor in generator.state_dict().items()}
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_frozen_weight_that_is_changed_counts_at_once(generator, w_plus, change):
    rows = rows_of(w_plus)
    before = generator.render(rows)  # makes the weights ready
    change(generator)
    found = generator.render(rows)
    weights = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    anew = Generator(TINY_SHAPE).double()
    anew.load_state_dict(weights)
    assert relative_error(found, anew.render(rows)) < 1e-12
    assert relative_error(found, before) > 0.1


def test_weights_that_are_tuned_get_their_gradient(generator, fused, w_plus):
    generator.requires_grad_(True)
    generator.render(rows_of(w_plus)).square().sum().backward()
    weight = fused.weights["synthesis.b16.conv0.weight"].requires_grad_()
    (expected,) = torch.autograd.grad(
        fused.synthesis(w_plus, feature_block=32).image.square().sum(), weight
    )
    assert relative_error(generator.synthesis.block(16).conv0.weight.grad, expected) < 1e-5


@pytest.mark.parametrize("psi", [1.0, 0.7, 0.0])
def test_the_mapping_is_that_of_the_fused_form(generator, fused, psi):
    z = torch.randn(5, 8, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    expected = fused.mapping(z, truncation_psi=psi)
    found = generator.mapping(z, truncation_psi=psi)
    assert relative_error(found, expected) < 1e-12


def test_full_truncation_gives_the_average_w(generator):
    z = torch.randn(2, 8, dtype=torch.float64)
    found = generator.mapping(z, truncation_psi=0.0)
    torch.testing.assert_close(found, generator.w_avg.expand(2, -1))


def test_samples_are_the_same_for_the_same_seed():
    generator = Generator.from_weights(seeded_weights())
    assert torch.equal(generator.sample_w(3, seed=4), generator.sample_w(3, seed=4))
    assert not torch.equal(generator.sample_w(3, seed=4), generator.sample_w(3, seed=5))
    assert generator.sample_w(3, seed=4).shape == (3, 12)


@pytest.mark.parametrize("resolution", [32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize(("base", "w_dim", "depth"), [(16384, 512, 2), (32768, 256, 8)])
def test_sizes_are_read_off_the_weights(resolution, base, w_dim, depth):
    shape = GeneratorShape(
        z_dim=64,
        w_dim=w_dim,
        mapping_depth=depth,
        channels={
            4 << i: min(512, base // (4 << i)) for i in range(int(math.log2(resolution)) - 1)
        },
    )
    with torch.device("meta"):
        generator = Generator(shape)
    assert GeneratorShape.of_weights(generator.state_dict()) == shape
    assert (generator.resolution, generator.w_dim) == (resolution, w_dim)
    assert generator.num_ws == 2 * (resolution.bit_length() - 2)
    with torch.device("meta"):
        rows = [torch.empty(1, w_dim)] * generator.num_ws
    assert generator.render(rows).shape == (1, 3, resolution, resolution)
    assert generator.features(rows, 32).shape == (1, 512, 32, 32)


def test_half_weights_become_float32(weights):
    halves = {name: tensor.half() for name, tensor in weights.items()}
    generator = Generator.from_weights(halves)
    assert {tensor.dtype for tensor in generator.state_dict().values()} == {torch.float32}


def test_resample_filters_of_a_checkpoint_are_ignored(weights):
    weights["synthesis.b8.conv0.resample_filter"] = torch.ones(4, 4)
    assert Generator.from_weights(weights).resolution == 32


def test_an_unknown_block_is_the_callers_mistake(generator, w_plus):
    with pytest.raises(ValueError, match="there is no block 12"):
        generator.features(rows_of(w_plus), 12)


WRONG = {
    "nothing": lambda weights: weights.clear(),
    "a missing weight": lambda weights: weights.pop("synthesis.b8.conv0.bias"),
    "a missing mapping": lambda weights: weights.pop("mapping.fc0.weight"),
    "a missing mapping layer": lambda weights: weights.pop("mapping.fc1.weight"),
    "a missing block": lambda weights: weights.pop("synthesis.b8.conv1.weight"),
    "an unknown weight": lambda weights: weights.update(other=torch.ones(1)),
    "a wrong shape": lambda weights: weights.update({"synthesis.b8.conv0.bias": torch.ones(3)}),
    "a mapping of one axis": lambda weights: weights.update({"mapping.fc0.weight": torch.ones(12)}),
}


@pytest.mark.parametrize("damage", WRONG.values(), ids=WRONG.keys())
def test_wrong_weights_are_one_sentence(weights, damage):
    damage(weights)
    with pytest.raises(CheckpointError) as caught:
        Generator.from_weights(weights)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("the weights")
