import dataclasses

import pytest

from bridge_client import (
    PROFILE_NAMES,
    SEEN_NAMES,
    Bounds,
    ChangeRefused,
    DragProgress,
    EditModel,
    EditState,
    Extent,
    Failed,
    HandleHint,
    HandlesChecked,
    HistoryChanged,
    HistoryState,
    InversionProfile,
    InversionProgress,
    LayerResult,
    Match,
    MatchLevel,
    MatchMeasured,
    PairMark,
    PairsTaken,
    Point,
    PointPair,
    PreviewReady,
    ResultReady,
    Seen,
    StateChanged,
)

PAIR = PointPair(Point(20, 20), Point(30, 20))
PIN = PointPair(Point(40, 40), Point(40, 40))
RESULT = LayerResult(Bounds(1, 2, 1, 1), bytes(4), "rgba8")


@pytest.fixture
def model():
    """A model with a layer, a selection and one pair."""
    ready = EditModel()
    ready.set_source(
        canvas=Extent(100, 80),
        layer_content=Bounds(0, 0, 100, 80),
        selection=Bounds(10, 10, 40, 40),
    )
    ready.set_pairs([PAIR])
    return ready


def test_an_empty_model_says_what_is_missing():
    model = EditModel()
    assert not model.can_start and "no layer" in model.why_not_start
    assert model.window_canvas is None


def test_a_layer_and_a_pair_can_start(model):
    assert model.can_start and model.why_not_start == ""
    assert model.window_canvas == Bounds(10, 10, 40, 40)
    assert not model.can_cancel and not model.can_insert


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([], "no points"),
        ([PIN], "nothing would move"),
        ([PAIR] * 257, "257 lines"),
        ([PointPair(Point(20, 20), Point(500, 20))], "outside the canvas"),
    ],
)
def test_pairs_that_make_no_edit_get_a_sentence(model, pairs, sentence):
    model.set_pairs(pairs)
    assert sentence in model.why_not_start


def test_a_pin_beside_a_pair_is_fine(model):
    model.set_pairs([PAIR, PIN])
    assert model.can_start


def test_the_hosts_own_problem_comes_first_and_goes_with_the_next_layer(model):
    model.set_source_problem("Choose a paint layer.")
    assert model.why_not_start == "Choose a paint layer."
    model.set_source(canvas=Extent(9, 9), layer_content=Bounds(0, 0, 9, 9), selection=None)
    model.set_pairs([PointPair(Point(1, 1), Point(2, 2))])
    assert model.can_start and model.selection_canvas is None


def test_a_running_edit_can_be_cancelled_and_not_started(model):
    model.mark_started()
    assert model.is_busy and model.can_cancel and not model.can_start
    assert model.why_not_start == "An edit is running."


def test_cancel_shows_at_once_and_old_news_does_not_undo_it(model):
    model.mark_started()
    model.mark_cancelling()
    model.apply(StateChanged(EditState.DRAGGING))
    assert model.status_text.startswith("Stopping") and not model.can_cancel
    model.apply(StateChanged(EditState.CANCELLED))
    assert model.status_text == "Cancelled." and model.can_start


def test_progress_only_grows(model):
    model.mark_started()
    seen = [model.progress]
    for event in (
        InversionProgress(0, 4, 1.0),
        InversionProgress(3, 4, 0.5),
        DragProgress(0, 10, (Point(21, 20),), 9.0),
        DragProgress(8, 10, (Point(29, 20),), 1.0),
        ResultReady(RESULT, "reached"),
    ):
        model.apply(event)
        seen.append(model.progress)
    assert seen == sorted(seen) and (seen[0], seen[-1]) == (0.0, 1.0)


def test_the_handles_are_where_tracking_found_them(model):
    assert handles(model) == [Point(20, 20)]
    model.mark_started()
    model.apply(StateChanged(EditState.DRAGGING))
    model.apply(DragProgress(4, 10, (Point(25, 20),), 5.04))
    assert handles(model) == [Point(25, 20)]
    assert model.status_text == "Dragging: step 4 of at most 10, 5.0 px to go."


def matched(level):
    return MatchMeasured(Match(share=0.5, level=level, sentence="How well it is drawn."))


