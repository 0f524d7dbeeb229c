"""The drags that the benchmarks measure: truly what they say, and the same for the same seed."""

import pytest
import torch

from benchmarks.drag_cases import EDITS, POSE, SHORTEST_WAY, edit_cases, pair_cases, showing, z_with
from benchmarks.marks import NAMES, keypoints_of
from training.keypoints import KeypointDetector
from training.pictures import FACTORS, KEYPOINTS, draw, factors_from_z, middle_factors

SIZE = 32
DETECTOR = KeypointDetector(8)  # only a render would be shown to it


def factors(**changes):
    rows = middle_factors()
    for name, value in changes.items():
        rows[0, NAMES.index(name)] = value
    return rows


def pairs(count=6, handles=5, seed=11):
    return list(pair_cases(count, SIZE, handles=handles, z_dim=32, detector=DETECTOR, seed=seed))


def named(edit, count=3):
    return list(edit_cases(edit, count, SIZE, z_dim=32, detector=DETECTOR))


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_the_pose_is_what_moves_keypoints(factor):
    ends = [keypoints_of(factors(**{factor.name: v})) for v in (factor.low, factor.high)]
    moves = float((ends[1] - ends[0]).norm(dim=1).max()) > 1e-4
    assert moves == (factor.name in POSE)


@pytest.mark.parametrize("handles", [1, 5])
def test_pairs_move_as_many_points_as_asked_for(handles):
    for case in pairs(handles=handles):
        assert case.handles.shape == case.targets.shape == (handles, 2)
        assert float((case.targets - case.handles).norm(dim=1).mean()) >= SHORTEST_WAY
        assert case.picture.shape == case.truth.shape == (1, 3, SIZE, SIZE)


def test_a_pair_keeps_its_colours():
    for case in pairs(3):
        before, after = factors_from_z(case.z), factors_from_z(case.z_after)
        kept = [i for i, name in enumerate(NAMES) if name not in POSE]
        torch.testing.assert_close(before[:, kept], after[:, kept], atol=1e-3, rtol=1e-3)


def test_the_same_seed_gives_the_same_pairs():
    one, other, third = pairs(2), pairs(2), pairs(2, seed=12)
    assert all(torch.equal(a.targets, b.targets) for a, b in zip(one, other, strict=True))
    assert not torch.equal(one[0].targets, third[0].targets)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_a_named_edit_changes_one_factor_by_its_share(edit):
    for case in named(edit):
        change = factors_from_z(case.z_after) - factors_from_z(case.z)
        ranges = torch.tensor([factor.high - factor.low for factor in FACTORS])
        expected = torch.zeros(1, len(FACTORS))
        sign = -1.0 if float(change[0, NAMES.index(edit.factor)]) * edit.share < 0 else 1.0
        expected[0, NAMES.index(edit.factor)] = sign * edit.share
        assert edit.goes_both_ways or sign == 1.0
        torch.testing.assert_close(change / ranges, expected, atol=2e-3, rtol=0.0)
        assert not torch.equal(case.handles, case.targets)


def test_the_second_latent_stands_for_the_second_drawing():
    for case in pairs(4):
        drawing = draw(factors_from_z(case.z_after), SIZE)
        torch.testing.assert_close(case.truth, drawing.images, atol=0.05, rtol=0.0)
        torch.testing.assert_close(
            case.marks.true(factors_from_z(case.z_after)), case.targets, atol=1e-3, rtol=0.0
        )


def test_no_latent_has_all_factors_at_their_ends():
    ends = torch.tensor([[factor.high for factor in FACTORS]])
    assert z_with(torch.randn(1, 32), ends) is None


@pytest.mark.parametrize("opening, is_seen", [(0.0, False), (0.9, True)])
def test_a_shut_mouth_hides_the_lower_lip(opening, is_seen):
    shows = dict(zip(KEYPOINTS, showing(keypoints_of(factors(mouth_open=opening))), strict=True))
    assert bool(shows["lip_lower"]) == is_seen
    assert all(bool(shows[name]) for name in ("nose", "lip_upper", "chin", "eye_left"))


def test_what_leaves_the_frame_does_not_show():
    keypoints = keypoints_of(factors())
    tip = KEYPOINTS.index("ear_tip_left")
    assert bool(showing(keypoints)[tip])
    keypoints[tip, 1] = 0.01
    assert not bool(showing(keypoints)[tip])
