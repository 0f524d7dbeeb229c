"""Clients do anything in any order while the engine works, fails and waits: jobs stay sound."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge_client.messages import JobState
from bridge_server.access import Access
from bridge_server.app import create_app
from bridge_server.bridge import Bridge
from bridge_server.config import BridgeConfig
from bridge_server.endpoints import ENDPOINTS
from bridge_server.engine_port import EngineFailure
from bridge_server.jobs import NEXT_STATES
from bridge_server.turns import Turn, Turns
from tests.fakes.bridge import (
    ARTIST_TOKEN,
    BLOB_HEADERS,
    IN_PROCESS_PORT,
    PAIR,
    PATIENCE_S,
    PIXELS,
    FakeClock,
    digest_of,
    session_body,
    wait_end,
)
from tests.fakes.engine import FakeEngine, StepGate

ROWS = {row.name: row for row in ENDPOINTS}
MOVED_PAIR = {**PAIR, "target": {"x": 103.0, "y": 54.0}}
POLL_S = 0.0005
FINAL = {state.value for state in JobState if state.is_final}
EDGES = {(a.value, b.value) for a, following in NEXT_STATES.items() for b in following}
MAX_SESSIONS, MAX_QUEUED, MAX_KEPT = 3, 3, 6
NUMBERS = st.integers(0, 5)
STALE = st.sampled_from([None, None, 0, 1])  # by how much a base_revision is too old
WISHES = st.sampled_from(["cancel_job", "pause_job", "pause_job", "resume_job", "set_pairs"])


class WatchedTurns(Turns):
    """Turns that can tell whether the worker rests."""

    is_acting = False

    def take(self) -> Turn | None:
        self.is_acting = False
        return super().take()

    def _first_ready(self) -> Turn | None:
        turn = super()._first_ready()
        self.is_acting = turn is not None
        return turn

    def is_idle(self) -> bool:
        """Whether nothing is being done and nothing could be."""
        with self._changed:
            return not self.is_acting and super()._first_ready() is None


@dataclass
class Seen:
    """What clients have learnt of one job so far."""

    session_id: str
    body: dict[str, Any]
    reply: dict[str, Any] | None = None
    result: bytes | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    is_expired: bool = False


class JobMachine(RuleBasedStateMachine):
    """Several sessions and their jobs on a bridge whose engine moves when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.gate, self.ids = FakeClock(), StepGate(), itertools.count(1)
        self.engine = FakeEngine(gate=self.gate)
        self.folder = tempfile.TemporaryDirectory()
        config = BridgeConfig(
            runtime_folder=Path(self.folder.name),
            max_sessions=MAX_SESSIONS,
            max_queued_jobs=MAX_QUEUED,
            max_jobs_kept=MAX_KEPT,
        )
        self.bridge = Bridge(config, self.engine, clock=self.clock)
        self.turns = self.bridge.worker._turns = WatchedTurns()
        access = Access(
            token=ARTIST_TOKEN, port=IN_PROCESS_PORT, max_json_bytes=1 << 20, max_body_bytes=1 << 20
        )
        self.client = create_app(self.bridge, access).test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ARTIST_TOKEN}"
        self.bridge.start()
        self.client.put(f"/v1/blobs/{digest_of(PIXELS)}", data=PIXELS, headers=BLOB_HEADERS)
        self.seen: dict[str, Seen] = {}
        self.revisions: dict[str, int] = {}

    def teardown(self) -> None:
        self.gate.open()
        for record in self.bridge.jobs.all():
            record.ask_cancel()
            wait_end(self.bridge, record.id)
        self.every_job_is_sound()
        assert self.bridge.stop()
        self.folder.cleanup()

    def call(self, name: str, body: Any = None, *, query: str = "", **ids: str) -> Any:
        """One call; whatever comes back is in the table of endpoints."""
        row = ROWS[name]
        reply = self.client.open(
            row.path.format(**ids) + query,
            method=row.method,
            **({} if body is None else {"json": body}),
        )
        assert reply.status_code in row.statuses, (name, reply.status, reply.text)
        if reply.status_code >= 400:
            assert reply.json["code"] in row.problem_codes
        return reply

    def settle(self) -> None:
        """Until the engine stands before a step, or there is nothing to do."""
        deadline_s, pause = time.monotonic() + PATIENCE_S, threading.Event()
        while not (self.gate.is_waiting or self.turns.is_idle()):
            assert time.monotonic() < deadline_s, "The worker never came to rest."
            pause.wait(POLL_S)

    @precondition(lambda self: len(self.bridge.sessions) < MAX_SESSIONS)
    @rule()
    def open_session(self) -> None:
        self.call("create_session", session_body())

    @rule(number=NUMBERS, stale=STALE)
    def start_drag(self, number: int, stale: int | None) -> None:
        self.start(number, stale, kind="drag", pairs=[PAIR])

    @rule(number=NUMBERS, stale=STALE, kind=st.sampled_from(["invert", "undo", "redo", "show"]))
    def start_another_kind(self, number: int, stale: int | None, kind: str) -> None:
        self.start(number, stale, kind=kind)

    def start(self, number: int, stale: int | None, **parts: Any) -> None:
        if not len(self.bridge.sessions):
            self.open_session()
        session_id = self.bridge.sessions.all()[number % len(self.bridge.sessions)].id
        body = {"id": f"{next(self.ids):032x}", **parts}
        if stale is not None:
            body["base_revision"] = self.revisions.get(session_id, 0) - stale
        reply = self.call("start_job", body, session_id=session_id)
        if reply.status_code == 202:
            assert not stale
            self.seen[body["id"]] = Seen(session_id, body)

    @precondition(lambda self: self.seen)
    @rule(number=NUMBERS)
    def ask_again(self, number: int) -> None:
        job_id, seen = self.any_job(number)
        reply = self.call("start_job", seen.body, session_id=seen.session_id)
        assert reply.status_code in (202, 410)
        assert reply.status_code == 410 or reply.json["id"] == job_id

    @precondition(lambda self: self.seen)
    @rule(number=NUMBERS)
    def ask_for_another_under_its_id(self, number: int) -> None:
        _, seen = self.any_job(number)
        body = {**seen.body, "base_revision": 99}
        reply = self.call("start_job", body, session_id=seen.session_id)
        assert reply.status_code in (409, 410)

    @precondition(lambda self: self.seen)
    @rule(number=NUMBERS, wish=WISHES)
    def wish_of_any_job(self, number: int, wish: str) -> None:
        self.wish(self.any_job(number)[0], wish)

    @precondition(lambda self: self.bridge.jobs.active())
    @rule(number=NUMBERS, wish=WISHES)
    def wish_of_a_live_job(self, number: int, wish: str) -> None:
        live = self.bridge.jobs.active()
        self.wish(live[number % len(live)].id, wish)

    def wish(self, job_id: str, wish: str) -> None:
        body = {"pairs": [MOVED_PAIR]} if wish == "set_pairs" else {}
        reply = self.call(wish, body, job_id=job_id)
        if wish == "cancel_job" and reply.status_code < 300:
            assert reply.json["state"] in FINAL | {"cancelling"}

    def any_job(self, number: int) -> tuple[str, Seen]:
        """One that was ever started, the newest first."""
        return list(self.seen.items())[-1 - number % len(self.seen)]

    @rule(count=st.integers(1, 20))
    def let_the_engine_work(self, count: int) -> None:
        self.gate.allow(count)

    @rule(step=st.sampled_from([None, None, None, 0, 3]))
    def break_or_mend_the_engine(self, step: int | None) -> None:
        failure = EngineFailure("out-of-vram", "No memory is left.")
        self.engine.script.fail_drag = None if step is None else (step, failure)

    @precondition(lambda self: len(self.bridge.sessions) == MAX_SESSIONS)
    @rule(number=NUMBERS)
    def close_a_session(self, number: int) -> None:
        session_id = self.bridge.sessions.all()[number % MAX_SESSIONS].id
        self.call("close_session", session_id=session_id)

    @rule(seconds=st.sampled_from([1, 1, 1, 1, 1, 61, 301, 3601]))
    def let_time_pass(self, seconds: int) -> None:
        self.clock.turn(seconds)
        self.bridge.expire()

    @invariant()
    def every_job_is_sound(self) -> None:
        self.settle()
        active = [record.job.state.value for record in self.bridge.jobs.active()]
        assert active.count("queued") <= MAX_QUEUED
        assert active.count("running") + active.count("cancelling") <= 1
        for job_id, seen in self.seen.items():
            if self.is_known(job_id, seen):
                self.its_log_tells_its_states(job_id, seen)
                self.its_result_stays(job_id, seen)

    @invariant()
    def revisions_only_grow(self) -> None:
        for session_id in {seen.session_id for seen in self.seen.values()}:
            reply = self.call("read_session", session_id=session_id)
            if reply.status_code == 200:
                assert reply.json["revision"] >= self.revisions.get(session_id, 0)
                self.revisions[session_id] = reply.json["revision"]

    def is_known(self, job_id: str, seen: Seen) -> bool:
        """Reads the job; one that has ended never changes, and one that is gone never returns."""
        reply = self.call("read_job", job_id=job_id)
        if reply.status_code == 410:
            assert seen.reply is not None and seen.reply["state"] in FINAL
            seen.is_expired = True
            return False
        assert not seen.is_expired
        if seen.reply is not None and seen.reply["state"] in FINAL:
            assert reply.json == seen.reply
        seen.reply = reply.json
        return True

    def its_log_tells_its_states(self, job_id: str, seen: Seen) -> None:
        """Reads on from the last event that was read."""
        cursor = seen.events[-1]["seq"] if seen.events else 0
        page = self.call("follow_job", job_id=job_id, query=f"?after={cursor}&wait_s=0").json
        seen.events += page["events"]
        numbers = [event["seq"] for event in seen.events]
        assert numbers == sorted(set(numbers)) and numbers[-1] == seen.reply["seq"]
        states = [each["data"]["state"] for each in seen.events if "state" in each["data"]]
        assert states[0] == "queued" and set(itertools.pairwise(states)) <= EDGES
        assert states[-1] == seen.reply["state"]
        is_over = states[-1] in FINAL
        ends = [event for event in seen.events if event["event"] == "end"]
        assert page["is_closed"] == is_over and ends == ([seen.events[-1]] if is_over else [])

    def its_result_stays(self, job_id: str, seen: Seen) -> None:
        """A drag that made an update and did not fail has a result, and it is always the same."""
        updates = [e["data"]["step_index"] for e in seen.events if e["event"] == "drag-progress"]
        is_good = seen.reply["state"] in ("succeeded", "cancelled") and max(updates, default=0) > 0
        assert seen.reply["has_result"] or not is_good
        reply = self.call("read_result", job_id=job_id)
        assert reply.status_code == (200 if seen.reply["has_result"] else 409)
        if reply.status_code == 200:
            assert seen.result in (None, reply.data)
            seen.result = reply.data


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(
    max_examples=25,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
