"""What `draglayer doctor` asks the bridge: does it start, is it ready, does it refuse strangers?"""

import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import bridge_client
from bridge_client import Launcher, LaunchFailed
from bridge_client.discovery import record_port
from bridge_client.errors import ClientError
from bridge_client.json_codec import to_json
from bridge_client.launcher import LauncherRecord
from bridge_client.transport import CONNECT_TIMEOUT_S, HttpTransport
from bridge_server.discovery import (
    CannotStart,
    RunningBridge,
    find_running,
    is_held,
    prepare_folder,
    silent_bridge_sentence,
)
from bridge_server.worker import STILL_LOADING
from draglayer_cli.findings import Finding
from draglayer_cli.install import own_interpreter

READY_PATIENCE_S = 120.0
STOP_PATIENCE_S = 10.0
_POLL_S = 0.2
_UNREACHABLE = ("192.0.2.1", 9)  # of the block for documentation; a UDP connect sends nothing
_REPORT = "Please report this with the bridge's log; end the bridge with `draglayer stop --force`."


def check_bridge(folder: Path) -> Iterator[Finding]:
    """Looks at the bridge of this runtime folder; starts one for the time of the check where none
    runs, as a plug-in would."""
    try:
        prepare_folder(folder)
    except CannotStart as error:
        yield Finding("wrong", f"The runtime folder {folder} is not safe.", str(error))
        return
    except OSError as error:
        advice = "Make room on the disk, or set DRAGLAYER_RUNTIME_DIR to another folder."
        yield Finding("wrong", f"The runtime folder {folder} can't be made: {error}.", advice)
        return
    yield Finding("ok", f"The runtime folder {folder} is yours alone.")
    running = find_running(folder)
    if running is not None:
        yield from _look_at(running)
    elif is_held(folder):
        yield Finding("wrong", "There is a silent bridge.", silent_bridge_sentence(folder))
    else:
        yield from _start_and_look(folder)


def _start_and_look(folder: Path) -> Iterator[Finding]:
    interpreter = own_interpreter()
    if interpreter is None:
        yield Finding(
            "wrong",
            "No bridge runs, and the plug-ins can't start one with this Python.",
            "Install draglayer into a virtual environment with pip, or start `draglayer serve` "
            "before you drag.",
        )
        return
    try:
        # As a plug-in does it, with a record of its own.
        with tempfile.TemporaryDirectory() as temporary:
            record = Path(temporary) / "launcher.json"
            record.write_bytes(to_json(LauncherRecord(interpreter=interpreter)))
            launcher = Launcher(record)
            launcher.connect()
    except LaunchFailed as error:
        yield Finding("wrong", error.message, "Look into the log, whose folder is named below.")
        return
    running = find_running(folder)
    if running is None:
        yield Finding("wrong", "The bridge started and went away again.", _REPORT)
        return
    yield Finding("ok", "No bridge was running; one was started for this check.")
    try:
        yield from _look_at(running)
    finally:
        # An editor may have begun to use it: then it stays.
        with suppress(ClientError, subprocess.TimeoutExpired):
            running.client.shut_down()
            if launcher.process is not None:
                launcher.process.wait(STOP_PATIENCE_S)


def _look_at(running: RunningBridge) -> Iterator[Finding]:
    port = record_port(running.record)
    assert port is not None  # it has answered there
    yield Finding("ok", f"The bridge (process {running.record.pid}) answers and proves itself.")
    try:
        yield _version(running)
        yield _engine(running)
        yield _listens_here_only(port)
        yield from _refusals(HttpTransport(port), running.record.token)
    except ClientError as error:
        yield Finding("wrong", error.message, error.hint)


def _version(running: RunningBridge) -> Finding:
    version = running.client.server_info().versions.get("draglayer", "?")
    if version == bridge_client.__version__:
        return Finding("ok", f"It is of this version, {version}.")
    return Finding(
        "wrong",
        f"It is of version {version}, and this command of {bridge_client.__version__}.",
        "Type `draglayer stop`; the next edit starts the new one.",
    )


def _engine(running: RunningBridge) -> Finding:
    deadline_s, pause = time.monotonic() + READY_PATIENCE_S, threading.Event()
    readiness = running.client.readiness()
    while readiness.reason == STILL_LOADING and time.monotonic() < deadline_s:
        pause.wait(_POLL_S)
        readiness = running.client.readiness()
    if readiness.is_ready:
        devices = ", ".join(running.client.server_info().devices)
        return Finding("ok", f"The engine is ready on {devices}.")
    advice = (
        "Type `draglayer demo`: it uses the engine without the bridge and says what is missing."
    )
    return Finding("wrong", f"The engine is not ready: {readiness.reason}", advice)


def _listens_here_only(port: int) -> Finding:
    reached = [address for address in _other_addresses() if _is_reached(address, port)]
    if reached:
        return Finding("wrong", f"The bridge can be reached at {', '.join(reached)}.", _REPORT)
    return Finding("ok", "It listens on 127.0.0.1 alone.")


def _other_addresses() -> Iterator[str]:
    yield "::1"
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(_UNREACHABLE)
        except OSError:
            return  # no network
        yield probe.getsockname()[0]


def _is_reached(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _refusals(transport: HttpTransport, token: str) -> Iterator[Finding]:
    allowed = {"Authorization": f"Bearer {token}"}
    for who, headers, status in (
        ("programs without its token", {}, 401),
        ("web pages, even with it", {**allowed, "Origin": "https://example.org"}, 403),
        ("names of other machines", {**allowed, "Host": "example.org"}, 400),
    ):
        given = transport.send("GET", "/v1/server", headers=headers).status
        if given == status:
            yield Finding("ok", f"It refuses {who}.")
        else:
            yield Finding("wrong", f"It does not refuse {who}.", _REPORT)
