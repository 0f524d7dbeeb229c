"""The job's state table."""

from __future__ import annotations

import itertools

import pytest

from bridge_client.messages import EndReason, JobKind, JobState, StartJob
from bridge_server.jobs import NEXT_STATES, IllegalMove, Job
from tests.fakes.bridge import new_id

LEGAL = [(before, after) for before, next_states in NEXT_STATES.items() for after in next_states]
ILLEGAL = sorted(set(itertools.product(JobState, JobState)) - set(LEGAL))


def job_in(state: JobState) -> Job:
    request = StartJob(id=new_id(), kind=JobKind.INVERT)
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
