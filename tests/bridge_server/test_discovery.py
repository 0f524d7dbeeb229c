"""The discovery file and the lock beside it."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge_client.client import BridgeClient
from bridge_client.discovery import read_discovery_file
from bridge_client.messages import DiscoveryRecord
from bridge_client.transport import HttpTransport
from bridge_server.discovery import (
    BridgeAlreadyRuns,
    BridgeHangs,
    RunningBridge,
    UnsafeFolder,
    find_running,
    is_held,
    prepare_folder,
    read_discovery,
    remove_discovery,
    single_instance,
    write_discovery,
)

posix_only = pytest.mark.skipif(os.name != "posix", reason="mode bits say nothing on Windows")


def record(instance_id: str = "a" * 32) -> DiscoveryRecord:
    return DiscoveryRecord(
        api="1.0",
        url="http://127.0.0.1:4242",
        pid=1,
        instance_id=instance_id,
        started="2026-01-01T00:00:00+00:00",
        token="t" * 43,
    )


RUNNING = RunningBridge(record(), BridgeClient(HttpTransport(4242), "t" * 43))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix_only
def test_the_file_is_the_users_own_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = tmp_path / "deep" / "run"
        prepare_folder(folder)
        path = write_discovery(folder, record())
        with single_instance(folder):
            assert mode_of(folder / "bridge.lock") == 0o600
    finally:
        os.umask(before)
    assert (mode_of(folder), mode_of(path)) == (0o700, 0o600)


@posix_only
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(UnsafeFolder, match="DRAGLAYER_RUNTIME_DIR"):
        prepare_folder(folder)


@posix_only
def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "bridge.json").symlink_to(victim)
    path = write_discovery(tmp_path, record())
    assert not path.is_symlink()
    assert victim.read_text() == "untouched"


def test_the_client_reads_what_the_server_writes(tmp_path: Path) -> None:
    write_discovery(tmp_path, record())
    assert read_discovery_file(tmp_path) == record()
    assert read_discovery(tmp_path) == record()


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    write_discovery(tmp_path, record())
    assert [path.name for path in tmp_path.iterdir()] == ["bridge.json"]


def test_only_the_own_file_is_removed(tmp_path: Path) -> None:
    path = write_discovery(tmp_path, record("a" * 32))
    remove_discovery(tmp_path, "b" * 32)
    assert path.exists()
    remove_discovery(tmp_path, "a" * 32)
    remove_discovery(tmp_path, "a" * 32)
    assert not path.exists()


def test_a_broken_file_reads_as_none(tmp_path: Path) -> None:
    assert read_discovery(tmp_path) is None
    (tmp_path / "bridge.json").write_text('{"api": "1')
    assert read_discovery(tmp_path) is None


def test_a_half_written_file_is_never_seen(tmp_path: Path) -> None:
    write_discovery(tmp_path, record())
    is_done = threading.Event()

    def rewrite() -> None:
        for _ in range(50):
            write_discovery(tmp_path, record())
        is_done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    while not is_done.is_set():
        assert read_discovery(tmp_path) == record()
    writer.join()


def test_one_bridge_holds_the_folder(tmp_path: Path) -> None:
    with single_instance(tmp_path):
        with (
            pytest.raises(BridgeAlreadyRuns),
            single_instance(tmp_path, find_running=lambda folder: RUNNING),
        ):
            pass
    with single_instance(tmp_path):
        pass


def test_a_bridge_that_does_not_answer_is_not_taken_for_one_that_runs(tmp_path: Path) -> None:
    with (
        single_instance(tmp_path),
        pytest.raises(BridgeHangs, match="does not answer"),
        single_instance(tmp_path, patience_s=0.0),
    ):
        pass


def test_a_bridge_that_stops_is_waited_for(tmp_path: Path) -> None:
    with ExitStack() as first:
        first.enter_context(single_instance(tmp_path))
        looks = iter([first.close, lambda: None])

        def find_running(folder: Path) -> None:
            next(looks)()

        with single_instance(tmp_path, find_running=find_running):
            pass


def test_who_holds_the_folder_is_seen_from_outside(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "nowhere")
    with single_instance(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_file_that_was_left_behind_is_no_bridge(tmp_path: Path) -> None:
    write_discovery(tmp_path, record())
    assert find_running(tmp_path) is None


@posix_only
def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "real")
    with pytest.raises(UnsafeFolder):
        prepare_folder(tmp_path / "run")
