"""How the handles move with w, and the step of w that moves them towards their targets.

Pan et al. 2023, Eq. 1, pulls a handle by the gradient of a loss: the features of a disc around it,
one small way ahead, shall become what they are here. Where a handle is, p, is a function of w,
though: the place whose disc of features is nearest to the handle's own. So its derivative is known,
and with it the step of w that moves each handle by a given way (Gauss-Newton).
"""

import torch
from torch import Tensor

from engine.drag.disc_shift import shift_of_change
from engine.drag.price import Price
from engine.generator.local_features import FeatureMap, sample_features
from engine.generator.local_jacobian import products_with_jacobian

_LEAST_WEIGHT = 0.05  # of a handle that was not found
_BLUNT = 1e-3  # share of the handles' mean motion under which a direction counts as moving none
_TINY = 1e-12


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
    return products_with_jacobian(features, now, seen, offset).flatten(0, 1)


def step_towards(
    motion: Tensor,
    ways: Tensor,
    confidences: Tensor,
    slope: Tensor,
    price: Price,
    *,
    damping: float,
    longest: float,
) -> Tensor:
    """Gives the step of u that moves the handles by given ways, and of all that do the cheapest.

    It is the sum of two. The first minimises |J du - b|^2 + l du^T S du: J the motion, b the ways,
    S the curvature of the price. The second goes down the price by Newton's step, as far as no
    handle moves by it (the null space of J: Liegeois 1977).

    Args:
        motion: (2K, U), of `handle_motion`.
        ways: (K, 2), feature px.
        confidences: (K,), in [0, 1]; a handle that was hardly found counts less.
        slope: (U,), of the price, at the present u.
        price: of a change of the picture.
        damping: l, as a share of the mean square of the motion.
        longest: longest step, in standard deviations.

    Returns:
        (U,).
    """
    weights = confidences.clamp(min=_LEAST_WEIGHT).repeat_interleave(2)  # (2K,)
    motion = motion * weights[:, None]
    ways = ways.flatten() * weights  # (2K,)
    eased = price.eased(motion)  # (2K, U), J S^-1
    moved = eased @ motion.T  # (2K, 2K), J S^-1 J^T
    one = torch.eye(len(ways)).to(motion)
    damped = damping * motion.square().sum(dim=1).mean() + _TINY
    towards = eased.T @ torch.linalg.solve(moved + damped * one, ways)
    downwards = price.eased(slope[None])[0]  # (U,), S^-1 slope
    blunt = _BLUNT * moved.diagonal().mean() + _TINY
    moves_handles = eased.T @ torch.linalg.solve(moved + blunt * one, motion @ downwards)
    step: Tensor = towards - (downwards - moves_handles)
    return step.mul(longest / float(step.norm().clamp(min=longest)))