@pytest.mark.parametrize("level", MatchLevel)
def test_the_match_is_said_before_and_in_the_drag(model, level):
    model.mark_started()
    model.apply(StateChanged(EditState.INVERTING))
    assert model.match is None
    model.apply(matched(level))
    assert model.status_text.startswith("How well it is drawn.\n")
    model.apply(StateChanged(EditState.DRAGGING))
    model.apply(DragProgress(4, 10, (Point(25, 20),), 5.0))
    assert model.status_text.startswith("How well it is drawn.\nDragging: step 4")


@pytest.mark.parametrize("level", MatchLevel)
def test_a_match_that_is_not_good_explains_the_result_too(model, level):
    model.mark_started()
    model.apply(matched(level))
    model.apply(ResultReady(RESULT, "reached"))
    model.apply(StateChanged(EditState.DONE))
    assert ("How well" in model.status_text) == (level is not MatchLevel.GOOD)
    assert model.status_text.endswith("The points have arrived.")
    model.mark_started()
    assert model.match is None and "How well" not in model.status_text


def test_every_profile_has_a_name():
    assert list(PROFILE_NAMES) == list(InversionProfile)


def test_everything_that_can_be_seen_has_a_name():
    assert list(SEEN_NAMES) == list(Seen)


def test_a_model_that_sees_the_layer_gets_the_layers_window_and_the_selection_stays(model):
    model.set_seen(Seen.LAYER)
    assert model.window_canvas == Bounds(0, -10, 100, 100)
    assert model.selection_canvas == Bounds(10, 10, 40, 40)
    model.set_seen(Seen.SELECTION)
    assert model.window_canvas == Bounds(10, 10, 40, 40)


def test_a_result_can_be_inserted_once(model):
    model.mark_started()
    model.apply(ResultReady(RESULT, "stalled"))
    assert not model.can_insert
    model.apply(StateChanged(EditState.DONE))
    assert model.can_insert and "no closer" in model.status_text
    assert (model.result, model.result_reason) == (RESULT, "stalled")
    model.mark_inserted()
    assert not model.can_insert and model.state is EditState.IDLE


def test_a_cancelled_edit_with_a_result_can_be_inserted(model):
    model.mark_started()
    model.apply(ResultReady(RESULT, "cancelled"))
    model.apply(StateChanged(EditState.CANCELLED))
    assert model.can_insert and "best so far" in model.status_text


def test_a_failure_is_told_and_the_next_start_forgets_it(model):
    model.mark_started()
    model.apply(Failed("The bridge has gone.", "Press Start."))
    model.apply(StateChanged(EditState.FAILED))
    assert model.status_text == "The bridge has gone. Press Start." and model.can_start
    assert model.failure is not None
    model.mark_started()
    assert model.failure is None and model.status_text.startswith("Looking")


def test_the_latest_preview_is_shown_until_the_next_start(model):
    model.apply(PreviewReady(b"one"))
    model.apply(PreviewReady(b"two"))
    assert model.preview_jpeg == b"two"
    model.mark_started()
    assert model.preview_jpeg is None


DRAGGED = HistoryState(undo_depth=1, redo_depth=1, position=4, last_position=9, amount=0.5)


AS_DRAGGED = HistoryState(undo_depth=1, position=9, last_position=9)


def handles(model):
    return [mark.handle for mark in model.marks]


def run_to(model, state):
    model.mark_started()
    model.apply(StateChanged(state))
    return model


@pytest.fixture
def dragged(model):
    """A model whose edit is over and stays open."""
    run_to(model, EditState.FETCHING)
    for event in (HistoryChanged(DRAGGED), ResultReady(RESULT, "reached")):
        model.apply(event)
    model.apply(StateChanged(EditState.DONE))
    return model


@pytest.mark.parametrize(
    ("state", "can_pause", "can_resume", "can_set_pairs"),
    [
        (EditState.CONNECTING, False, False, False),
        (EditState.QUEUED, False, False, True),
        (EditState.INVERTING, True, False, True),
        (EditState.DRAGGING, True, False, True),
        (EditState.PAUSED, False, True, True),
        (EditState.SHOWING, False, False, False),
        (EditState.CANCELLING, False, False, False),
        (EditState.DONE, False, False, False),
    ],
)
def test_what_a_running_edit_allows(model, state, can_pause, can_resume, can_set_pairs):
    run_to(model, state)
    assert (model.can_pause, model.can_resume) == (can_pause, can_resume)
    assert model.can_set_pairs is can_set_pairs


