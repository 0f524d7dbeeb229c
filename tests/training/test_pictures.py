"""The drawings: factors in their ranges, keypoints where the parts are drawn."""

import pytest
import torch
import torch.nn.functional as F

from training.pictures import (
    FACTORS,
    KEYPOINTS,
    draw,
    factors_from_z,
    middle_factors,
)

NAMES = [factor.name for factor in FACTORS]


def factors(**changes):
    rows = middle_factors()
    for name, value in changes.items():
        rows[0, NAMES.index(name)] = value
    return rows


def keypoint(drawing, name):
    return drawing.keypoints[0, KEYPOINTS.index(name)]


def colour_at(drawing, place):
    size = drawing.images.shape[-1]
    column, row = (place * size).long().tolist()
    return drawing.images[0, :, row, column]


def random_factors(count=64, seed=0):
    return factors_from_z(torch.randn(count, 32, generator=torch.Generator().manual_seed(seed)))


def test_factors_lie_in_their_ranges_and_fill_them():
    found = random_factors(4000)
    for column, factor in zip(found.unbind(1), FACTORS, strict=True):
        assert factor.low <= float(column.min()) and float(column.max()) <= factor.high
        share = (column - factor.low) / (factor.high - factor.low)
        assert float(share.mean()) == pytest.approx(0.5, abs=0.03)
        assert float(share.std()) == pytest.approx(1 / 12**0.5, abs=0.02)  # uniform


def test_factors_depend_on_the_direction_of_z_alone():
    z = torch.randn(5, 32)
    torch.testing.assert_close(factors_from_z(7.0 * z), factors_from_z(z))


def test_factors_of_another_number_are_refused():
    with pytest.raises(ValueError, match=r"factors must be \(N, 21\)"):
        draw(torch.zeros(1, 3), 16)


def test_a_drawing_has_a_range_and_all_keypoints():
    drawing = draw(random_factors(8), 32)
    assert drawing.images.shape == (8, 3, 32, 32)
    assert drawing.keypoints.shape == (8, len(KEYPOINTS), 2)
    assert float(drawing.images.min()) >= 0.0 and float(drawing.images.max()) <= 1.0
    assert bool(drawing.keypoints.isfinite().all())


def test_keypoints_lie_in_or_just_beyond_the_frame():
    places = draw(random_factors(500), 4).keypoints
    assert float(places.min()) > -0.1 and float(places.max()) < 1.1


def test_each_drawing_of_a_batch_is_drawn_for_itself():
    rows = random_factors(3)
    together = draw(rows, 32)
    for index in range(3):
        alone = draw(rows[index : index + 1], 32)
        torch.testing.assert_close(together.images[index], alone.images[0])
        torch.testing.assert_close(together.keypoints[index], alone.keypoints[0])


def test_the_same_head_is_drawn_at_every_size():
    rows = random_factors(8)
    small, large = draw(rows, 64), draw(rows, 256)
    assert torch.equal(small.keypoints, large.keypoints)
    averaged = F.avg_pool2d(large.images, 4)
    assert float((averaged - small.images).abs().mean()) < 0.01


@pytest.mark.parametrize("yaw", [-0.5, 0.0, 0.4])
@pytest.mark.parametrize("pitch", [-0.25, 0.0, 0.3])
def test_the_nose_is_dark_where_its_keypoint_is(yaw, pitch):
    drawing = draw(factors(yaw=yaw, pitch=pitch), 128)
    assert float(colour_at(drawing, keypoint(drawing, "nose")).max()) < 0.15


@pytest.mark.parametrize("name", ["eye_left", "eye_right"])
def test_an_eye_is_black_in_its_middle_and_white_beside(name):
    drawing = draw(factors(eye_open=1.0, gaze=0.0, yaw=0.0, pitch=0.0), 256)
    place = keypoint(drawing, name)
    assert float(colour_at(drawing, place).max()) < 0.15
    beside = place + torch.tensor([0.046, 0.0])
    assert float(colour_at(drawing, beside).min()) > 0.85


@pytest.mark.parametrize("name", ["ear_tip_left", "ear_tip_right"])
def test_an_ear_ends_at_its_tip(name):
    drawing = draw(factors(ear_spread=0.0, yaw=0.0), 256)
    without = draw(factors(ear_spread=0.0, yaw=0.0, ear_length=0.45), 256)
    tip = keypoint(drawing, name)
    above, below = tip - torch.tensor([0.0, 0.03]), tip + torch.tensor([0.0, 0.03])
    assert torch.equal(colour_at(drawing, above), colour_at(without, above))
    assert float((colour_at(drawing, below) - colour_at(without, below)).abs().max()) > 0.2


def test_a_brow_is_darker_than_the_fur_around_it():
    drawing = draw(factors(stripes=0.0, fur_lightness=0.9), 128)
    place = keypoint(drawing, "brow_left")
    around = colour_at(drawing, place - torch.tensor([0.0, 0.05]))
    assert float(colour_at(drawing, place).sum()) < 0.5 * float(around.sum())


MOVES = {
    "yaw turns the nose right": ("yaw", "nose", (1, 0)),
    "pitch turns the nose down": ("pitch", "nose", (0, 1)),
    "an opened mouth lowers the chin": ("mouth_open", "chin", (0, 1)),
    "an opened mouth lowers the lip": ("mouth_open", "lip_lower", (0, 1)),
    "a higher brow is higher": ("brow_height", "brow_left", (0, -1)),
    "a longer ear is higher": ("ear_length", "ear_tip_right", (0, -1)),
    "spread goes left on the left": ("ear_spread", "ear_tip_left", (-1, 0)),
    "spread goes right on the right": ("ear_spread", "ear_tip_right", (1, 0)),
}


@pytest.mark.parametrize(("factor", "name", "way"), MOVES.values(), ids=MOVES.keys())
def test_a_factor_moves_its_part(factor, name, way):
    span = FACTORS[NAMES.index(factor)]
    ends = [keypoint(draw(factors(**{factor: v}), 8), name) for v in (span.low, span.high)]
    assert float((ends[1] - ends[0]) @ torch.tensor(way, dtype=torch.float32)) > 0.03


def test_a_symmetrical_head_is_symmetrical():
    straight = draw(factors(yaw=0.0, gaze=0.0), 8)
    for left in ("eye_left", "brow_left", "ear_tip_left", "cheek_left"):
        a, b = keypoint(straight, left), keypoint(straight, left.replace("left", "right"))
        assert float(a[0] + b[0]) == pytest.approx(1.0, abs=1e-5)
        assert float(a[1]) == pytest.approx(float(b[1]), abs=1e-5)


@pytest.mark.parametrize("name", ["fur_hue", "stripes", "eye_hue", "background_hue", "gaze"])
def test_a_factor_of_looks_moves_no_keypoint_and_shows(name):
    span = FACTORS[NAMES.index(name)]
    ends = [draw(factors(**{name: value}), 64) for value in (span.low, span.high)]
    assert torch.equal(ends[0].keypoints, ends[1].keypoints)
    assert float((ends[0].images - ends[1].images).abs().max()) > 0.1
