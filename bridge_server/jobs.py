"""Job: the life of one long task as a pure state table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bridge_client.messages import EndReason, JobState, Problem, StartJob

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset(
            {JobState.CANCELLING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
        ),
        # A step that fails while cancel waits for its end is told as the failure that it is.
        JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.FAILED}),
        JobState.SUCCEEDED: frozenset(),
        JobState.FAILED: frozenset(),
        JobState.CANCELLED: frozenset(),
    }
)


class IllegalMove(ValueError):
    """A state change that the table does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is true of a job; every change gives a new value."""

    session_id: str
    request: StartJob
    state: JobState = JobState.QUEUED
    end_reason: EndReason | None = None
    has_result: bool = False
    problem: Problem | None = None

    def moved(
        self,
        state: JobState,
        *,
        end_reason: EndReason | None = None,
        has_result: bool = False,
        problem: Problem | None = None,
    ) -> Job:
        """The job in its next state.

        Raises:
            IllegalMove: the table has no such step, as from any final state.
        """
        if state not in NEXT_STATES[self.state]:
            raise IllegalMove(f"A job cannot go from {self.state.value} to {state.value}.")
        return replace(
            self, state=state, end_reason=end_reason, has_result=has_result, problem=problem
        )

    def cancel_asked(self) -> Job:
        """The job after a client asked to cancel it; legal in every state, any number of times."""
        if self.state is JobState.QUEUED:
            return self.moved(JobState.CANCELLED, end_reason=EndReason.CANCELLED)
        if self.state is JobState.RUNNING:
            return self.moved(JobState.CANCELLING)
        return self
