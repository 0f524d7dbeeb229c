"""Drags with known truth: the same for a seed, within the picture, and true to the latents."""

import pytest
import torch

from benchmarks.cases import COLUMN, EDITS, LEAST_MOVE, cases_of, moved, random_cases, z_with
from training.pictures import FACTORS, KEYPOINTS, draw, factors_from_z, middle_factors


def first(cases):
    return next(iter(cases))


@pytest.mark.parametrize("handles", [1, 5])
def test_random_cases_are_the_same_for_a_seed(handles):
    one, other = (first(random_cases(handles, 1, 16, z_dim=32)) for _ in range(2))
    assert torch.equal(one.z, other.z) and torch.equal(one.targets, other.targets)
    assert one.handles.shape == (handles, 2) and len(set(one.indices)) == handles


@pytest.mark.parametrize("handles", [1, 5])
def test_random_cases_move_far_enough_within_the_picture(handles):
    for case in random_cases(handles, 10, 16, z_dim=32):
        assert float((case.targets - case.handles).norm(dim=1).mean()) >= LEAST_MOVE
        points = torch.cat([case.handles, case.targets])
        assert float(points.min()) > 0.0 and float(points.max()) < 1.0


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_both_latents_stand_for_the_two_drawings(edit):
    case = first(cases_of(edit, 1, 16, z_dim=32))
    before, after = factors_from_z(case.z), factors_from_z(case.z_after)
    torch.testing.assert_close(after, moved(before, {edit.factor: edit.share}), atol=1e-4, rtol=0)
    torch.testing.assert_close(draw(after, 16).images, case.truth, atol=1e-3, rtol=0)


def test_keypoints_are_handles_and_targets():
    case = first(random_cases(5, 1, 16, z_dim=32))
    for z, points in ((case.z, case.handles), (case.z_after, case.targets)):
        keypoints = draw(factors_from_z(z), 16).keypoints[0, list(case.indices)]
        torch.testing.assert_close(keypoints, points, atol=1e-4, rtol=0)


def test_closing_eyes_bring_the_lids_together():
    edit = next(edit for edit in EDITS if edit.name == "eyes close")
    case = first(cases_of(edit, 1, 16, z_dim=32))
    opened, closed = (p[2:, 1] - p[:2, 1] for p in (case.handles, case.targets))
    assert bool((closed < 0.7 * opened).all()) and bool((closed > 0.0).all())
    assert torch.equal(case.handles[:2, 0], case.handles[2:, 0])


def test_the_lids_are_where_the_white_of_the_eye_ends():
    edit = next(edit for edit in EDITS if edit.name == "eyes close")
    case = first(cases_of(edit, 1, 256, z_dim=32))
    centre = (case.handles[0] + case.handles[2]) / 2
    eye = draw(factors_from_z(case.z), 256).keypoints[0, KEYPOINTS.index("eye_left")]
    torch.testing.assert_close(centre, eye, atol=1e-5, rtol=0)
    for lid in (case.handles[0], case.handles[2]):
        inside, outside = centre.lerp(lid, 0.8), centre.lerp(lid, 1.15)
        bright = [
            float(case.picture[0, :, int(y * 256), int(x * 256)].sum())
            for x, y in (inside, outside)
        ]
        assert bright[0] > bright[1]


def test_factors_beyond_their_range_have_no_latent():
    z = torch.ones(1, 32)
    assert z_with(z, moved(middle_factors(), {"yaw": 0.6})) is None
    assert z_with(z, middle_factors()) is not None


def test_moving_a_factor_leaves_the_others():
    factors = moved(middle_factors(), {"pitch": 0.25})
    changed = (factors != middle_factors())[0].nonzero().flatten().tolist()
    assert changed == [COLUMN["pitch"]]
    pitch = FACTORS[COLUMN["pitch"]]
    assert float(factors[0, changed[0]]) == pytest.approx(
        pitch.low + 0.75 * (pitch.high - pitch.low)
    )
