"""The loop on blobs, where every answer is known."""

import dataclasses
import itertools

import pytest
import torch

from engine.drag.loop import Drag, DragSpace, EndReason, default_rows, drag, principal_axes
from engine.drag.params import DragParams
from tests.fakes.blobs import BLOCK, FIRST, SECOND, BlobGenerator

SPACE = DragSpace(block=BLOCK, rows=2, axes=torch.eye(2), rows_move_alike=False)
QUICK = DragParams()
FREE = dataclasses.replace(QUICK, change_weight=0.0)  # nothing but handles, pins and masks counts
SLOW = dataclasses.replace(QUICK, step_length=0.25, stall_steps=20)
START = torch.zeros(1, 4, 2)
TARGET = (8.0, 6.5)


def run(generator=None, pairs=((FIRST, TARGET),), params=QUICK, mask=None, space=SPACE):
    """Gives all steps of a drag of blobs, from handles to targets in feature px."""
    handles = torch.tensor([handle for handle, _ in pairs])
    targets = torch.tensor([target for _, target in pairs])
    return drag(
        generator or BlobGenerator(),
        START,
        handles,
        targets,
        space=space,
        held=space.holding(START, mask),
        params=params,
    )


def first_blob(step):
    return torch.tensor(FIRST) + step.w_plus[0, 0]


def mask_around_the_first():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :18, :18] = 1.0
    return mask


def test_the_first_step_is_the_picture_before_any_update():
    step = next(run())
    assert step.step_index == 0 and torch.equal(step.w_plus, START)
    assert step.handles.tolist() == [list(FIRST)]
    assert step.distance == pytest.approx(((3.0) ** 2 + 1.5**2) ** 0.5)


@pytest.mark.parametrize("target", [(8.0, 5.0), (5.0, 9.0), (2.5, 3.0), (4.0, 7.0)])
def test_one_update_moves_the_blob_towards_its_target(target):
    before, after = itertools.islice(run(pairs=((FIRST, target),)), 2)
    way = torch.tensor(target) - torch.tensor(FIRST)
    assert float((first_blob(after) - first_blob(before)) @ way) > 0.0


def test_a_drag_reaches_its_target_and_says_so():
    last = list(run())[-1]
    assert last.end_reason is EndReason.REACHED
    assert float((first_blob(last) - torch.tensor(TARGET)).norm()) <= QUICK.tolerance + 0.2
    assert float((last.handles[0] - torch.tensor(TARGET)).norm()) <= QUICK.tolerance


def test_handles_are_tracked_to_where_the_blob_is():
    for step in run():
        assert float((step.handles[0] - first_blob(step)).norm()) < 0.1


def test_only_the_last_step_has_a_reason():
    steps = list(run())
    assert all(step.end_reason is None for step in steps[:-1])
    assert [step.step_index for step in steps] == list(range(len(steps)))


def test_a_handle_in_its_place_needs_no_update():
    steps = list(run(pairs=((FIRST, FIRST),)))
    assert len(steps) == 1 and steps[0].end_reason is EndReason.REACHED


def test_the_budget_ends_a_drag():
    steps = list(run(params=dataclasses.replace(QUICK, step_budget=2)))
    assert len(steps) == 3 and steps[-1].end_reason is EndReason.BUDGET


def test_a_picture_that_will_not_move_stalls():
    params = dataclasses.replace(QUICK, stall_steps=7)
    steps = list(run(BlobGenerator(px_per_w=0.0), params=params))
    assert len(steps) == 8 and steps[-1].end_reason is EndReason.STALLED


def test_the_best_step_is_the_nearest_so_far():
    torn = ((FIRST, (8.0, 5.0)), (FIRST, (2.5, 5.0)))  # no step brings both nearer
    best = float("inf")
    steps = list(run(pairs=torn))
    for step in steps:
        assert step.is_best == (step.distance < best)
        best = min(best, step.distance)
    assert not all(step.is_best for step in steps)


