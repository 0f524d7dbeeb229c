"""A disk that is full, or full before a file is written whole."""

from __future__ import annotations

import sys

import pytest

from bridge_client.errors import LaunchFailed
from bridge_client.exit_codes import ExitCode
from bridge_client.messages import JobState
from tests.fakes.editor import open_session, start_drag
from tests.fakes.processes import PATIENCE_S
from tests.faults.conftest import Machine

if sys.platform == "win32":
    pytest.skip("needs a limit on the size of files", allow_module_level=True)

import resource


def allow_file_bytes(count: int) -> dict[str, object]:
    """Options for Popen: no file may grow beyond so many bytes, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (count, count))

    return {"preexec_fn": limit}


def test_without_room_for_its_file_the_bridge_says_so_and_leaves_no_half_of_it(
    machine: Machine,
) -> None:
    bridge = machine.start_bridge(is_awaited=False, popen=allow_file_bytes(100))
    output = bridge.process.communicate(timeout=PATIENCE_S)[0]
    assert bridge.process.returncode == ExitCode.FOLDER_UNUSABLE
    assert "The runtime folder is not usable" in output and "Traceback" not in output
    assert [path.name for path in machine.runtime.iterdir()] == ["bridge.lock"]


def test_an_editor_is_told_that_the_disk_may_be_full(machine: Machine) -> None:
    interpreter = machine.folder / "python"
    text = interpreter.read_text().replace("exec ", "ulimit -f 0\nexec ")
    interpreter.write_text(text)
    with pytest.raises(LaunchFailed, match="is the disk full"):
        machine.launcher().connect()


def test_without_room_for_the_log_the_bridge_works_on(machine: Machine) -> None:
    bridge = machine.start_bridge(
        popen=allow_file_bytes(600), limits={"client_lease_s": 60.0}, pace_s=0.001
    )
    client = bridge.client()
    for _ in range(3):
        job_id = start_drag(client, open_session(client))
        with client.events(job_id) as stream:
            *_, (_, last) = stream
        assert last.state is JobState.SUCCEEDED
    client.shut_down(is_forced=True)
    assert bridge.wait() == ExitCode.STOPPED
    assert len(machine.log().encode()) <= 600
    assert "Traceback" not in bridge.end()
