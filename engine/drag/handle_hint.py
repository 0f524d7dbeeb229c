"""Before a drag: whether a handle lies where it can be followed, and where it would be better."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.drag.params import DragParams
from engine.drag.point_tracking import track_points
from engine.geometry import sample, square_offsets

REACH = 2.0
"""How far a better place is looked for along either axis, feature px."""

TRACKABLE = 0.75
"""Least confidence of a place that can be followed. On the practice model all keypoints lie above
it, and still places that strayed in a drag all lie below (docs/method.md)."""

_SPACING = 0.5  # of the places that are looked at, feature px


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHint:
    """How well a place can be followed.

    Attributes:
        confidence: in [0, 1], as `point_tracking.confidence` of the picture as it is.
        best_place: (2,), the place near it that can be followed best, feature px; the place itself
            where none is better.
        best_confidence: the confidence there.
    """

    confidence: float
    best_place: Tensor
    best_confidence: float


def place_hint(features: Tensor, place: Tensor, params: DragParams) -> PlaceHint:
    """Gives how well a place can be followed, and the best one near it.

    Args:
        features: (1, C, Hf, Wf), those that a drag would follow.
        place: (2,), feature px.
        params: of the drag.
    """
    size = torch.tensor([features.shape[3], features.shape[2]], device=features.device)
    places = place + square_offsets(REACH, _SPACING, features.device)
    inside = ((places >= 0) & (places <= size)).all(dim=1)
    places = torch.cat([place[None], places[inside]])  # (K, 2)
    confidences = trackability(features, places, params)
    best = int(confidences.argmax())
    if confidences[best] <= confidences[0]:
        best = 0
    return PlaceHint(
        confidence=float(confidences[0]),
        best_place=places[best],
        best_confidence=float(confidences[best]),
    )


def trackability(features: Tensor, places: Tensor, params: DragParams) -> Tensor:
    """Gives the confidence with which each place (K, 2) is found again where nothing has moved: how
    unlike it all others in reach are, (K,), in [0, 1]."""
    return track_points(
        features,
        places,
        sample(features, places),
        square_offsets(params.tracking_radius, params.sample_spacing, features.device),
        rival_distance=params.supervision_radius,
    ).confidences
