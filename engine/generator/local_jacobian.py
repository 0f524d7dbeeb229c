"""How what is read around each place changes with w.

Products of vectors with the Jacobian of features, for several places. Above the last whole map a
place hangs on its own tile alone. So the products of all places go through the tiles at once, as
far as the joints of tiles and whole maps, and only below, where maps are coarse, each by itself.
Through the tiles K places then cost K times as much as one, and not K^2 times.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from engine.generator.local_features import FeatureMap, LocalFeatures


def products_with_jacobian(
    features: FeatureMap, readings: Tensor, vectors: Tensor, of: Tensor
) -> Tensor:
    """Gives v^T d(readings of a place)/d(of) for each place and each of its vectors.

    Args:
        features: a whole map, or what is known of it around the places.
        readings: (K, N), what `sample_features` read there, a row for each place.
        vectors: (K, V, N).
        of: a leaf that the features are a function of.

    Returns:
        (K, V, U), U the number of elements of `of`.
    """
    count, each, _ = vectors.shape
    if isinstance(features, LocalFeatures) and features.joints:
        outputs, given = _at_joints(features, readings, vectors)
    else:
        alone = _alone(vectors, range(count)).transpose(0, 1)  # (K, V, K, N)
        outputs, given = [readings], [alone.flatten(0, 1)]
    (rows,) = torch.autograd.grad(outputs, of, given, retain_graph=True, is_grads_batched=True)
    return rows.view(count, each, -1)


def _at_joints(
    features: LocalFeatures, readings: Tensor, vectors: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Gives all joints, and for each what the products of all places are there: (K * V, ...)."""
    parts = [part for part, joints in enumerate(features.joints) for _ in joints]
    joints = [joint for joints in features.joints for joint in joints]
    count, each, _ = vectors.shape
    there = [joint.new_zeros(count, each, *joint.shape) for joint in joints]
    for places in _apart(features.homes):
        together = _alone(vectors, places).sum(dim=1)  # (V, K, N)
        found = torch.autograd.grad(
            readings, joints, together, retain_graph=True, is_grads_batched=True
        )
        for place in places:
            for index in (i for i, part in enumerate(parts) if part == features.homes[place]):
                there[index][place] = found[index]
    return joints, [product.flatten(0, 1) for product in there]


def _alone(vectors: Tensor, places: Sequence[int]) -> Tensor:
    """Gives for some places their vectors, beside nought for all others: (V, P, K, N)."""
    count, each, size = vectors.shape
    alone = vectors.new_zeros(each, len(places), count, size)
    for index, place in enumerate(places):
        alone[:, index, place] = vectors[place]
    return alone


def _apart(homes: Sequence[int]) -> Iterator[list[int]]:
    """Gives the places in groups of which no two are at home in one part."""
    left = dict(enumerate(homes))
    while left:
        firsts = {home: place for place, home in reversed(left.items())}
        yield sorted(firsts.values())
        left = {place: home for place, home in left.items() if firsts[home] != place}
