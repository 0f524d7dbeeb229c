"""A window opened, inverted, dragged and taken as a layer, with the tiny generator."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.checkpoints.catalogue import LoadedModel
from engine.composite import ResultForm, lay_over
from engine.drag.handle_hint import REACH, TRACKABLE
from engine.drag.loop import EndReason
from engine.drag.params import DragParams
from engine.errors import SnapshotError
from engine.geometry import Point, PointPair
from engine.images import from_generator, resize, uint8_pixels
from engine.inversion.cache import InversionCache
from engine.inversion.encoder import Encoder, EncoderShape
from engine.inversion.projection import ProjectionParams
from engine.inversion.refinement import RefinementParams
from engine.inversion.stages import InversionParams
from engine.inversion.tuning import TuningParams
from engine.session import PREVIEW_SIZE_PX, EditingSession
from engine.snapshot import Snapshot
from tests.fakes.generator import seeded_weights, tiny_generator, tiny_info, trained_model

SIDE = 48
BRIEF = InversionParams(
    projection=ProjectionParams(samples=16, starts=2, start_steps=2, steps=4),
    refinement=RefinementParams(steps=3),
)
TUNED = dataclasses.replace(BRIEF, tuning=TuningParams(steps=6, learning_rate=3e-3))
LIVELY = DragParams(step_budget=8)
PAIR = PointPair(handle=Point(20.0, 24.0), target=Point(32.0, 24.0))


@pytest.fixture(scope="module")
def model():
    return LoadedModel(generator=tiny_generator(), info=tiny_info(seeded_weights()))


@pytest.fixture(scope="module")
def w_pivot(model):
    return model.generator.sample_w(1, seed=5)


def painted(model, w, side=SIDE):
    """Gives the window that shows the generator's own picture: (side, side, 4), uint8."""
    with torch.no_grad():
        image = from_generator(model.generator.render([w] * model.generator.num_ws))
    return np.dstack([uint8_pixels(resize(image, (side, side))), np.full((side, side), 255, "u1")])


@pytest.fixture
def window(model, w_pivot):
    return painted(model, w_pivot)


@pytest.fixture
def session(model, window, w_pivot):
    opened = EditingSession(model, window, device="cpu")
    opened.set_pivot(w_pivot)
    return opened


def test_a_models_encoder_says_where_the_search_begins(model, window):
    torch.manual_seed(2)
    encoder = Encoder(EncoderShape(channels=(2, 2, 2, 2), width=4, w_dim=12))
    with torch.no_grad():
        encoder.to_w.weight.zero_()
        encoder.to_w.bias.copy_(model.generator.sample_w(1, seed=5)[0])  # the window's own
    knowing = dataclasses.replace(model, encoder=encoder.requires_grad_(False))
    projection = dataclasses.replace(BRIEF.projection, encoder_steps=1)
    params = dataclasses.replace(BRIEF, projection=projection, refinement=None)
    steps = list(EditingSession(knowing, window, device="cpu").invert(params))
    assert torch.equal(steps[0].w_plus[0, 0], encoder.to_w.bias)
    assert [step.step_index for step in steps] == [0, 1]


