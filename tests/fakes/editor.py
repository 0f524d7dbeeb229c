"""``python -m tests.fakes.editor LAUNCHER [drag]``: an editor's process, which a test can kill.

It connects as a plug-in does, starts a drag if asked to, says what it sees, a line for each thing,
and lives until its input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bridge_client.client import BridgeClient
from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.launcher import Launcher
from bridge_client.messages import CreateSession, ImageRef, JobKind, StartJob
from tests.fakes.bridge import PIXELS, WINDOW, image_ref, new_id

PAIRS = (PointPair(Point(101.5, 52.0), Point(104.5, 52.0)),)


def say(*words: object) -> None:
    """A line for the test."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def open_session(client: BridgeClient, snapshot: str | None = None) -> str:
    """A session over the test window; gives its id."""
    client.put_blob(PIXELS)
    request = CreateSession(
        image=ImageRef(**image_ref(PIXELS, "rgba8")),
        bounds_canvas=Bounds(**WINDOW),
        snapshot=snapshot,
    )
    return client.create_session(request).id


def start_drag(client: BridgeClient, session_id: str) -> str:
    """A drag of one pair; gives its id."""
    request = StartJob(id=new_id(), kind=JobKind.DRAG, pairs=PAIRS, step_budget=10_000)
    return client.start_job(session_id, request).id


def main() -> None:
    client = Launcher(Path(sys.argv[1])).connect()
    say("connected", client.server_info().instance_id)
    if "drag" in sys.argv:
        session_id = open_session(client)
        job_id = start_drag(client, session_id)
        say("job", job_id)
        with client.events(job_id) as stream:
            for _, event in stream:
                say(type(event).__name__)
    sys.stdin.read()


if __name__ == "__main__":
    main()