def test_a_paused_edit_is_busy_and_can_be_cancelled(model):
    run_to(model, EditState.PAUSED)
    assert model.is_busy and model.can_cancel and not model.can_start
    assert model.status_text == "Paused."


def test_an_open_edit_can_be_gone_through(dragged):
    assert dragged.can_undo and dragged.can_redo and dragged.can_show
    assert dragged.history == DRAGGED


def test_there_is_no_history_before_the_first_drag_nor_in_a_new_edit(model, dragged):
    assert model is dragged
    dragged.mark_started()
    assert not (dragged.can_undo or dragged.can_redo or dragged.can_show)
    assert dragged.history == HistoryState()


def test_while_an_undo_is_made_nothing_else_is_allowed(dragged):
    dragged.mark_moving()
    allowed = (dragged.can_undo, dragged.can_redo, dragged.can_show, dragged.can_start)
    assert dragged.is_busy and not any(allowed) and not dragged.can_insert
    assert dragged.result is RESULT


@pytest.mark.parametrize(
    "state", [EditState.QUEUED, EditState.SHOWING, EditState.FETCHING, EditState.DONE]
)
def test_the_slider_stays_alive_while_it_is_moved(dragged, state):
    dragged.mark_showing()
    dragged.apply(StateChanged(state))
    assert dragged.can_show


def test_a_look_at_another_step_is_no_drag(dragged):
    for mark, is_dragging in (
        (dragged.mark_moving, False),
        (dragged.mark_showing, False),
        (dragged.mark_dragging_on, True),
        (dragged.mark_started, True),
    ):
        mark()
        assert dragged.is_busy and dragged.is_dragging is is_dragging


def test_a_start_takes_the_slider_away(dragged):
    dragged.mark_showing()
    dragged.apply(StateChanged(EditState.DONE))
    dragged.mark_started()
    assert not dragged.can_show


UNDONE = HistoryState(undo_depth=0, redo_depth=1)


def test_an_edit_that_was_undone_cannot_be_inserted_and_says_what_is_shown(dragged):
    dragged.mark_moving()
    for event in (HistoryChanged(UNDONE), ResultReady(RESULT, "shown")):
        dragged.apply(event)
    dragged.apply(StateChanged(EditState.DONE))
    assert dragged.has_edit and not dragged.can_insert and not dragged.can_undo
    assert dragged.status_text == "This is the picture before the drag."
    assert dragged.can_redo and dragged.has_history


NEXT = PointPair(Point(15, 40), Point(20, 40))


def test_other_pairs_can_be_dragged_on_from_where_the_edit_stands(dragged):
    assert "Draw where" in dragged.why_not_drag_on
    dragged.set_pairs([NEXT])
    assert dragged.can_drag_on
    dragged.mark_dragging_on()
    assert dragged.is_busy and dragged.result is None and not dragged.can_drag_on
    assert dragged.history == DRAGGED


def test_what_is_seen_by_the_next_edit_is_not_seen_by_the_open_one(dragged):
    dragged.set_seen(Seen.LAYER)
    assert dragged.shown_window_canvas == Bounds(10, 10, 40, 40)
    dragged.set_pairs([PointPair(Point(15, 40), Point(60, 40))])
    assert "outside of what is being edited" in dragged.why_not_drag_on
    dragged.mark_started()
    assert dragged.shown_window_canvas == Bounds(0, -10, 100, 100)


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([], "Draw where"),
        ([PIN], "nothing would move"),
        ([PointPair(Point(20, 20), Point(60, 20))], "outside of what is being edited"),
    ],
)
def test_why_it_cannot_be_dragged_on_is_said(dragged, pairs, sentence):
    dragged.set_pairs(pairs)
    assert not dragged.can_drag_on and sentence in dragged.why_not_drag_on


def test_before_the_first_drag_there_is_nothing_to_drag_on_from(model):
    assert "press Start" in model.why_not_drag_on
    model.mark_started()
    assert model.why_not_drag_on == "An edit is running."


