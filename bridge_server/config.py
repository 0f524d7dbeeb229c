"""BridgeConfig: every limit and time of the bridge, in one frozen place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeConfig:
    """Limits and times; the defaults suit one artist with one or two editors."""

    runtime_folder: Path
    """Holds bridge.json and its lock; made with mode 0700."""

    max_body_bytes: int = 64 * MIB
    """One request; also bounds a window: 4096 x 4096 px RGBA."""
    max_json_bytes: int = 1 * MIB
    max_blob_bytes: int = 256 * MIB
    """All blobs together; the least recently used go first."""
    max_sessions: int = 8
    max_queued_jobs: int = 8
    max_streams: int = 8
    """Open event streams; each holds one of waitress's threads."""
    max_jobs_kept: int = 64
    """Ended jobs that stay readable; the oldest go first."""
    max_result_bytes: int = 256 * MIB
    """Results of ended jobs together; the oldest jobs go first."""
    job_kept_s: float = 60 * 60.0
    """Ended jobs stay readable for so long at most."""

    heartbeat_s: float = 2.0
    """The only way by which a WSGI server learns that a stream's reader left."""
    event_interval_s: float = 1 / 15
    """Progress is state: a reader gets at most this rate, always with the latest value."""
    preview_interval_s: float = 0.1
    client_lease_s: float = 60.0
    """A job whose client made no call and held no stream for so long is cancelled."""
    engine_lease_s: float = 5 * 60.0
    """A session that nobody touched for so long gives its device memory back; its next job takes it
    up again from its snapshot."""
    session_lease_s: float = 60 * 60.0
    """A session that nobody touched for so long is closed."""
    linger_s: float | None = None
    """A bridge that hears nothing for so long ends when no editor lives; None = it stays."""
    idle_exit_s: float | None = None
    """A bridge that hears nothing for so long ends in any case; None = it stays."""
    housekeeping_s: float = 1.0
    connection_timeout_s: int = 120
    """A connection that says nothing for so long is closed."""
    stop_timeout_s: float = 0.5
    """How long stopping waits for the step that is being made; nothing of it would be kept."""

    def __post_init__(self) -> None:
        """Refuse limits that would make the bridge useless."""
        for name in ("max_body_bytes", "max_sessions", "max_queued_jobs", "max_streams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
