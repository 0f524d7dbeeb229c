"""Losses: zero where they should be, steep where they should be."""

import math

import pytest
import torch

from training.discriminator import Discriminator, Verdict
from training.losses import (
    attention_to,
    discriminator_loss,
    generator_loss,
    r1_penalty,
    regression_loss,
)


def test_the_loss_of_the_drawing_itself_is_zero():
    drawing = torch.rand(2, 3, 8, 8)
    assert float(regression_loss(drawing, drawing, torch.ones(2, 1, 8, 8))) == 0.0


def test_attention_weighs_an_error_more():
    drawing, attention = torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    attention[..., 4, 4] = 4.0
    losses = []
    for place in ((4, 4), (1, 1)):
        image = drawing.clone()
        image[..., place[0], place[1]] = 1.0
        losses.append(float(regression_loss(image, drawing, attention)))
    assert losses[0] > 2.0 * losses[1]


def test_attention_is_highest_at_a_keypoint():
    weights = attention_to(torch.tensor([[[0.3125, 0.8125]]]), 8)
    assert weights.flatten().argmax() == 6 * 8 + 2
    assert float(weights.max()) == 4.0 and float(weights.min()) >= 1.0


def verdict(value):
    return Verdict(torch.full((2, 1), value), torch.full((2, 3, 3), value))


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_the_logistic_losses_are_those_of_the_paper(value):
    probability = 1.0 / (1.0 + math.exp(-value))
    fooled = float(generator_loss(verdict(value)))
    assert math.isclose(fooled, -2.0 * math.log(probability), rel_tol=1e-5)
    told = float(discriminator_loss(verdict(value), verdict(-value)))
    assert math.isclose(told, -4.0 * math.log(probability), rel_tol=1e-5)


def test_the_penalty_is_the_squared_gradient_at_the_pictures():
    torch.manual_seed(0)
    judge, real = Discriminator({4: 8, 8: 8, 16: 8}).double(), torch.randn(4, 3, 16, 16).double()
    step = 1e-5 * torch.randn(real.shape, generator=torch.Generator().manual_seed(1)).double()

    def score(images):
        told = judge(images)
        return told.picture.sum() + told.patches.mean(dim=(1, 2)).sum()

    leaf = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score(leaf), leaf)
    slope = score(real + step) - score(real - step)
    assert torch.isclose(slope, 2.0 * (gradient * step).sum(), rtol=1e-4)
    expected = gradient.square().sum() / 4
    assert torch.isclose(r1_penalty(judge, real), expected, rtol=1e-9)
