"""SessionStore: the open windows of all editors, with limits and leases."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge_client.messages import HistoryState, Match, SessionReply
from bridge_server.engine_port import EngineSession, SessionSpec
from bridge_server.problems import ProblemError

_ENDED_IDS_KEPT = 4096  # 32 characters each: tells "ended" from "never heard of" for a long time


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A session's whole history as bytes, a tag that names them, and their revision."""

    etag: str
    revision: int
    content: bytes


class Session:
    """One window that is being edited.

    ``engine`` belongs to the worker thread; the rest is read by views and written under the lock.
    """

    def __init__(self, spec: SessionSpec, *, now_s: float) -> None:
        """Args: what the session is made of, and the time of its making."""
        self.id = secrets.token_hex(16)
        self.engine: EngineSession | None = None
        self._lock = threading.Lock()
        self._spec = spec
        self._snapshot: Snapshot | None = None
        self._snapshot_count = 0
        self._revision = 0
        self._is_inverted = False
        # What its snapshot says of it is known when the engine has read that, for the first job.
        self._history = HistoryState()
        self._match: Match | None = None
        self._is_closed = False
        self._touched_s = now_s
        if spec.snapshot is not None:
            self._is_inverted = True  # nothing else is ever written down
            self.keep_snapshot(spec.snapshot)

    @property
    def spec(self) -> SessionSpec:
        """What the session is made of, and where it stood when that was last written down."""
        with self._lock:
            return self._spec

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest snapshot; None before the first job that changed something."""
        with self._lock:
            return self._snapshot

    @property
    def is_written_down(self) -> bool:
        """Whether nothing is lost when its engine is closed."""
        with self._lock:
            taken_at = None if self._snapshot is None else self._snapshot.revision
            return not self._is_inverted or taken_at == self._revision

    @property
    def revision(self) -> int:
        """How many jobs have changed the session."""
        with self._lock:
            return self._revision

    @property
    def is_closed(self) -> bool:
        """Whether the session has ended; a job that comes too late is cancelled by the worker."""
        with self._lock:
            return self._is_closed

    def close(self) -> None:
        """End the session; the worker frees its engine.

        Its jobs stay readable for long, and must not hold the artist's pixels for as long.
        """
        with self._lock:
            self._is_closed = True
            self._spec = replace(self._spec, pixels=b"", editable_mask=None, snapshot=None)
            self._snapshot = None

    @property
    def touched_s(self) -> float:
        """When a client was last heard of."""
        with self._lock:
            return self._touched_s

    def touch(self, now_s: float) -> None:
        """Renew the lease."""
        with self._lock:
            self._touched_s = max(self._touched_s, now_s)

    def advance(self, *, is_inverted: bool, history: HistoryState, match: Match | None) -> None:
        """A job has changed the session."""
        with self._lock:
            self._revision += 1
            self._is_inverted = is_inverted
            self._history = history
            self._match = match

    def check_revision(self, expected: int | None) -> None:
        """Refuse what was meant for another state of the session.

        Raises:
            ProblemError: ``revision-conflict``; never where nothing is expected.
        """
        revision = self.revision
        if expected not in (None, revision):
            raise ProblemError(
                "revision-conflict", f"The session is at revision {revision}, not {expected}."
            )

    def keep_snapshot(self, content: bytes) -> str:
        """Where the session stands, so that it can be opened again: here or in another bridge.

        Returns:
            The tag of this snapshot.
        """
        with self._lock:
            self._snapshot_count += 1
            # In quotes, as the header wants it: event and header carry the same string.
            etag = f'"{self.id[:8]}-{self._snapshot_count}"'
            self._snapshot = Snapshot(etag=etag, revision=self._revision, content=content)
            self._spec = replace(self._spec, snapshot=content)
            return etag

    def reply(self, *, lease_s: float) -> SessionReply:
        """The session for the wire."""
        with self._lock:
            return SessionReply(
                id=self.id,
                model=self._spec.model,
                bounds_canvas=self._spec.bounds_canvas,
                revision=self._revision,
                is_inverted=self._is_inverted,
                lease_s=lease_s,
                history=self._history,
                match=self._match,
            )


class SessionStore:
    """Sessions by id; all methods may be called from any thread."""

    def __init__(self, *, max_sessions: int, clock: Callable[[], float]) -> None:
        """Args: the bound, and a monotonic clock in seconds."""
        self._max_sessions = max_sessions
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._sessions)

    def create(self, spec: SessionSpec) -> Session:
        """Open a session.

        Raises:
            ProblemError: ``session-limit`` when all places are taken.
        """
        session = Session(spec, now_s=self._clock())
        with self._lock:
            if len(self._sessions) >= self._max_sessions:
                raise ProblemError("session-limit", f"{self._max_sessions} sessions are open.")
            self._sessions[session.id] = session
        return session

    def get(self, session_id: str) -> Session:
        """The session, with its lease renewed.

        Raises:
            ProblemError: ``session-expired`` when it has ended, ``session-missing`` when unknown.
        """
        with self._lock:
            session = self._sessions.get(session_id)
            has_ended = session_id in self._ended
        if session is not None:
            session.touch(self._clock())
            return session
        if has_ended:
            raise ProblemError("session-expired", "This session was closed or not used for long.")
        raise ProblemError("session-missing", "The bridge does not know this session.")

    def remove(self, session_id: str) -> Session | None:
        """Close the session and remember that it ended; None when it is not open."""
        with self._lock:
            session = self._sessions.pop(session_id, None)
            if session is not None:
                session.close()
                self._ended[session_id] = None
                while len(self._ended) > _ENDED_IDS_KEPT:
                    self._ended.popitem(last=False)
            return session

    def idle_for(self, idle_s: float) -> tuple[Session, ...]:
        """Sessions of which no client was heard for so long, the longest first."""
        limit_s = self._clock() - idle_s
        with self._lock:
            idle = [session for session in self._sessions.values() if session.touched_s <= limit_s]
        return tuple(sorted(idle, key=lambda session: session.touched_s))

    def heard_within(self, recent_s: float) -> tuple[Session, ...]:
        """Sessions of which a client was heard so lately."""
        limit_s = self._clock() - recent_s
        with self._lock:
            return tuple(each for each in self._sessions.values() if each.touched_s > limit_s)

    def all(self) -> tuple[Session, ...]:
        """Every open session."""
        with self._lock:
            return tuple(self._sessions.values())