def half_mask(side=SIDE):
    mask = np.zeros((side, side), np.uint8)
    mask[:, : side // 2] = 255
    return mask


def test_a_picture_is_inverted_dragged_and_taken_as_a_layer(model, window):
    session = EditingSession(model, window, half_mask(), device="cpu")
    losses = [step.loss for step in session.invert(BRIEF)]
    assert len(losses) == BRIEF.step_budget(has_encoder=False) + 1 and losses[-1] <= losses[0]
    # Random weights have no part that moves alone: a weighty mask would hold everything.
    steps = list(session.drag([PAIR], params=replace(LIVELY, mask_weight=0.0)))
    assert steps[-1].end_reason is not None
    assert steps[0].handles_window[0] == pytest.approx(PAIR.handle)
    assert steps[0].distance_px == pytest.approx(12.0)
    layer, patch = session.layer(), session.result()
    assert layer.any() and not layer[:, SIDE // 2 :].any()
    height, width = patch.pixels.shape[:2]
    cut = layer[patch.y : patch.y + height, patch.x : patch.x + width]
    assert np.array_equal(cut, patch.pixels)


def test_what_the_mask_keeps_is_kept_to_the_byte(model, window, w_pivot):
    session = EditingSession(model, window, half_mask(), device="cpu")
    session.set_pivot(w_pivot)
    list(session.drag([PAIR], params=LIVELY))
    edited = lay_over(window, session.layer())
    assert np.array_equal(edited[:, SIDE // 2 :], window[:, SIDE // 2 :])
    assert not np.array_equal(edited, window)


def replaced(window, patch):
    """Gives a window with a replacement written into it."""
    copy, (height, width) = window.copy(), patch.pixels.shape[:2]
    copy[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return copy


def dragged_in_form(form, model, window, w_pivot):
    session = EditingSession(model, window, half_mask(), form=form, device="cpu")
    session.set_pivot(w_pivot)
    list(session.drag([PAIR], params=LIVELY))
    return session


def test_on_an_opaque_window_both_forms_look_alike(model, window, w_pivot):
    patch, whole = (dragged_in_form(form, model, window, w_pivot) for form in ResultForm)
    patched = lay_over(window, patch.layer()).astype(int)
    assert np.abs(patched - whole.layer()).max() <= 2
    assert np.array_equal(whole.layer()[:, SIDE // 2 :], window[:, SIDE // 2 :])
    assert not np.array_equal(whole.layer(), window)


def test_a_replacement_is_cut_to_what_changed(model, window, w_pivot):
    session = dragged_in_form(ResultForm.REPLACEMENT, model, window, w_pivot)
    patch = session.result()
    assert patch.pixels.shape[1] <= SIDE // 2
    assert np.array_equal(replaced(window, patch), session.layer())


def test_the_replacement_before_any_drag_changes_nothing(model, window, w_pivot):
    session = EditingSession(model, window, form=ResultForm.REPLACEMENT, device="cpu")
    session.set_pivot(w_pivot)
    patch = session.result()
    assert patch.pixels.shape == (1, 1, 4) and np.array_equal(replaced(window, patch), window)


def test_the_layer_before_any_drag_is_empty(session):
    patch = session.result()
    assert patch.pixels.shape == (1, 1, 4) and not patch.pixels.any()


def test_a_drag_before_the_inversion_names_the_call_to_make(model, window):
    session = EditingSession(model, window, device="cpu")
    assert not session.is_inverted
    with pytest.raises(ValueError, match=r"call invert\(\) first"):
        next(session.drag([PAIR]))


def test_an_inversion_stopped_early_may_be_dragged(model, window):
    session = EditingSession(model, window, device="cpu")
    next(session.invert(BRIEF))
    assert session.is_inverted
    assert next(session.drag([PAIR])).step_index == 0


def test_a_budget_of_steps_is_kept(session):
    steps = list(session.drag([PAIR], 3))
    assert [step.step_index for step in steps] == [0, 1, 2, 3]
    assert {step.step_budget for step in steps} == {3}
    assert steps[-1].end_reason is EndReason.BUDGET


def test_a_drag_that_is_closed_keeps_the_best_so_far(session):
    steps = session.drag([PAIR], params=DragParams(step_budget=30))
    best, w_plus = float("inf"), session.w_plus
    for _ in range(6):
        step = next(steps)
        if step.distance_px < best:
            best, w_plus = step.distance_px, session.w_plus
    steps.close()
    assert torch.equal(session.w_plus, w_plus)


def test_a_second_drag_begins_where_the_first_ended(session):
    list(session.drag([PAIR], params=LIVELY))
    ended = session.w_plus
    next(session.drag([PAIR], params=LIVELY))
    assert torch.equal(session.w_plus, ended)


def test_only_the_models_dragged_rows_move(model, session):
    first = session.w_plus
    list(session.drag([PAIR], params=LIVELY))
    rows = model.info.dragged_rows
    assert not torch.equal(session.w_plus[:, :rows], first[:, :rows])
    assert torch.equal(session.w_plus[:, rows:], first[:, rows:])


def test_a_window_twice_as_large_is_dragged_the_same_way(model, w_pivot):
    ends = []
    for scale in (1, 2):
        side = SIDE * scale
        session = EditingSession(model, painted(model, w_pivot, side), device="cpu")
        session.set_pivot(w_pivot)
        pair = PointPair(
            handle=Point(PAIR.handle.x * scale, PAIR.handle.y * scale),
            target=Point(PAIR.target.x * scale, PAIR.target.y * scale),
        )
        ends.append((list(session.drag([pair], params=LIVELY))[-1], session.w_plus))
    (small, w_small), (large, w_large) = ends
    assert torch.equal(w_small, w_large)
    assert large.distance_px == pytest.approx(2.0 * small.distance_px)
    assert large.handles_window[0].x == pytest.approx(2.0 * small.handles_window[0].x)


def test_the_preview_is_the_window_before_the_inversion(model, window):
    session = EditingSession(model, window, device="cpu")
    assert np.array_equal(session.preview(), window[:, :, :3])


def test_the_preview_shows_the_edit(session, window):
    list(session.drag([PAIR], params=LIVELY))
    preview = session.preview()
    assert preview.shape == window.shape[:2] + (3,) and preview.dtype == np.uint8
    assert not np.array_equal(preview, window[:, :, :3])


@pytest.mark.parametrize("form", ResultForm)
def test_the_preview_shows_what_the_result_gives_on_white(model, window, w_pivot, form):
    window[:, :10, 3], window[:5, :, 3] = 0, 128
    assert (EditingSession(model, window, device="cpu").preview()[10:, :10] == 255).all()
    session = dragged_in_form(form, model, window, w_pivot)
    laid_in = lay_over(window, session.layer())
    if form is ResultForm.REPLACEMENT:
        laid_in = replaced(window, session.result())
    edited = lay_over(np.full_like(window, 255), laid_in)
    assert np.array_equal(session.preview(), edited[:, :, :3])


@pytest.mark.parametrize("side", [SIDE, PREVIEW_SIZE_PX + 50])
def test_the_colour_under_transparent_pixels_never_shows_in_the_preview(model, w_pivot, side):
    window = painted(model, w_pivot, side)
    window[:, : side // 3, 3] = 0
    clean = np.where(window[:, :, 3:] == 0, 0, window).astype(np.uint8)
    previews = [EditingSession(model, w, device="cpu").preview() for w in (window, clean)]
    assert np.array_equal(*previews)


def test_the_preview_of_a_large_window_is_small(model, w_pivot):
    session = EditingSession(model, painted(model, w_pivot, 500), half_mask(500), device="cpu")
    session.set_pivot(w_pivot)
    assert session.preview().shape == (PREVIEW_SIZE_PX, PREVIEW_SIZE_PX, 3)


def test_a_mask_of_another_size_is_refused(model, window):
    with pytest.raises(ValueError, match="the mask is 47 x 48 px and the window 48 x 48"):
        EditingSession(model, window, half_mask()[:, 1:], device="cpu")


def test_a_mask_that_selects_nothing_is_refused(model, window):
    with pytest.raises(ValueError, match="select what may move"):
        EditingSession(model, window, np.zeros((SIDE, SIDE), np.uint8), device="cpu")


def test_no_pair_is_refused(session):
    with pytest.raises(ValueError, match="no pair to drag"):
        next(session.drag([]))


def test_a_handle_where_nothing_may_move_is_refused_but_not_a_pin(model, window, w_pivot):
    session = EditingSession(model, window, half_mask(), device="cpu")
    session.set_pivot(w_pivot)
    outside = Point(SIDE * 0.75, 24.0)
    with pytest.raises(ValueError, match="lies where the mask lets nothing move"):
        next(session.drag([PointPair(handle=outside, target=PAIR.target)]))
    next(session.drag([PAIR, PointPair(handle=outside, target=outside)]))


def test_a_handle_on_the_edge_of_the_mask_lies_in_it(model, window, w_pivot):
    mask = half_mask()
    session = EditingSession(model, window, mask, device="cpu")
    session.set_pivot(w_pivot)
    edge = float(mask[24].argmin())
    next(session.drag([PointPair(handle=Point(edge, 24.0), target=PAIR.target)]))


@pytest.mark.parametrize("handle", [(-0.1, 5.0), (5.0, 48.1)])
def test_a_handle_outside_the_window_is_refused(session, handle):
    pair = PointPair(handle=Point(*handle), target=Point(5.0, 5.0))
    with pytest.raises(ValueError, match="is outside the window of 48 x 48 px"):
        next(session.drag([pair]))


def test_a_target_outside_the_window_is_only_far_away(session):
    pair = PointPair(handle=Point(40.0, 24.0), target=Point(60.0, 24.0))
    assert next(session.drag([pair])).distance_px == pytest.approx(20.0)


BACK = PointPair(handle=Point(22.0, 30.0), target=Point(18.0, 26.0))


def dragged(session, *pairs):
    """Drags each pair in turn; gives what was shown after each."""
    shown = []
    for pair in pairs:
        list(session.drag([pair], params=LIVELY))
        shown.append(session.w_plus)
    return shown


def test_a_session_without_a_drag_has_nothing_to_undo(model, window, session):
    for opened in (session, EditingSession(model, window, device="cpu")):
        assert not opened.can_undo and not opened.can_redo
        assert (opened.trajectory, opened.position, opened.amount) == (1, 0, 1.0)
    with pytest.raises(ValueError, match="no drag to undo"):
        session.undo()
    with pytest.raises(ValueError, match="no drag to redo"):
        session.redo()


def test_undo_and_redo_go_from_drag_to_drag(session):
    before = session.w_plus
    first, second = dragged(session, PAIR, BACK)
    assert (session.undo_depth, session.redo_depth) == (2, 0)
    for move, expected in (
        (session.undo, first),
        (session.undo, before),
        (session.redo, first),
        (session.redo, second),
    ):
        move()
        assert torch.equal(session.w_plus, expected)


def test_layer_and_preview_show_the_present(session, window):
    first, _ = dragged(session, PAIR, BACK)
    ends = session.layer(), session.preview()
    session.undo()
    assert not np.array_equal(session.layer(), ends[0])
    assert not np.array_equal(session.preview(), ends[1])
    session.undo()
    assert not session.result().pixels.any()
    assert np.array_equal(session.preview(), window[:, :, :3])


def test_a_drag_after_an_undo_drops_what_was_undone(session):
    first, _ = dragged(session, PAIR, BACK)
    session.undo()
    dragged(session, BACK)
    assert (session.undo_depth, session.redo_depth) == (2, 0)
    session.undo()
    assert torch.equal(session.w_plus, first)


def test_every_step_of_a_drag_can_be_shown_again(session):
    before = session.w_plus
    dragged(session, PAIR)
    assert session.trajectory == LIVELY.step_budget + 1
    session.scrub(0)
    assert torch.equal(session.w_plus, before)
    session.scrub(LIVELY.step_budget)
    assert session.position == LIVELY.step_budget
    with pytest.raises(ValueError, match="choose one from 0 to 8"):
        session.scrub(9)


def test_the_amount_weakens_the_last_drag_alone(session):
    first, second = dragged(session, PAIR, BACK)
    session.scrub(session.trajectory - 1)
    end = session.w_plus
    session.set_amount(0.0)
    assert torch.equal(session.w_plus, first)
    session.set_amount(1.5)
    torch.testing.assert_close(session.w_plus, first + 1.5 * (end - first))


def test_a_new_drag_begins_at_the_picture_as_shown(session):
    dragged(session, PAIR)
    session.scrub(session.trajectory - 1)
    session.set_amount(0.5)
    shown = session.w_plus
    steps = session.drag([BACK], params=LIVELY)
    next(steps)
    next(steps)
    steps.close()
    session.scrub(0)
    assert torch.equal(session.w_plus, shown)


def test_a_drag_stopped_before_an_update_leaves_the_history_as_it_was(session):
    dragged(session, PAIR)
    session.undo()
    next(session.drag([BACK]))  # closed with its last reference
    assert (session.undo_depth, session.redo_depth) == (0, 1)


def test_while_a_drag_runs_the_history_is_left_alone(session):
    dragged(session, PAIR)
    steps = session.drag([BACK], params=LIVELY)
    next(steps)
    for change in (
        session.undo,
        session.redo,
        lambda: session.scrub(0),
        lambda: session.set_amount(1.0),
        lambda: session.set_pivot(session.w_plus[:, 0]),
        lambda: next(session.invert(BRIEF)),
        lambda: next(session.drag([PAIR])),
    ):
        with pytest.raises(ValueError, match="a drag runs; end it before"):
            change()
    assert session.undo_depth == 1
    steps.close()
    session.undo()


def test_an_inversion_begins_the_history_anew(session):
    dragged(session, PAIR)
    next(session.invert(BRIEF))
    assert (session.undo_depth, session.redo_depth) == (0, 0)


PIN = PointPair(handle=Point(30.0, 30.0), target=Point(30.0, 30.0))


def test_pairs_are_changed_only_while_a_drag_runs(session):
    with pytest.raises(ValueError, match="no drag runs"):
        session.set_pairs([PAIR])


def test_a_drag_that_has_told_its_last_step_runs_no_more(session):
    for step in session.drag([PAIR], 2):
        if step.end_reason is not None:
            with pytest.raises(ValueError, match="no drag runs"):
                session.set_pairs([PAIR])


def test_set_pairs_takes_no_less_than_a_drag(session):
    steps = session.drag([PAIR], params=LIVELY)
    next(steps)
    with pytest.raises(ValueError, match="no pair to drag"):
        session.set_pairs([])
    with pytest.raises(ValueError, match="is outside the window"):
        session.set_pairs([PointPair(handle=Point(50.0, 1.0), target=Point(1.0, 1.0))])
    assert next(steps).step_index == 1


def test_a_pair_is_known_by_its_handle(session):
    steps = session.drag([PAIR, PIN], params=LIVELY)
    for _ in range(3):
        before = next(steps)
    moved = PointPair(handle=PAIR.handle, target=Point(10.0, 40.0))
    new = PointPair(handle=Point(8.0, 8.0), target=Point(4.0, 8.0))
    session.set_pairs([new, PIN, moved])
    after = next(steps)
    ways = [
        np.hypot(found.x - was.x, found.y - was.y)
        for found, was in zip(
            after.handles_window,
            (new.handle, before.handles_window[1], before.handles_window[0]),
            strict=True,
        )
    ]
    reach = 2**0.5 * DragParams().tracking_radius * SIDE / 16
    assert len(after.confidences) == 3 and max(ways) <= reach


def test_the_same_pairs_again_change_nothing(session):
    def way(again):
        steps = session.drag([PAIR, PIN], params=LIVELY)
        for _ in range(5):
            next(steps)
            if again:
                session.set_pairs([PAIR, PIN])
        last = next(steps)
        steps.close()
        session.scrub(session.trajectory - 1)
        rows = session.w_plus
        session.undo()
        return last.handles_window, rows

    (handles, rows), (handles_again, rows_again) = way(False), way(True)
    assert handles == handles_again and torch.equal(rows, rows_again)


def test_a_pair_that_becomes_a_pin_is_held_where_it_is_now(session):
    steps = session.drag([PAIR], params=LIVELY)
    for _ in range(3):
        here = next(steps).handles_window[0]
    assert here != PAIR.handle
    pinned = PointPair(handle=PAIR.handle, target=PAIR.handle)
    session.set_pairs([pinned])
    session.set_pairs([pinned])  # said twice is still the same place
    after = next(steps)
    assert after.distance_px == 0.0
    is_held = np.hypot(*(np.array(after.handles_window[0]) - here)) <= 0.25 * SIDE / 16 + 1e-6
    assert (after.end_reason is EndReason.REACHED) == is_held


def test_after_the_last_pair_is_pinned_a_drag_with_a_target_starts_it_again(session):
    steps = session.drag([PAIR], params=LIVELY)
    next(steps)
    next(steps)
    session.set_pairs([PointPair(handle=PAIR.handle, target=PAIR.handle)])
    session.set_pairs([PAIR])
    assert next(steps).distance_px > 0.0


@pytest.fixture
def kept(model, window, w_pivot):
    """A session with a mask that has seen everything: two drags, the last weakened and undone."""
    session = EditingSession(model, window, half_mask(), device="cpu")
    session.set_pivot(w_pivot)
    dragged(session, PAIR, BACK)
    session.set_amount(0.7)
    session.scrub(3)
    session.undo()
    session.scrub(5)
    session.set_amount(1.3)
    return session


def test_a_restored_session_goes_on_bit_for_bit(model, kept):
    restored = EditingSession.restore(model, kept.snapshot(), device="cpu")
    for move in ("redo", "undo"):
        assert np.array_equal(restored.layer(), kept.layer())
        for session in (restored, kept):
            getattr(session, move)()
    first, second = (list(s.drag([PAIR], 2, LIVELY)) for s in (restored, kept))
    assert first == second and torch.equal(restored.w_plus, kept.w_plus)
    assert restored.snapshot() == kept.snapshot()


def test_a_session_is_saved_and_reopened(model, kept, tmp_path):
    kept.save(tmp_path / "cat.draglayer")
    reopened = EditingSession.reopen(model, tmp_path / "cat.draglayer", device="cpu")
    assert reopened.snapshot() == kept.snapshot()


def test_a_snapshot_without_pixels_is_restored_over_them(model, kept, window):
    content = kept.snapshot(with_pixels=False)
    assert len(content) < len(kept.snapshot()) - window.nbytes / 2
    given = {"window_rgba": window, "editable_mask": half_mask(), "device": "cpu"}
    restored = EditingSession.restore(model, content, **given)
    assert np.array_equal(restored.layer(), kept.layer())
    assert restored.snapshot() == kept.snapshot()
    whole = EditingSession.restore(model, content, **given, form=ResultForm.REPLACEMENT)
    assert np.array_equal(whole.layer(), replaced(window, whole.result()))
    with pytest.raises(SnapshotError, match="no picture"):
        EditingSession.restore(model, content, device="cpu")


def test_a_session_that_was_not_inverted_is_restored_as_such(model, window):
    session = EditingSession(model, window, device="cpu")
    restored = EditingSession.restore(model, session.snapshot(), device="cpu")
    assert not restored.is_inverted and np.array_equal(restored.preview(), session.preview())


def test_a_drag_that_runs_is_kept_as_if_it_ended_now(model, session):
    steps = session.drag([PAIR], params=LIVELY)
    for _ in range(4):
        next(steps)
    running = session.snapshot()
    shown = session.layer()
    steps.close()
    assert session.snapshot() == running
    assert np.array_equal(EditingSession.restore(model, running, device="cpu").layer(), shown)


def test_a_session_of_another_model_is_refused(model, session):
    info = dataclasses.replace(model.info, weights_sha256="1" * 64, title="Other")
    other = LoadedModel(generator=model.generator, info=info)
    with pytest.raises(SnapshotError, match="'Tiny' and this is another one, 'Other'"):
        EditingSession.restore(other, session.snapshot(), device="cpu")


def test_a_document_of_no_window_is_refused(model, session):
    read = Snapshot.from_bytes(session.snapshot())
    for window in (read.window[:, :10], np.zeros_like(read.window)):
        content = dataclasses.replace(read, window=np.ascontiguousarray(window)).to_bytes()
        with pytest.raises(SnapshotError, match="contradicts itself"):
            EditingSession.restore(model, content, device="cpu")


@pytest.fixture(scope="module")
def trained():
    return trained_model()


@pytest.fixture(scope="module")
def cast(trained):
    """A window in colours that no latent of the trained model paints."""
    window = painted(trained, trained.generator.sample_w(1, seed=8))
    return (window * np.array([1.0, 0.9, 0.7, 1.0])).astype(np.uint8)


@pytest.fixture
def tuned(trained, cast):
    """A session whose picture is painted by weights of its own."""
    session = EditingSession(trained, cast, half_mask(), device="cpu")
    *_, last = session.invert(TUNED)
    assert last.changes
    return session


def test_a_tuned_session_paints_the_picture_and_drags_as_the_model_does(trained, cast, tuned):
    plain = EditingSession(trained, cast, half_mask(), device="cpu")
    plain.set_latent(tuned.w_plus)
    assert tuned.match.share > plain.match.share
    assert list(tuned.drag([PAIR], 2, LIVELY)) == list(plain.drag([PAIR], 2, LIVELY))
    assert torch.equal(tuned.w_plus, plain.w_plus)
    assert not np.array_equal(tuned.layer(), plain.layer())


def test_a_tuned_session_is_restored_bit_for_bit(trained, cast, tuned):
    dragged(tuned, PAIR)
    restored = EditingSession.restore(trained, tuned.snapshot(), device="cpu")
    assert restored.snapshot() == tuned.snapshot() and restored.match == tuned.match
    assert np.array_equal(restored.layer(), tuned.layer())
    assert np.array_equal(restored.preview(), tuned.preview())
    given = {"window_rgba": cast, "editable_mask": half_mask(), "device": "cpu"}
    again = EditingSession.restore(trained, tuned.snapshot(with_pixels=False), **given)
    assert np.array_equal(again.layer(), tuned.layer())


def test_another_latent_is_painted_by_the_model_itself(trained, cast, tuned):
    plain = EditingSession(trained, cast, half_mask(), device="cpu")
    for session in (tuned, plain):
        session.set_pivot(trained.generator.sample_w(1, seed=5))
    assert tuned.match == plain.match


def test_weights_that_the_model_does_not_have_are_refused(trained, tuned):
    read = Snapshot.from_bytes(tuned.snapshot())
    content = dataclasses.replace(read, changes={"a": torch.zeros(1).half()}).to_bytes()
    with pytest.raises(SnapshotError, match="contradicts itself"):
        EditingSession.restore(trained, content, device="cpu")


def test_a_second_tuned_session_starts_at_once(trained, cast):
    inversions = InversionCache()
    first, second = (
        EditingSession(trained, cast, device="cpu", inversions=inversions) for _ in range(2)
    )
    *_, last = first.invert(TUNED)
    (step,) = second.invert(TUNED)
    assert step.match == last.match == second.match and last.changes
    for session in (first, second):
        dragged(session, PAIR)
    assert np.array_equal(first.layer(), second.layer())


def test_a_second_session_on_the_same_pixels_starts_at_once(model, window):
    inversions = InversionCache()
    first, second = (
        EditingSession(model, window, device="cpu", inversions=inversions) for _ in range(2)
    )
    *_, last = first.invert(BRIEF)
    (step,) = second.invert(BRIEF)
    assert (step.step_index, step.loss) == (last.step_budget, last.loss)
    assert step.match == last.match == second.match
    assert torch.equal(first.w_plus, second.w_plus)


def test_an_inversion_that_was_stopped_is_made_again(model, window):
    session = EditingSession(model, window, device="cpu")
    next(session.invert(BRIEF))
    assert len(list(session.invert(BRIEF))) == BRIEF.step_budget(has_encoder=False) + 1


def test_a_hint_tells_a_place_near_the_handle_that_is_no_worse(session):
    handle = Point(20.0, 24.0)
    hint = session.handle_hint(handle)
    assert 0.0 <= hint.confidence <= hint.best_confidence <= 1.0
    assert hint.is_trackable == (hint.confidence >= TRACKABLE)
    way = np.abs(np.array(hint.best_place_window) - handle)
    assert way.max() <= REACH * SIDE / 16 + 1e-6
    again = session.handle_hint(hint.best_place_window)
    assert again.confidence == pytest.approx(hint.best_confidence, abs=1e-5)


def test_a_hint_is_of_the_picture_as_shown(session):
    before = session.handle_hint(PAIR.handle)
    dragged(session, PAIR)
    session.scrub(session.trajectory - 1)
    assert session.handle_hint(PAIR.handle) != before
    session.undo()
    assert session.handle_hint(PAIR.handle) == before


def test_the_first_step_of_a_drag_is_as_sure_as_the_hint(session):
    (confidence,) = next(session.drag([PAIR])).confidences
    assert session.handle_hint(PAIR.handle).confidence == pytest.approx(confidence, abs=1e-6)


def test_a_hint_outside_the_window_or_before_the_inversion_is_refused(model, window, session):
    with pytest.raises(ValueError, match="is outside the window"):
        session.handle_hint(Point(60.0, 1.0))
    with pytest.raises(ValueError, match=r"call invert\(\) first"):
        EditingSession(model, window, device="cpu").handle_hint(PAIR.handle)


def test_a_match_is_told_of_a_picture_that_has_a_latent(model, window, session):
    assert session.match.share == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ValueError, match=r"call invert\(\) first"):
        _ = EditingSession(model, window, device="cpu").match


def test_a_match_is_of_the_latent_that_is_set(model, window, session):
    known = session.match
    session.set_pivot(session.w_plus[:, 0] + 3.0)
    assert session.match.share < known.share


def test_finer_rows_that_differ_are_dragged_and_restored(model, window):
    session = EditingSession(model, window, device="cpu")
    list(session.invert(BRIEF))
    assert not torch.equal(session.w_plus[:, 0], session.w_plus[:, -1])
    dragged(session, PAIR)
    restored = EditingSession.restore(model, session.snapshot(), device="cpu")
    assert torch.equal(restored.w_plus, session.w_plus)
    assert np.array_equal(restored.layer(), session.layer())