def test_a_further_drag_that_failed_can_be_tried_again(dragged):
    dragged.set_pairs([NEXT])
    dragged.mark_dragging_on()
    dragged.apply(Failed("No memory.", "Close something."))
    dragged.apply(StateChanged(EditState.FAILED))
    assert dragged.can_drag_on


def test_what_is_dragged_is_shown_until_other_pairs_are_drawn(dragged):
    dragged.apply(HistoryChanged(AS_DRAGGED))
    dragged.apply(DragProgress(4, 10, (Point(29, 20),), 1.0))
    assert handles(dragged) == [Point(29, 20)]
    dragged.mark_inserted()
    assert handles(dragged) == [PAIR.handle]
    dragged.set_pairs([NEXT, PIN])
    assert handles(dragged) == [NEXT.handle, PIN.handle]


def test_an_undone_drag_shows_its_points_where_they_were_drawn(dragged):
    dragged.set_pairs([NEXT])
    dragged.mark_dragging_on()
    dragged.apply(DragProgress(4, 10, (Point(29, 20),), 1.0))
    for mark, depth, handle in (
        (lambda: None, 2, Point(29, 20)),
        (dragged.mark_moving, 1, NEXT.handle),
        (dragged.mark_moving, 2, Point(29, 20)),
    ):
        mark()
        dragged.apply(HistoryChanged(dataclasses.replace(AS_DRAGGED, undo_depth=depth)))
        dragged.apply(ResultReady(RESULT, "reached"))
        dragged.apply(StateChanged(EditState.DONE))
        assert handles(dragged) == [handle]


@pytest.mark.parametrize("shown", [{"position": 1}, {"amount": 0.5}, {"undo_depth": 0}])
def test_a_drag_that_is_shown_otherwise_has_its_handles_where_they_were_drawn(dragged, shown):
    dragged.apply(DragProgress(4, 10, (Point(29, 20),), 1.0))
    history = {"undo_depth": 1, "redo_depth": 1, "position": 4, "last_position": 4, **shown}
    dragged.apply(HistoryChanged(HistoryState(**history)))
    assert handles(dragged) == [PAIR.handle]


def test_the_window_shown_is_that_of_the_edit_while_there_is_one(model, dragged):
    window = Bounds(10, 10, 40, 40)
    model.set_source(canvas=Extent(9, 9), layer_content=Bounds(0, 0, 9, 9), selection=None)
    model.set_pairs([PointPair(Point(1, 1), Point(2, 2))])
    assert dragged.shown_window_canvas == window
    dragged.mark_inserted()
    assert dragged.shown_window_canvas == Bounds(0, 0, 9, 9)


def test_the_pause_button_says_what_it_does(model):
    assert run_to(model, EditState.DRAGGING).pause_text == "Pause"
    assert run_to(model, EditState.PAUSED).pause_text == "Resume"


def test_the_history_stays_open_after_the_layer_was_inserted(dragged):
    dragged.mark_inserted()
    assert dragged.can_undo and not dragged.can_insert


def test_a_refused_change_is_told_while_the_edit_goes_on(model):
    run_to(model, EditState.DRAGGING)
    model.apply(ChangeRefused("The point lies outside.", "Move it."))
    assert model.is_busy and model.status_text == "The point lies outside. Move it."


def test_a_point_that_a_drag_may_have_lost_is_told(model):
    run_to(model, EditState.DRAGGING)
    model.apply(DragProgress(1, 9, (Point(21, 20),), 5.0, (0.5,)))
    assert "lost" not in model.status_text and model.marks[0].is_sure
    model.apply(DragProgress(2, 9, (Point(23, 20),), 4.0, (0.05,)))
    assert model.status_text.endswith("4.0 px to go. The point now at (23, 20) may be lost.")
    model.apply(ResultReady(RESULT, "stalled"))
    model.apply(StateChanged(EditState.DONE))
    assert model.status_text.endswith("was found. The point now at (23, 20) may be lost.")


