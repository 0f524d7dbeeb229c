"""How far a disc of features lies from where other features are: the least squares behind both the
tracking between the grid's places and the motion of the handles."""

import torch
from torch import Tensor

from engine.drag.params import SLOPE_PX
from engine.generator.local_features import FeatureMap, sample_features

_DAMPED = 1e-3  # share of the slopes' square that keeps a flat place from moving without end


def shift_of_change(features: FeatureMap, places: Tensor) -> Tensor:
    """Gives the shift that changes the features at some places most nearly so.

    With A the slopes of F at the places, F(p + s) - F(p) is nearest to e for s = (A^T A)^-1 A^T e
    (Lucas and Kanade 1981).

    Args:
        features: (1, C, Hf, Wf), or those around the handles; without a gradient.
        places: (K, M, 2), the discs' samples, feature px.

    Returns:
        (K, 2, M * C): from a change of the features, in the order of `sample_features`, to feature
        px.
    """
    along = SLOPE_PX * torch.eye(2).to(places)
    ahead, behind = (
        torch.stack([sample_features(features, places + sign * way) for way in along], dim=-1)
        for sign in (1.0, -1.0)
    )
    slopes = ((ahead - behind) / (2.0 * SLOPE_PX)).flatten(1, 2)  # (K, M * C, 2)
    squares = slopes.mT @ slopes  # (K, 2, 2)
    # A flat place has no slope: the least of numbers keeps the division from failing.
    damped = _DAMPED * squares.diagonal(dim1=1, dim2=2).mean(dim=1) + 1e-12  # (K,)
    squares = squares + damped[:, None, None] * torch.eye(2).to(squares)
    shift: Tensor = torch.linalg.solve(squares, slopes.mT)
    return shift
