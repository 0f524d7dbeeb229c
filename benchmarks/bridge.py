"""What the bridge costs beside the engine: times and memory on loopback, p50 and p95.

    python -m benchmarks.bridge [--rounds 20]

The server is the real process with an engine that only takes its time (``paced_bridge``); the start
is measured with the real engine too. The client is the one that the plug-ins carry. The budgets are
aims and no promise: they are printed beside what was measured, and no test asserts them.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bridge_client.client import BridgeClient, EventStream
from bridge_client.discovery import read_discovery_file
from bridge_client.errors import RequestRejected
from bridge_client.geometry import Bounds, Point, PointPair
from bridge_client.messages import (
    CreateSession,
    DragProgressEvent,
    EndEvent,
    ImageRef,
    JobKind,
    StartJob,
)

SIDE_PX = 2048  # RGBA: 16 MiB
STREAMS = 8
PATIENCE_S = 60.0
WINDOW = Bounds(0, 0, SIDE_PX, SIDE_PX)
PAIR = PointPair(Point(10.0, 10.0), Point(20.0, 20.0))

Measure = Callable[[int], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        what: in words.
        budget: the aim, in ``unit``.
        unit: of all its figures.
        measure: gives one figure for each round, in ``unit``.
        divisor: every how manieth round it takes part in; some rounds are slow.
    """

    what: str
    budget: float
    unit: str
    measure: Measure
    divisor: int = 1