def test_pairs_that_change_while_the_drag_runs_keep_what_is_known_of_their_handles(model):
    run_to(model, EditState.DRAGGING)
    model.apply(DragProgress(1, 9, (Point(23, 20),), 5.0, (0.5,)))
    moved = PointPair(PAIR.handle, Point(35, 25))
    model.set_pairs([PIN, moved])
    assert handles(model) == [PIN.handle, Point(23, 20)]
    model.apply(PairsTaken((PIN, moved), 1))
    late = DragProgress(2, 9, (Point(24, 20),), 4.0, (0.5,), 0)
    model.apply(late)
    assert handles(model) == [PIN.handle, Point(24, 20)]
    model.apply(DragProgress(3, 9, (Point(41, 40), Point(26, 21)), 3.0, (0.9, 0.5), 1))
    assert handles(model) == [Point(41, 40), Point(26, 21)]
    model.apply(StateChanged(EditState.DONE))
    model.apply(HistoryChanged(HistoryState(undo_depth=1)))
    assert "Draw where to drag next" in model.why_not_drag_on


def test_a_change_that_was_taken_takes_the_refusal_before_it_away(model):
    run_to(model, EditState.DRAGGING)
    model.apply(ChangeRefused("The point lies outside.", "Move it."))
    model.apply(PairsTaken((PAIR,), 1))
    assert model.status_text == "Dragging …"


@pytest.mark.parametrize(
    ("pairs", "can_set"), [([PAIR], True), ([], False), ([PIN], False), ([PAIR] * 257, False)]
)
def test_a_drag_goes_on_with_pairs_of_which_one_moves(model, pairs, can_set):
    run_to(model, EditState.PAUSED)
    model.set_pairs(pairs)
    assert model.takes_pairs and model.can_set_pairs is can_set


@pytest.mark.parametrize("reason", ["shown", "restored"])
def test_every_reason_has_a_sentence(dragged, reason):
    dragged.apply(ResultReady(RESULT, reason))
    assert dragged.status_text.endswith(".")


def hint(is_trackable, best=PAIR.handle):
    return HandleHint(
        confidence=0.9 if is_trackable else 0.1,
        is_trackable=is_trackable,
        best_place_canvas=best,
        best_confidence=0.9,
    )


def checked(model, *hints):
    model.mark_checking()
    model.apply(StateChanged(EditState.CHECKING))
    model.apply(HandlesChecked(model.pairs, hints))
    model.apply(StateChanged(EditState.DONE))


def test_a_check_tells_what_cannot_be_followed_until_the_pairs_are_others(model):
    checked(model, hint(False, Point(21, 22)))
    assert model.status_text == (
        "The point at (20, 20) is hard to follow; one at (21, 22) would be easier."
    )
    assert model.marks == (
        PairMark(
            handle=PAIR.handle,
            target=PAIR.target,
            is_pin=False,
            is_sure=False,
            easier=Point(21, 22),
        ),
    )
    assert model.can_start and model.has_edit and not model.can_insert
    model.set_pairs([PAIR, PIN])
    assert model.status_text == "Ready."
    assert [mark.is_sure for mark in model.marks] == [False, True]


def test_what_a_check_found_ends_with_the_drag(model):
    checked(model, hint(False))
    model.mark_started()
    assert model.marks[0].is_sure


def test_a_start_forgets_the_picture_of_the_edit_before_and_a_check_of_its_window_does_not(model):
    checked(model, hint(True))
    model.apply(PreviewReady(b"jpeg"))
    checked(model, hint(True))
    assert model.preview_jpeg == b"jpeg"
    model.mark_started()
    assert model.preview_jpeg is None


def test_a_check_is_of_its_window(model):
    checked(model, hint(True))
    assert model.status_text == "Every point can be followed."
    model.set_source(
        canvas=Extent(100, 80), layer_content=Bounds(0, 0, 100, 80), selection=Bounds(5, 5, 50, 50)
    )
    assert not model.has_edit


def test_a_check_of_what_would_be_dragged_on_keeps_the_edit(dragged):
    assert not dragged.can_check and "Draw where" in dragged.why_not_check
    dragged.set_pairs([NEXT])
    assert dragged.can_check
    checked(dragged, hint(False, NEXT.handle))
    assert "hard to follow, and so is all that is near it." in dragged.status_text
    assert dragged.can_insert and dragged.can_drag_on and dragged.history == DRAGGED


def test_a_check_can_be_cancelled_and_takes_no_other_pairs(model):
    model.mark_checking()
    model.apply(StateChanged(EditState.INVERTING))
    assert model.can_cancel and not model.takes_pairs
    model.mark_cancelling()
    model.apply(StateChanged(EditState.CHECKING))
    assert model.state is EditState.CANCELLING
