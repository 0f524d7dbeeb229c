"""The loss that pulls the handles one small step towards their targets.

Pan et al. 2023, Eq. 1: for each handle the features of a disc, shifted by a small step towards the
target, shall become what the features of the unshifted disc are now; the unshifted ones carry no
gradient. It is taken at the native size of the feature map, not on a map enlarged to the image.
"""

import torch
from torch import Tensor

from engine.generator.local_features import FeatureMap, sample_features


def motion_supervision_loss(
    features: FeatureMap, handles: Tensor, targets: Tensor, disc: Tensor, *, step_length: float
) -> Tensor:
    """Gives the motion supervision loss, summed over the handles.

    As in the paper's code each handle's loss is the mean over its disc and the channels. A handle
    that has arrived, or a pin, is asked to stay: its shift is the rest of its way, at most
    `step_length`.

    Args:
        features: (1, C, Hf, Wf), or those around the handles.
        handles: (K, 2), where the handles are now, feature px.
        targets: (K, 2), where they shall arrive, feature px.
        disc: (M, 2), offsets of the disc's samples, feature px.
        step_length: longest shift, feature px.

    Returns:
        A scalar.
    """
    way = targets - handles
    distance = way.norm(dim=1, keepdim=True)  # (K, 1)
    shift = way * (step_length / distance.clamp(min=step_length))
    here = handles[:, None] + disc  # (K, M, 2)
    now = sample_features(features.detach(), here)  # (K, M, C)
    ahead = sample_features(features, here + shift[:, None])
    return (ahead - now).abs().mean(dim=(1, 2)).sum()


def holding_loss(features: FeatureMap, places: Tensor, disc: Tensor, first_discs: Tensor) -> Tensor:
    """Gives how far what is at some places has strayed from what shall be there.

    Motion supervision asks nothing of a pin that is in its place: it lets it go and pulls it back.
    This holds it.

    Args:
        features: (1, C, Hf, Wf), or those around the handles.
        places: (K, 2), feature px.
        disc: (M, 2), offsets of the disc's samples, feature px.
        first_discs: (K, M, C), the features that shall be there.

    Returns:
        (K,), each the mean over its disc and the channels.
    """
    now = sample_features(features, places[:, None] + disc)  # (K, M, C)
    return (now - first_discs).abs().mean(dim=(1, 2))


def protection_loss(maps: Tensor, first_maps: Tensor, protected: Tensor) -> Tensor:
    """Gives how far a map has strayed where nothing may move.

    Pan et al. 2023, Eq. 1, second term, without lambda; a mean over what is protected.

    Args:
        maps: (1, C, H, W), of the layer that is held.
        first_maps: (1, C, H, W), that of the picture before the drag.
        protected: (1, 1, H, W), 1 - the editable mask; not all zero.

    Returns:
        A scalar.
    """
    strayed = ((maps - first_maps).abs() * protected).sum()
    return strayed / (protected.sum() * maps.shape[1])


def protected_area(editable_mask: Tensor, size: int) -> Tensor | None:
    """Gives the protected share of each pixel of a map, or None where everything may move.

    Args:
        editable_mask: (1, 1, S, S), in [0, 1], 1 = may move.
        size: side of the map, px.

    Returns:
        (1, 1, size, size).
    """
    editable = torch.nn.functional.interpolate(editable_mask, size=(size, size), mode="area")
    protected = 1.0 - editable
    return protected if bool(protected.any()) else None