def test_rows_that_are_not_dragged_keep_their_values():
    rng = torch.Generator().manual_seed(2)
    start = 0.1 * torch.randn(1, 4, 2, generator=rng)
    handles = torch.tensor([FIRST]) + start[0, :1]
    params = dataclasses.replace(QUICK, step_budget=10)
    steps = drag(BlobGenerator(), start, handles, handles + 2.0, space=SPACE, params=params)
    assert all(torch.equal(step.w_plus[:, 2:], start[:, 2:]) for step in steps)


def test_with_one_dragged_row_the_second_stays():
    space = dataclasses.replace(SPACE, rows=1)
    last = list(run(BlobGenerator(follows=0.5), space=space))[-1]
    assert not last.w_plus[:, 1:].any() and last.w_plus[:, 0].any()


def test_steps_already_told_are_not_changed_by_later_ones():
    steps = run()
    first = next(steps)
    kept = first.w_plus.clone(), first.handles.clone()
    for _ in steps:
        pass
    assert torch.equal(first.w_plus, kept[0]) and torch.equal(first.handles, kept[1])


def test_a_pin_holds_its_part_back():
    pulling = BlobGenerator(follows=0.8)

    def strayed(pairs):
        last = list(run(pulling, pairs, FREE))[-1]
        return float((last.w_plus[0, 1] + 0.8 * last.w_plus[0, 0]).norm())

    assert strayed(((FIRST, TARGET),)) > 2.0
    assert strayed(((FIRST, TARGET), (SECOND, SECOND))) < 0.5


def test_the_mask_is_in_view_from_the_first_step_on():
    generator = BlobGenerator(follows=0.5)

    def strayed(mask):
        first, second = list(itertools.islice(run(generator, mask=mask, params=FREE), 2))[1].w_plus[
            0, :2
        ]
        return float((second + 0.5 * first).norm())

    assert strayed(mask_around_the_first()) < 0.3 * strayed(None)


def strayed_half(**given):
    """Gives how far the second blob went that follows the first half of its way."""
    last = list(run(BlobGenerator(follows=0.5), **given))[-1]
    assert last.end_reason is EndReason.REACHED
    return float((last.w_plus[0, 1] + 0.5 * last.w_plus[0, 0]).norm())


def test_the_mask_holds_what_is_outside_it():
    assert strayed_half(params=FREE) > 1.0
    assert strayed_half(params=FREE, mask=mask_around_the_first()) < 0.3


def test_without_a_mask_too_what_no_handle_asks_for_hardly_moves():
    assert strayed_half() < 0.5 * strayed_half(params=FREE)


def test_a_handle_that_only_a_protected_change_moves_moves_all_the_same():
    space = dataclasses.replace(SPACE, rows=1)  # the second blob cannot be held back
    steps = list(run(BlobGenerator(follows=0.5), space=space, mask=mask_around_the_first()))
    assert min(step.distance for step in steps) < 0.25 * steps[0].distance


def test_a_mask_that_lets_everything_move_changes_nothing():
    free, open_ = list(run()), list(run(mask=torch.ones(1, 1, 32, 32)))
    assert torch.equal(free[-1].w_plus, open_[-1].w_plus)


def test_the_unit_of_w_changes_no_step():
    wide = dataclasses.replace(SPACE, axes=3.0 * torch.eye(2))
    narrow = list(itertools.islice(run(params=FREE), 2))[1]
    spread = list(itertools.islice(run(params=FREE, space=wide), 2))[1]
    torch.testing.assert_close(spread.w_plus, narrow.w_plus)


def test_a_drag_of_a_few_px_takes_a_few_steps():
    steps = list(run())
    assert len(steps) <= 1 + 1.5 * steps[0].distance / QUICK.step_length


def test_no_step_takes_a_handle_farther_than_it_may():
    places = [first_blob(step) for step in run(pairs=((FIRST, (11.0, 5.0)),))]
    ways = [float((b - a).norm()) for a, b in itertools.pairwise(places)]
    assert max(ways) < 1.1 * QUICK.step_length


