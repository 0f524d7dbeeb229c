"""How the handles move with w, and the step of w that moves them towards their targets.

Pan et al. 2023, Eq. 1, pulls a handle by the gradient of a loss: the features of a disc around it,
one small way ahead, shall become what they are here. Where a handle is, p, is a function of w,
though: the place whose disc of features is nearest to the handle's own. So its derivative is known,
and with it the step of w that moves each handle by a given way (Gauss-Newton).
"""

import torch
from torch import Tensor

from engine.drag.disc_shift import shift_of_change
from engine.drag.protection import Protection
from engine.generator.local_features import FeatureMap, sample_features

_LEAST_WEIGHT = 0.05  # of a handle that was not found


def handle_motion(features: FeatureMap, handles: Tensor, disc: Tensor, offset: Tensor) -> Tensor:
    """Gives how the handles move with an offset of w.

    p minimises sum_q |F(p + q; u) - f(q)|^2 over the disc. With A the slopes of F there, p moves by
    dp/du = -(A^T A)^-1 A^T dF/du, the second derivatives of F left out. Its rows are products of
    vectors with the Jacobian of F, two for each handle.

    Args:
        features: (1, C, Hf, Wf), or those around the handles; functions of `offset`.
        handles: (K, 2), where the handles are now, feature px.
        disc: (M, 2), offsets of the disc's samples, feature px.
        offset: the leaf u, any shape.

    Returns:
        (2K, U), feature px for 1 of u: x and y of the first handle, of the second, ...
    """
    places = handles[:, None] + disc  # (K, M, 2)
    seen = -shift_of_change(features.detach(), places)  # (K, 2, M * C)
    now = sample_features(features, places).flatten(1)  # (K, M * C)
    count = len(handles)
    vectors = now.new_zeros(count, 2, *now.shape)  # (K, 2, K, M * C)
    each = torch.arange(count, device=now.device)
    vectors[each, :, each] = seen
    (motion,) = torch.autograd.grad(
        now, offset, vectors.flatten(0, 1), retain_graph=True, is_grads_batched=True
    )
    return motion.flatten(1)  # (2K, U)


def step_towards(
    motion: Tensor,
    ways: Tensor,
    confidences: Tensor,
    offset: Tensor,
    protection: Protection,
    *,
    damping: float,
    longest: float,
) -> Tensor:
    """Gives the step of u that moves the handles by given ways and all else as little as may be.

    It minimises |J du - b|^2 + l (|du|^2 + (u + du)^T M (u + du)): J the motion, b the ways, M what
    `protection` says that a change of u costs. u is in standard deviations of w, so of all steps
    that move the handles so this is the one among the likeliest pictures.

    Args:
        motion: (2K, U), of `handle_motion`.
        ways: (K, 2), feature px.
        confidences: (K,), in [0, 1]; a handle that was hardly found counts less.
        offset: (U,), the present u.
        protection: of what shall stay.
        damping: l, as a share of the mean square of the motion.
        longest: longest step, in standard deviations.

    Returns:
        (U,).
    """
    weights = confidences.clamp(min=_LEAST_WEIGHT).repeat_interleave(2)  # (2K,)
    motion = motion * weights[:, None]
    ways = ways.flatten() * weights  # (2K,)
    damped = damping * motion.square().sum(dim=1).mean() + 1e-12
    # With S = 1 + M and c = u - S^-1 u, what is minimised is |J (du + c) - (b + J c)|^2 +
    # l (du + c)^T S (du + c): a plain damped problem for du + c.
    eased = protection.eased(motion)  # (2K, U), J S^-1
    back = offset - protection.eased(offset[None])[0]  # (U,), c
    system = eased @ motion.T + damped * torch.eye(len(ways)).to(motion)
    step: Tensor = eased.T @ torch.linalg.solve(system, ways + motion @ back) - back
    return step.mul(longest / float(step.norm().clamp(min=longest)))
