"""How far a render is from a picture."""

import torch.nn.functional as F
from torch import Tensor


def picture_distance(render: Tensor, picture: Tensor, weight: Tensor, *, scales: int = 3) -> Tensor:
    """Gives the multi-scale L1 of colours and of gradients, for each picture of a batch.

    At each scale (full size, half, quarter, ...) the mean absolute difference, plus that of the
    horizontal and vertical differences: colours fix the place of large parts, gradients the edges.

    Args:
        render: (N, 3, S, S).
        picture: (1, 3, S, S), in the same range.
        weight: (1, 1, S, S), in [0, 1]; 0 where the picture says nothing. Not all zero.
        scales: how many.

    Returns:
        (N,), in the range of the pictures.
    """
    error = (render - picture) * weight
    share = weight.mean()
    total = error.new_zeros(error.shape[0])
    for _ in range(scales):
        total = total + error.abs().mean(dim=(1, 2, 3))
        total = total + error.diff(dim=2).abs().mean(dim=(1, 2, 3))
        total = total + error.diff(dim=3).abs().mean(dim=(1, 2, 3))
        error = F.avg_pool2d(error, 2)
    return total / (scales * share)
