"""What heads carry travels with them, and the wall stays."""

import torch

from benchmarks.detailed_heads import DetailedHead, Details
from benchmarks.marks import NAMES
from training.pictures import draw, middle_factors

DETAILS = Details.by_chance(torch.Generator().manual_seed(3))


def factors(**changes):
    rows = middle_factors()
    for name, value in changes.items():
        rows[0, NAMES.index(name)] = value
    return rows


def added(size=128, **changes):
    """What the details changed of each pixel."""
    rows = factors(**changes)
    plain = draw(rows, size).images
    return (DetailedHead(rows, size, DETAILS).drawing().images - plain).abs().mean(dim=1)[0]


def test_keypoints_stay_where_they_are():
    detailed = DetailedHead(factors(), 32, DETAILS).drawing().keypoints
    assert torch.equal(detailed, draw(factors(), 32).keypoints)


def test_the_head_carries_its_details_along():
    one, turned = added(), added(yaw=0.4)
    assert float(one[70:90, 40:90].mean()) > 0.01
    assert float((one - turned)[70:90, 40:90].abs().mean()) > 0.01


def test_the_wall_stays():
    one, turned = added(), added(yaw=0.4)
    assert float(one[:24, :24].mean()) > 0.005
    assert torch.equal(one[:24, :24], turned[:24, :24])


def test_details_are_finer_than_the_model():
    picture = DetailedHead(factors(), 512, DETAILS).drawing().images
    coarse = torch.nn.functional.avg_pool2d(picture, 4)
    back = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")
    plain = draw(factors(), 512).images
    plain_back = torch.nn.functional.interpolate(
        torch.nn.functional.avg_pool2d(plain, 4), scale_factor=4, mode="bilinear"
    )
    assert float((picture - back).abs().mean()) > 2.0 * float((plain - plain_back).abs().mean())
