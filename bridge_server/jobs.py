"""Job: the life of one long task as a pure state table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bridge_client.geometry import PointPair
from bridge_client.messages import EndReason, JobKind, JobState, Problem, StartJob

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset(
            {JobState.PAUSED, JobState.CANCELLING, JobState.SUCCEEDED, JobState.FAILED}
        ),
        # The step that was being made when the pause came may have been the last, or may fail.
        JobState.PAUSED: frozenset(
            {JobState.RUNNING, JobState.CANCELLING, JobState.SUCCEEDED, JobState.FAILED}
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
    changed_pairs: tuple[PointPair, ...] | None = None
    """In place of the request's."""
    pairs_revision: int = 0
    state: JobState = JobState.QUEUED
    end_reason: EndReason | None = None
    has_result: bool = False
    problem: Problem | None = None

    @property
    def pairs(self) -> tuple[PointPair, ...]:
        """What a drag drags now."""
        return self.request.pairs if self.changed_pairs is None else self.changed_pairs

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

    def cancel_asked(self, problem: Problem | None = None) -> Job:
        """The job after it was asked to cancel; legal in every state, any number of times.

        Args:
            problem: why, where no client asked for it.
        """
        if self.state is JobState.QUEUED:
            return self.moved(JobState.CANCELLED, end_reason=EndReason.CANCELLED, problem=problem)
        if self.state in (JobState.RUNNING, JobState.PAUSED):
            return self.moved(JobState.CANCELLING, problem=problem)
        return self

    def pause_asked(self) -> Job:
        """The job after a client asked to pause it; again is all right.

        Raises:
            IllegalMove: it does not run.
        """
        if self.state is JobState.PAUSED:
            return self
        if self.state is not JobState.RUNNING:
            raise IllegalMove(f"A job that is {self.state.value} cannot be paused.")
        return self.moved(JobState.PAUSED)

    def resume_asked(self) -> Job:
        """The job after a client asked it to go on; again is all right.

        Raises:
            IllegalMove: it is neither paused nor running.
        """
        if self.state is JobState.RUNNING:
            return self
        if self.state is not JobState.PAUSED:
            raise IllegalMove(f"A job that is {self.state.value} cannot be resumed.")
        return self.moved(JobState.RUNNING)

    def with_pairs(self, pairs: tuple[PointPair, ...]) -> Job:
        """The job with other pairs from its next step on.

        Raises:
            IllegalMove: it is no drag, or no step will follow.
        """
        if self.request.kind is not JobKind.DRAG:
            raise IllegalMove("Only a drag has pairs.")
        if self.state not in (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED):
            raise IllegalMove(f"A job that is {self.state.value} takes no other pairs.")
        return replace(self, changed_pairs=pairs, pairs_revision=self.pairs_revision + 1)
