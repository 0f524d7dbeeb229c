"""What is said of an edit while its events come, and what is kept of them."""

import pytest

from bridge_client import (
    Bounds,
    DragProgress,
    HandleHint,
    HandlesChecked,
    LayerResult,
    Match,
    MatchLevel,
    MatchMeasured,
    Point,
    PointPair,
    ResultReady,
)
from draglayer_cli.outcome import followed

PAIR = PointPair(Point(3, 4), Point(6, 8))
RESULT = ResultReady(LayerResult(Bounds(0, 0, 1, 1), bytes(4), "rgba8"), "stalled")


def hint(*, is_trackable):
    return HandleHint(
        confidence=0.9 if is_trackable else 0.2,
        is_trackable=is_trackable,
        best_place_canvas=Point(5, 5),
        best_confidence=0.9,
    )


def outcome(*events, quiet=False):
    return followed((event for event in (*events, RESULT)), (PAIR,), quiet=quiet)


@pytest.mark.parametrize(("is_trackable", "quiet"), [(True, False), (False, True)])
def test_nothing_is_said_of_handles_that_are_easy_or_where_it_is_to_be_quiet(
    capsys, is_trackable, quiet
):
    found = hint(is_trackable=is_trackable)
    assert outcome(HandlesChecked((PAIR,), (found,)), quiet=quiet).hints == (found,)
    assert "follow" not in capsys.readouterr().err


def test_a_handle_that_is_hard_to_follow_is_told(capsys):
    outcome(HandlesChecked((PAIR,), (hint(is_trackable=False),)))
    said = " ".join(capsys.readouterr().err.split())
    assert "The point at (3, 4) is hard to follow; one at (5, 5) would be easier." in said


def test_how_well_the_model_can_draw_the_picture_is_told_once(capsys):
    match = Match(share=0.9, level=MatchLevel.GOOD, sentence="The model can draw this picture.")
    assert outcome(MatchMeasured(match), MatchMeasured(match)).match == match
    assert capsys.readouterr().err.count(match.sentence) == 1


@pytest.mark.parametrize(("confidence", "lost"), [(0.5, False), (0.01, True)])
def test_the_summary_tells_what_may_be_lost(confidence, lost):
    came = outcome(
        DragProgress(0, 9, (PAIR.handle,), 5.0, (1.0,)),
        DragProgress(2, 9, (Point(4, 5),), 3.0, (confidence,)),
    )
    assert came.summary.startswith("stalled after 2 steps: the handles were 5.0 px")
    assert ("The point now at (4, 5) may be lost." in came.summary) is lost
    assert bool(came.lost) is lost
