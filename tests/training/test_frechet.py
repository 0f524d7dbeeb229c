"""The Fréchet distance: known for two normal distributions, and fallen when training has helped."""

import math

import torch
from torch.nn.functional import avg_pool2d

from engine.generator.generator import GeneratorShape
from training.frechet import distances, drawings, features, frechet_distance
from training.keypoints import load_detector
from training.schedule import Route, Stage
from training.train import Run

SHAPE = GeneratorShape(z_dim=32, w_dim=8, mapping_depth=2, channels={4: 8, 8: 8})


def cloud(mean, deviations, *, seed=0, count=20_000):
    """Features with exactly this mean and these deviations, each axis independent."""
    source = torch.Generator().manual_seed(seed)
    raw = torch.randn(count, len(mean), generator=source, dtype=torch.float64)
    raw = raw - raw.mean(dim=0)
    white = raw @ torch.linalg.inv(torch.linalg.cholesky(raw.T.cov())).T
    return white * torch.tensor(deviations) + torch.tensor(mean)


def test_two_normal_distributions_have_the_distance_of_the_formula():
    found = frechet_distance(cloud((0.0, 1.0), (1.0, 3.0)), cloud((3.0, 5.0), (2.0, 0.5), seed=1))
    assert math.isclose(found, 25.0 + 1.0 + 6.25, rel_tol=1e-6)


def test_turning_both_sets_changes_nothing():
    one, other = cloud((0.0, 1.0), (1.0, 3.0)), cloud((3.0, 5.0), (2.0, 0.5), seed=1)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    found = frechet_distance(one @ turn, other @ turn)
    assert math.isclose(found, frechet_distance(one, other), rel_tol=1e-9)


def test_a_set_has_no_distance_to_itself():
    features = cloud((1.0, 2.0, 3.0), (1.0, 2.0, 3.0))
    assert abs(frechet_distance(features, features)) < 1e-9


def test_blurred_drawings_are_farther_from_drawings_than_other_drawings_are():
    detector = load_detector()
    one, other = (list(drawings(64, 100, z_dim=32, seed=seed)) for seed in (1, 2))
    blurred = [avg_pool2d(images, 5, stride=1, padding=2) for images in other]
    truth, found, soft = (features(detector, iter(batches)) for batches in (one, other, blurred))
    assert frechet_distance(truth, soft) > 2.0 * frechet_distance(truth, found)


def test_every_average_that_a_run_kept_is_measured_at_its_size(tmp_path):
    stages = [
        Stage(size=size, batch=2, pictures=8, learning_rate=1e-2, final_rate=1e-3)
        for size in (4, 8)
    ]
    route = Route(shape=SHAPE, stages=tuple(stages))
    for _ in Run(tmp_path, seed=0, device=torch.device("cpu"), route=route).steps():
        pass
    found = list(distances(tmp_path, route, count=50))
    assert [record["pictures"] for record in found] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert [record["size"] for record in found] == [4] * 4 + [8] * 4
    assert len({record["floor"] for record in found}) == 2
    assert all(record["distance"] > record["floor"] for record in found)
