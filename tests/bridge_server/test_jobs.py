"""The job's state table."""

from __future__ import annotations

import itertools

import pytest

from bridge_client.geometry import Point, PointPair
from bridge_client.messages import EndReason, JobKind, JobState, StartJob
from bridge_server.jobs import NEXT_STATES, IllegalMove, Job
from tests.fakes.bridge import new_id

LEGAL = [(before, after) for before, next_states in NEXT_STATES.items() for after in next_states]
ILLEGAL = sorted(set(itertools.product(JobState, JobState)) - set(LEGAL))


PAIRS = (PointPair(Point(1.0, 2.0), Point(3.0, 2.0)),)
OTHER_PAIRS = (*PAIRS, PointPair(Point(5.0, 5.0), Point(5.0, 5.0)))


def job_in(state: JobState, kind: JobKind = JobKind.DRAG) -> Job:
    pairs = PAIRS if kind is JobKind.DRAG else ()
    request = StartJob(id=new_id(), kind=kind, pairs=pairs)
    return Job(session_id=new_id(), request=request, state=state)


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_legal_moves_give_a_new_job(before: JobState, after: JobState) -> None:
    job = job_in(before)
    assert job.moved(after).state is after
    assert job.state is before


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_illegal_moves_are_refused(before: JobState, after: JobState) -> None:
    with pytest.raises(IllegalMove):
        job_in(before).moved(after)


def test_the_table_knows_every_state_and_final_states_lead_nowhere() -> None:
    assert set(NEXT_STATES) == set(JobState)
    assert {state for state in JobState if not NEXT_STATES[state]} == {
        state for state in JobState if state.is_final
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JobState.QUEUED, JobState.CANCELLED),
        (JobState.RUNNING, JobState.CANCELLING),
        (JobState.PAUSED, JobState.CANCELLING),
        (JobState.CANCELLING, JobState.CANCELLING),
        (JobState.SUCCEEDED, JobState.SUCCEEDED),
        (JobState.FAILED, JobState.FAILED),
        (JobState.CANCELLED, JobState.CANCELLED),
    ],
)
def test_cancel_is_legal_in_every_state(before: JobState, after: JobState) -> None:
    assert job_in(before).cancel_asked().cancel_asked().state is after


def test_a_job_cancelled_in_the_queue_says_so() -> None:
    assert job_in(JobState.QUEUED).cancel_asked().end_reason is EndReason.CANCELLED


def test_only_a_job_that_runs_is_paused_and_only_a_paused_one_goes_on() -> None:
    running = job_in(JobState.RUNNING)
    paused = running.pause_asked().pause_asked()
    assert paused.state is JobState.PAUSED
    assert paused.resume_asked().resume_asked() == running
    for state in set(JobState) - {JobState.RUNNING, JobState.PAUSED}:
        for ask in (Job.pause_asked, Job.resume_asked):
            with pytest.raises(IllegalMove, match=state.value):
                ask(job_in(state))


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.PAUSED])
def test_a_drag_takes_other_pairs_until_its_last_step(state: JobState) -> None:
    job = job_in(state)
    assert (job.pairs, job.pairs_revision) == (PAIRS, 0)
    changed = job.with_pairs(OTHER_PAIRS)
    assert (changed.pairs, changed.pairs_revision, changed.state) == (OTHER_PAIRS, 1, state)
    assert changed.request == job.request


@pytest.mark.parametrize(
    ("state", "kind"), [(JobState.RUNNING, JobKind.INVERT), (JobState.CANCELLING, JobKind.DRAG)]
)
def test_other_pairs_need_a_drag_that_goes_on(state: JobState, kind: JobKind) -> None:
    with pytest.raises(IllegalMove):
        job_in(state, kind).with_pairs(OTHER_PAIRS)
