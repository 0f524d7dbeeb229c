"""The discriminator: learns to tell two kinds apart, on the whole and place by place."""

import pytest
import torch

from training.discriminator import Discriminator
from training.losses import discriminator_loss


def judge():
    torch.manual_seed(0)
    return Discriminator({4: 8, 8: 8, 16: 8, 32: 8})


def test_it_judges_the_whole_and_each_place():
    told = judge()(torch.zeros(6, 3, 32, 32))
    assert told.picture.shape == (6, 1) and told.patches.shape == (6, 16, 16)


@torch.no_grad()
def test_a_patch_is_judged_by_what_is_near_it():
    images = torch.zeros(1, 3, 32, 32)
    changed = images.clone()
    changed[..., :2, :2] = 1.0
    difference = (judge()(changed).patches - judge()(images).patches).abs()
    assert float(difference[0, 0, 0]) > 0.0 and float(difference[0, 4:, 4:].max()) == 0.0


@pytest.mark.parametrize("count", [1, 4, 6])
def test_any_number_of_pictures_can_be_compared(count):
    assert judge()(torch.randn(count, 3, 32, 32)).picture.isfinite().all()


def test_it_learns_to_tell_stripes_from_grey():
    network = judge()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2, betas=(0.0, 0.99))
    real = torch.zeros(8, 3, 32, 32)
    real[..., ::2] = 0.5
    fake = torch.full_like(real, 0.25)
    losses = []
    for _ in range(60):
        loss = discriminator_loss(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]
    with torch.no_grad():
        assert network(real).patches.mean() > 1.0 > -1.0 > network(fake).patches.mean()
