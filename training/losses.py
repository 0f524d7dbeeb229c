"""What a painted picture is judged by: the drawing that it should be, and a discriminator."""

import torch
import torch.nn.functional as F
from torch import Tensor

from training.discriminator import Discriminator, Verdict


def regression_loss(image: Tensor, drawing: Tensor, attention: Tensor) -> Tensor:
    """Gives L1 + L1 of the gradients + L1 of 4x4 means, weighted towards the keypoints.

    Args:
        image: (N, 3, S, S), what the generator painted, in [0, 1].
        drawing: (N, 3, S, S), what it should have painted.
        attention: (N, 1, S, S), weights >= 1.
    """
    error = image - drawing
    pixel = (error.abs() * attention).mean()
    edges = (error.diff(dim=2).abs() * attention[:, :, 1:]).mean() + (
        error.diff(dim=3).abs() * attention[:, :, :, 1:]
    ).mean()
    return pixel + edges + F.avg_pool2d(error, 4).abs().mean()


def attention_to(keypoints: Tensor, size: int) -> Tensor:
    """Weights (N, 1, S, S): 1 plus a hill at each keypoint; mouth and eyes are few pixels.

    Args:
        keypoints: (N, K, 2), frame coordinates.
        size: S.
    """
    centres = (torch.arange(size, device=keypoints.device) + 0.5) / size
    x = (-((centres - keypoints[:, :, 0:1]) / 0.055).square()).exp()  # (N, K, S)
    y = (-((centres - keypoints[:, :, 1:2]) / 0.055).square()).exp()
    return 1.0 + 3.0 * torch.einsum("nky,nkx->nyx", y, x).clamp(max=1.0).unsqueeze(1)


def generator_loss(fake: Verdict) -> Tensor:
    """The non-saturating logistic loss (Goodfellow et al. 2014, section 3), for every logit."""
    return F.softplus(-fake.picture).mean() + F.softplus(-fake.patches).mean()


def discriminator_loss(real: Verdict, fake: Verdict) -> Tensor:
    """The logistic loss of the discriminator, for every logit."""
    whole = F.softplus(-real.picture).mean() + F.softplus(fake.picture).mean()
    return whole + F.softplus(-real.patches).mean() + F.softplus(fake.patches).mean()


def r1_penalty(discriminator: Discriminator, real: Tensor) -> Tensor:
    """The squared gradient of the verdict on real pictures (Mescheder et al. 2018, Eq. 9)."""
    real = real.detach().requires_grad_()
    verdict = discriminator(real)
    score = verdict.picture.sum() + verdict.patches.mean(dim=(1, 2)).sum()
    (gradient,) = torch.autograd.grad(score, real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
