"""Whether a part of a head really moved: the judge of the hosts' tests, who never sees the engine.

The keypoint detector was trained on drawings alone, so what it says of a picture owes nothing to
the generator or the drag.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from training.keypoints import KeypointDetector, find_keypoints, load_detector
from training.pictures import KEYPOINTS

Pixels = npt.NDArray[np.uint8]
XY = tuple[float, float]


@cache
def _detector() -> KeypointDetector:
    return load_detector()


def place_of(window_rgb: Pixels, keypoint: str) -> npt.NDArray[np.float64]:
    """Gives where a keypoint of `training.pictures.KEYPOINTS` is, (x, y), window px.

    Args:
        window_rgb: (S, S, 3) or (S, S, 4), uint8: the head alone, aligned as the drawings are.
        keypoint: its name.
    """
    planes = torch.from_numpy(np.ascontiguousarray(window_rgb[:, :, :3])).permute(2, 0, 1)[None]
    found = find_keypoints(_detector(), planes.float() / 255.0)  # (1, K, 2)
    place = found[0, KEYPOINTS.index(keypoint)].double() * window_rgb.shape[0]
    return np.asarray(place.numpy(), np.float64)


def moved_share(
    before_rgb: Pixels,
    after_rgb: Pixels,
    keypoint: str,
    handle_window: XY,
    target_window: XY,
) -> float:
    """Gives the share of the way from handle to target that a part of the head has moved.

    1 is an arrival, 0 standing still, below 0 the wrong direction; what it moved to the side
    counts for nothing. It is measured from where the detector sees the part before, so that a
    steady error of the detector falls out.

    Args:
        before_rgb: (S, S, 3) or (S, S, 4), uint8, the window before the edit.
        after_rgb: the same after it.
        keypoint: name of the part.
        handle_window: (x, y), window px.
        target_window: (x, y), window px; not the handle.
    """
    way = np.subtract(target_window, handle_window)
    moved = place_of(after_rgb, keypoint) - place_of(before_rgb, keypoint)
    return float(moved @ way / (way @ way))