def test_rows_that_move_alike_take_one_step_together():
    together = dataclasses.replace(SPACE, rows_move_alike=True)
    first, last = (list(run(space=together))[i].w_plus[0] for i in (0, -1))
    moves = last - first
    assert bool(moves[0].any()) and torch.equal(moves[0], moves[1])
    assert not bool(moves[2:].any())


def test_a_step_goes_along_the_axes_by_their_lengths():
    lame = dataclasses.replace(SPACE, axes=torch.tensor([[1.0, 0.0], [0.0, 1e-6]]))
    step = list(itertools.islice(run(space=lame), 2))[1]
    assert float(step.w_plus[0, 0, 0].abs()) > 1e3 * float(step.w_plus[0, 0, 1].abs()) > 0.0


def test_principal_axes_are_where_w_spreads():
    source = torch.Generator().manual_seed(0)
    turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]])
    w = torch.randn(20_000, 2, generator=source) * torch.tensor([0.5, 3.0]) @ turn
    axes = principal_axes(w)
    torch.testing.assert_close(axes.norm(dim=1), torch.tensor([0.5, 3.0]), rtol=0.02, atol=0)
    torch.testing.assert_close(axes.T @ axes, w.T.cov(), rtol=1e-4, atol=1e-4)


def test_nobody_who_asks_for_no_more_is_given_more():
    steps = run()
    next(steps)
    steps.close()
    assert list(steps) == []


@pytest.mark.parametrize("shape", [(0, 2), (2,), (1, 3)])
def test_handles_that_make_no_drag_are_refused(shape):
    handles = torch.zeros(shape)
    targets = torch.zeros(1, 2)
    with pytest.raises(ValueError, match=r"handles and targets must be \(K, 2\)"):
        next(drag(BlobGenerator(), START, handles, targets, space=SPACE))


@pytest.mark.parametrize(("block", "rows"), [(16, 2), (32, 2), (64, 4), (128, 6), (256, 8)])
def test_the_rows_that_move_reach_a_quarter_of_the_block(block, rows):
    assert default_rows(block) == rows


def begin(generator, pairs, mask=None, params=SLOW):
    """Begins a drag of blobs whose points can be changed."""
    handles, targets = (torch.tensor(places) for places in zip(*pairs, strict=True))
    return Drag(
        generator,
        START,
        handles,
        targets,
        space=SPACE,
        held=SPACE.holding(START, mask),
        params=params,
    )


def finish(steps):
    """Gives the last step of a drag that arrives."""
    last = list(steps)[-1]
    assert last.end_reason is EndReason.REACHED
    return last


def second_blob(step):
    return torch.tensor(SECOND) + step.w_plus[0, 1]


def test_a_moved_target_is_followed_from_the_next_step_on():
    steps = begin(BlobGenerator(), [(FIRST, (9.0, 5.0))])
    before = next(steps)
    steps.set_points(torch.tensor([FIRST]), torch.tensor([(5.0, 9.0)]), [0])
    after = next(steps)
    way = first_blob(after) - first_blob(before)
    assert float(way[1]) > 0.0 and float(way[0].abs()) < 0.1 * float(way[1])


def test_a_point_keeps_its_template_when_its_target_moves():
    steps = begin(BlobGenerator(), [(FIRST, (8.0, 5.0))])
    for _ in range(6):
        step = next(steps)
        moved = torch.tensor([[5.0, 8.0 + 0.1 * step.step_index]])
        steps.set_points(torch.tensor([FIRST]), moved, [0])
    last = finish(steps)
    assert float((first_blob(last) - moved[0]).norm()) <= QUICK.tolerance + 0.2


def test_an_added_point_is_the_part_that_is_there_now():
    steps = begin(BlobGenerator(follows=0.5), [(FIRST, TARGET)])
    for _ in range(6):
        step = next(steps)
    now, target = second_blob(step) + 0.5 * step.w_plus[0, 0], torch.tensor([11.0, 9.0])
    steps.set_points(
        torch.stack([torch.tensor(FIRST), now]), torch.tensor([TARGET, (11.0, 9.0)]), [0, None]
    )
    last = finish(steps)
    assert float((first_blob(last) - torch.tensor(TARGET)).norm()) <= 0.5
    assert float((second_blob(last) + 0.5 * last.w_plus[0, 0] - target).norm()) <= 0.5