class BridgeProcess:
    """A bridge of its own, in a folder of its own.

    Args:
        arguments: of Python.
    """

    def __init__(self, *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        variables = {"DRAGLAYER_RUNTIME_DIR": str(folder), "DRAGLAYER_LOG_DIR": str(folder / "log")}
        began_s = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while (record := read_discovery_file(folder)) is None:
            if self.process.poll() is not None or time.perf_counter() - began_s > PATIENCE_S:
                raise RuntimeError("The bridge did not start: run `draglayer serve` to see why.")
            time.sleep(0.002)
        self.client = BridgeClient.prove(record)
        self.start_s = time.perf_counter() - began_s

    def __enter__(self) -> BridgeProcess:
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()

    def stop(self) -> float:
        """Seconds from the signal to the end of the process."""
        began_s = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        stopped_s = time.perf_counter() - began_s
        self._folder.cleanup()
        return stopped_s

    def resident_mib(self) -> float:
        """Memory of the process that is in RAM; only Linux tells it without a library."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def open_session(self) -> str:
        """The id of a session over 16 MiB of noise."""
        digest = self.client.put_blob(secrets.token_bytes(4 * SIDE_PX * SIDE_PX))
        image = ImageRef(sha256=digest, width=SIDE_PX, height=SIDE_PX, format="rgba8")
        return self.client.create_session(CreateSession(image=image, bounds_canvas=WINDOW)).id

    def start_drag(self, session_id: str, steps: int) -> str:
        """The id of a drag of so many steps."""
        job_id = secrets.token_hex(16)
        drag = StartJob(id=job_id, kind=JobKind.DRAG, pairs=(PAIR,), step_budget=steps)
        self.client.start_job(session_id, drag)
        return job_id

    @contextlib.contextmanager
    def viewers(self, job_id: str, count: int) -> Iterator[None]:
        """So many readers of a job's events."""
        streams = [self.client.events(job_id) for _ in range(count)]
        threads = [threading.Thread(target=_read_out, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for stream in streams:
                stream.abort()
            for thread in threads:
                thread.join(PATIENCE_S)


def paced_bridge(step_s: float) -> BridgeProcess:
    """A bridge whose steps take this long."""
    return BridgeProcess("-m", "benchmarks.paced_bridge", str(step_s))


def start_ms(rounds: int) -> list[float]:
    """From the start of `python -m bridge_server` to the proof; torch is loaded after it."""
    times = []
    for _ in range(rounds):
        with BridgeProcess("-m", "bridge_server") as bridge:
            times.append(bridge.start_s * 1e3)
    return times


def idle_mib(rounds: int) -> list[float]:
    """Of a bridge that has answered and has no engine."""
    sizes = []
    for _ in range(rounds):
        with paced_bridge(0.0) as bridge:
            bridge.client.server_info()
            sizes.append(bridge.resident_mib())
    return sizes


def health_ms(rounds: int) -> list[float]:
    """The proof, while eight streams are open on a drag of 50 steps a second."""
    with paced_bridge(0.02) as bridge:
        job_id = bridge.start_drag(bridge.open_session(), 10_000)
        with bridge.viewers(job_id, STREAMS):
            return [_ms(bridge.client.check_proof) for _ in range(10 * rounds)]


def event_ms(rounds: int) -> list[float]:
    """From a step's end in the engine to its event in the hands of a reader."""
    # Slower than the rate that readers are held to, or the figure would be that rate.
    with paced_bridge(0.1) as bridge:
        job_id = bridge.start_drag(bridge.open_session(), 2 * rounds)
        with bridge.client.events(job_id) as stream:
            return [
                (time.monotonic() - event.distance_px) * 1e3
                for _, event in stream
                if isinstance(event, DragProgressEvent)
            ]


def upload_ms(rounds: int) -> list[float]:
    """A layer of 16 MiB that the bridge does not know: its digest, the question, the PUT."""
    with paced_bridge(0.0) as bridge:
        blobs = (secrets.token_bytes(4 * SIDE_PX * SIDE_PX) for _ in range(rounds))
        return [_ms(functools.partial(bridge.client.put_blob, blob)) for blob in blobs]


def download_ms(rounds: int) -> list[float]:
    """A result of 16 MiB, its digest checked."""
    with paced_bridge(0.0) as bridge:
        job_id = bridge.start_drag(bridge.open_session(), 1)
        _wait_end(bridge.client, job_id)
        return [_ms(lambda: bridge.client.result(job_id)) for _ in range(rounds)]


def cancel_ms(rounds: int) -> list[float]:
    """From the call to the `end` event, at 20 ms a step."""
    times = []
    with paced_bridge(0.02) as bridge:
        session_id = bridge.open_session()
        for _ in range(rounds):
            job_id = bridge.start_drag(session_id, 10_000)
            with bridge.client.events(job_id) as stream:
                events = iter(stream)
                while not isinstance(next(events)[1], DragProgressEvent):
                    pass
                began_s = time.perf_counter()
                bridge.client.cancel_job(job_id)
                while not isinstance(next(events)[1], EndEvent):
                    pass
                times.append((time.perf_counter() - began_s) * 1e3)
    return times


def stop_ms(rounds: int) -> list[float]:
    """From the signal to the end of the process, in the midst of a drag with eight readers."""
    times = []
    for _ in range(rounds):
        bridge = paced_bridge(0.02)
        job_id = bridge.start_drag(bridge.open_session(), 10_000)
        with bridge.viewers(job_id, STREAMS):
            times.append(bridge.stop() * 1e3)
    return times


def gone_reader_ms(rounds: int) -> list[float]:
    """From a reader's silent end to the moment at which its place can be taken."""
    times = []
    with paced_bridge(PATIENCE_S) as bridge:
        job_id = bridge.start_drag(bridge.open_session(), 1)
        with bridge.viewers(job_id, STREAMS - 1):
            stream = bridge.client.events(job_id)
            for _ in range(rounds):
                began_s = time.perf_counter()
                _leave(stream)
                stream = _when_free(bridge.client, job_id)
                times.append((time.perf_counter() - began_s) * 1e3)
            _leave(stream)
    return times


ROWS = (
    Row(what="start to the proof", budget=1500, unit="ms", measure=start_ms, divisor=4),
    Row(what="idle, before an engine", budget=80, unit="MiB", measure=idle_mib, divisor=4),
    Row(what="health with 8 streams open", budget=5, unit="ms", measure=health_ms),
    Row(what="event, engine to reader", budget=10, unit="ms", measure=event_ms),
    Row(what="16 MiB sent, hashed at both ends", budget=100, unit="ms", measure=upload_ms),
    Row(what="16 MiB fetched, hashed at both ends", budget=100, unit="ms", measure=download_ms),
    Row(what="cancel to the end, at 20 ms a step", budget=70, unit="ms", measure=cancel_ms),
    Row(what="stop with 8 streams open", budget=500, unit="ms", measure=stop_ms, divisor=4),
    Row(what="gone reader noticed", budget=4000, unit="ms", measure=gone_reader_ms, divisor=4),
)


def quantile(figures: list[float], share: float) -> float:
    """The figure below or at which this share of them lies."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _ms(act: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    act()
    return (time.perf_counter() - began_s) * 1e3


def _read_out(stream: EventStream) -> None:
    with stream, contextlib.suppress(Exception):  # it is cut off in the midst of a read
        for _ in stream:
            pass


def _wait_end(client: BridgeClient, job_id: str) -> None:
    with client.events(job_id) as stream:
        for _ in stream:
            pass


def _leave(stream: EventStream) -> None:
    with stream:
        stream.abort()


def _when_free(client: BridgeClient, job_id: str) -> EventStream:
    while True:
        try:
            return client.events(job_id)
        except RequestRejected:
            time.sleep(0.01)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="measurements of each kind")
    arguments = parser.parse_args()
    table = Table("", "budget", "p50", "p95", "n", title="the bridge")
    with Progress(transient=True) as progress:
        for row in progress.track(ROWS, description="measuring"):
            figures = row.measure(max(3, arguments.rounds // row.divisor))
            values = (row.budget, quantile(figures, 0.5), quantile(figures, 0.95))
            cells = [f"{value:.3g} {row.unit}" for value in values]
            table.add_row(row.what, *cells, str(len(figures)))
    Console().print(table)


if __name__ == "__main__":
    main()
