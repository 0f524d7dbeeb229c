"""Finding the handle points again after a step, and how sure that is.

Pan et al. 2023, Eq. 2: the place near the last known one whose feature is nearest, in L1, to the
feature that the handle had in the first picture. That is a place of a grid; between its places the
disc around the handle tells (Lucas and Kanade 1981).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from engine.drag.disc_shift import shift_of_change
from engine.generator.local_features import FeatureMap, sample_features


class Tracked(NamedTuple):
    """Where handles were found.

    Attributes:
        handles: (K, 2), feature px, inside the map.
        confidences: (K,), in [0, 1]; `confidence` says what it means.
    """

    handles: Tensor
    confidences: Tensor


def track_points(
    features: FeatureMap,
    handles: Tensor,
    templates: Tensor,
    candidates: Tensor,
    *,
    rival_distance: float,
) -> Tracked:
    """Gives where the handles are in a new feature map, and how sure that is.

    Args:
        features: (1, C, Hf, Wf), or those around the handles.
        handles: (K, 2), where they were, feature px.
        templates: (K, C), their features in the picture in which they were set.
        candidates: (M, 2), offsets to look at, feature px.
        rival_distance: a place farther than this from the one found is another one, feature px.
    """
    size = torch.tensor([features.shape[3], features.shape[2]], device=features.device)
    places = handles[:, None] + candidates  # (K, M, 2)
    distance = (sample_features(features, places) - templates[:, None]).abs().sum(dim=2)  # (K, M)
    outside = ((places < 0) | (places > size)).any(dim=2)
    distance = distance.masked_fill(outside, torch.inf)
    nearest = distance.argmin(dim=1)  # (K,)
    found = places[torch.arange(len(handles), device=features.device), nearest]  # (K, 2)
    is_rival = (places - found[:, None]).norm(dim=2) > rival_distance  # (K, M)
    rival = distance.masked_fill(~is_rival, torch.inf).amin(dim=1)
    return Tracked(found, confidence(distance.amin(dim=1), rival, templates))


def refine_points(
    features: FeatureMap, handles: Tensor, discs: Tensor, disc: Tensor, *, reach: float
) -> Tensor:
    """Gives the places near the handles around which the features are most like the handles' own.

    Args:
        features: (1, C, Hf, Wf), or those around the handles; without a gradient.
        handles: (K, 2), where the grid has found them, feature px.
        discs: (K, M, C), the features around the handles in the picture in which they were set.
        disc: (M, 2), offsets of the disc's samples, feature px.
        reach: how far a place may move along either axis, feature px.

    Returns:
        (K, 2), inside the map.
    """
    size = torch.tensor([features.shape[3], features.shape[2]], device=features.device)
    places = handles
    for _ in range(_REFINEMENTS):
        around = places[:, None] + disc  # (K, M, 2)
        missing = (discs - sample_features(features, around)).flatten(1)  # (K, M * C)
        shift = (shift_of_change(features, around) @ missing[:, :, None])[:, :, 0]  # (K, 2)
        places = handles + (places + shift - handles).clamp(-reach, reach)
    return torch.minimum(places.clamp(min=0.0), size.to(places))


def confidence(distance: Tensor, rival: Tensor, templates: Tensor) -> Tensor:
    """Gives how sure it is that a handle is where it was found.

    (rival - distance) / (rival + noise): 1 where the feature found is the template and no other
    place near has a like one; 0 where another place fits as well, as on a flat area or along an
    edge. The noise is the share of a feature by which a drag changes it even where all is well.

    Args:
        distance: (K,), L1 distance of the feature found to the template.
        rival: (K,), the smallest such distance of another place; infinite where there is none.
        templates: (K, C).

    Returns:
        (K,), in [0, 1].
    """
    noise = _NOISE_SHARE * templates.abs().sum(dim=1)
    sure = (rival - distance) / (rival + noise).clamp(min=1e-12)
    return torch.where(rival.isfinite(), sure, 0.0).clamp(0.0, 1.0)


_NOISE_SHARE = 0.05
_REFINEMENTS = 2
