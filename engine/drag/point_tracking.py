"""Finding the handles again after a step.

Pan et al. 2023, Eq. 2: the place near the last known one whose feature is nearest, in L1, to the
feature that the handle had in the first picture.
"""

import torch
from torch import Tensor

from engine.geometry import sample


def track_points(
    features: Tensor, handles: Tensor, templates: Tensor, candidates: Tensor
) -> Tensor:
    """Gives where the handles are in a new feature map.

    Args:
        features: (1, C, Hf, Wf).
        handles: (K, 2), where they were, feature px.
        templates: (K, C), their features in the first picture.
        candidates: (M, 2), offsets to look at, feature px.

    Returns:
        (K, 2), feature px, inside the map.
    """
    size = torch.tensor([features.shape[3], features.shape[2]], device=features.device)
    places = handles[:, None] + candidates  # (K, M, 2)
    distance = (sample(features, places) - templates[:, None]).abs().sum(dim=2)  # (K, M)
    outside = ((places < 0) | (places > size)).any(dim=2)
    nearest = distance.masked_fill(outside, torch.inf).argmin(dim=1)  # (K,)
    return places[torch.arange(len(handles), device=features.device), nearest]