def test_a_removed_point_is_let_go():
    pairs = [(FIRST, TARGET), (SECOND, SECOND)]
    steps = begin(BlobGenerator(follows=0.8), pairs, params=FREE)
    next(steps)
    steps.set_points(torch.tensor([FIRST]), torch.tensor([TARGET]), [0])
    last = finish(steps)
    strayed = last.w_plus[0, 1] + 0.8 * last.w_plus[0, 0]
    assert len(last.handles) == 1 and strayed.norm() > 2.0  # as without a pin


def test_points_that_stay_may_change_their_order():
    pairs = [(FIRST, TARGET), (SECOND, (11.0, 8.0))]
    steps = begin(BlobGenerator(), pairs)
    for _ in range(6):
        before = next(steps)
    swapped = [torch.tensor(places) for places in zip(*pairs[::-1], strict=True)]
    steps.set_points(*swapped, [1, 0])
    after = next(steps)
    assert float((after.handles - before.handles.flip(0)).abs().max()) < 0.5
    finish(steps)


def test_a_pin_is_no_distance_that_is_left_to_go():
    alone = next(run())
    pinned = next(run(pairs=((FIRST, TARGET), (SECOND, SECOND))))
    assert pinned.distance == alone.distance


def test_a_drag_is_not_over_while_a_pin_is_out_of_its_place():
    steps = begin(BlobGenerator(), [(FIRST, (9.0, 5.0))])
    for _ in range(8):
        step = next(steps)
    assert float((step.handles[0] - torch.tensor(FIRST)).norm()) > 1.0
    steps.set_points(torch.tensor([FIRST]), torch.tensor([FIRST]), [0])
    following = next(steps)
    assert following.distance == 0.0 and following.end_reason is None
    assert float((first_blob(finish(steps)) - torch.tensor(FIRST)).norm()) <= 0.5


def test_the_best_step_is_judged_by_the_targets_as_they_are():
    steps = begin(BlobGenerator(), [(FIRST, (6.0, 5.0))])
    for _ in range(3):
        next(steps)
    steps.set_points(torch.tensor([FIRST]), torch.tensor([(5.0, 14.0)]), [0])
    step = next(steps)
    assert step.distance > 8.0 and step.is_best


def test_changed_points_give_a_stalled_drag_its_time_anew():
    params = dataclasses.replace(SLOW, stall_steps=7)
    steps = begin(BlobGenerator(px_per_w=0.0), [(FIRST, TARGET)], params=params)
    for _ in range(6):
        next(steps)
    steps.set_points(torch.tensor([FIRST]), torch.tensor([(9.0, 9.0)]), [0])
    assert len(list(steps)) >= 7


@pytest.mark.parametrize("known_as", [[], [0, 0], [1], [-1]])
def test_points_that_do_not_belong_together_are_refused(known_as):
    steps = begin(BlobGenerator(), [(FIRST, TARGET)])
    with pytest.raises(ValueError, match="known_as"):
        steps.set_points(torch.tensor([FIRST]), torch.tensor([TARGET]), known_as)


def test_a_pin_is_held_all_along_the_way():
    pulling = BlobGenerator(follows=0.8)
    for step in run(pulling, ((FIRST, TARGET), (SECOND, SECOND))):
        assert float((step.w_plus[0, 1] + 0.8 * step.w_plus[0, 0]).norm()) < 0.3


def test_a_point_pinned_on_its_way_is_held_where_it_was_then():
    steps = begin(BlobGenerator(follows=0.8), [(FIRST, TARGET), (SECOND, (11.0, 8.0))])
    for _ in range(6):
        _, here = next(steps).handles
    steps.set_points(
        torch.stack([torch.tensor(FIRST), here]), torch.stack([torch.tensor(TARGET), here]), [0, 1]
    )
    for step in steps:
        assert float((second_blob(step) + 0.8 * step.w_plus[0, 0] - here).norm()) < 0.4
    assert step.end_reason is EndReason.REACHED
