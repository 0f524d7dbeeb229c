"""bridge.json: where the bridge is, for the user's own editors only; one bridge for all of them."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import msgspec

from bridge_client.client import BridgeClient
from bridge_client.discovery import (
    DISCOVERY_FILE_NAME,
    RUNTIME_DIR_VARIABLE,
    read_discovery_file,
    record_port,
)
from bridge_client.errors import ClientError
from bridge_client.exit_codes import ExitCode
from bridge_client.messages import DiscoveryRecord
from bridge_client.transport import HttpTransport

CLAIM_PATIENCE_S = 10.0
CLAIM_POLL_S = 0.1
_LOCK_NAME = "bridge.lock"


class BridgeAlreadyRuns(Exception):
    """Another bridge holds the runtime folder, and has proved that it is one."""


class CannotStart(Exception):
    """The bridge cannot serve from this runtime folder; the sentence says what to do."""

    exit_code = ExitCode.FOLDER_UNUSABLE


class BridgeHangs(CannotStart):
    """Another bridge holds the runtime folder and does not answer."""

    exit_code = ExitCode.OTHER_HANGS


class UnsafeFolder(CannotStart):
    """Other users may write into the runtime folder, so they could plant a bridge of their own."""


def prepare_folder(folder: Path) -> None:
    """Make the folder with mode 0700, or check the one that is there.

    Raises:
        UnsafeFolder: it is not ours, or others may write into it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return  # Windows: the profile's access list is inherited, mode bits say nothing
    status = folder.lstat()  # a link could be turned to another place later
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    if not is_ours or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnsafeFolder(
            "The bridge's runtime folder must belong to you and be writable by you only: "
            f"remove it, or set {RUNTIME_DIR_VARIABLE} to another one."
        )


@dataclass(frozen=True, slots=True)
class RunningBridge:
    """A bridge that answered and proved that it is the one of its file."""

    record: DiscoveryRecord
    client: BridgeClient


def find_running(folder: Path) -> RunningBridge | None:
    """The bridge of this runtime folder; None where none answers."""
    record = read_discovery_file(folder)
    port = None if record is None else record_port(record)
    if record is None or port is None:
        return None
    client = BridgeClient(HttpTransport(port), record.token)
    try:
        client.check_proof()
    except ClientError:
        return None
    return RunningBridge(record, client)


def is_held(folder: Path) -> bool:
    """Whether a bridge holds the folder, be it that it serves, starts, stops or hangs."""
    if not (folder / _LOCK_NAME).exists():
        return False
    try:
        with _lock(folder).acquire(blocking=False):
            return False
    except filelock.Timeout:
        return True


def silent_bridge_sentence(folder: Path) -> str:
    """What to do about a bridge that holds the folder and does not answer."""
    record = read_discovery_file(folder)
    process = "its process" if record is None else f"its process, number {record.pid},"
    return (
        "A bridge is there but does not answer: it starts, stops or hangs. Wait a little; if that "
        f"does not help, end {process} with the system's own means."
    )


@contextlib.contextmanager
def single_instance(
    folder: Path,
    *,
    find_running: Callable[[Path], RunningBridge | None] = find_running,
    patience_s: float = CLAIM_PATIENCE_S,
) -> Iterator[None]:
    """Hold the folder for one bridge.

    A bridge that holds it and does not answer is starting or stopping, mostly; it is waited for.

    Args:
        folder: the runtime folder.
        find_running: gives the bridge that holds it, if it serves.
        patience_s: how long to wait for one that does not.

    Raises:
        BridgeAlreadyRuns: another bridge holds the folder and serves.
        BridgeHangs: another bridge holds the folder and does not.
    """
    lock = _lock(folder)
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            lock.acquire(timeout=CLAIM_POLL_S)
            break
        except filelock.Timeout as error:
            if find_running(folder) is not None:
                raise BridgeAlreadyRuns("A bridge is already running.") from error
            if time.monotonic() > deadline_s:
                raise BridgeHangs(silent_bridge_sentence(folder)) from error
    try:
        yield
    finally:
        lock.release()


def _lock(folder: Path) -> filelock.BaseFileLock:
    # Not thread-local: the bridge may be stopped by another thread than the one that started it.
    return filelock.FileLock(folder / _LOCK_NAME, mode=0o600, thread_local=False)


def write_discovery(folder: Path, record: DiscoveryRecord) -> Path:
    """Write the file so that no reader ever sees half of it and no other user sees it at all."""
    temporary = folder / f".{DISCOVERY_FILE_NAME}.{secrets.token_hex(8)}"
    # O_EXCL makes the rights right from the first byte and follows no planted link.
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(record))
            file.flush()
            os.fsync(file.fileno())
        path = folder / DISCOVERY_FILE_NAME
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return path


def read_discovery(folder: Path) -> DiscoveryRecord | None:
    """The record, or None when there is no readable one."""
    try:
        return msgspec.json.decode(
            (folder / DISCOVERY_FILE_NAME).read_bytes(), type=DiscoveryRecord
        )
    except (OSError, msgspec.DecodeError):
        return None


def remove_discovery(folder: Path, instance_id: str) -> None:
    """Remove the file if it is still the one of this bridge; one that stays is told from a bridge
    by its proof."""
    record = read_discovery(folder)
    if record is not None and record.instance_id == instance_id:
        with contextlib.suppress(OSError):  # Windows: a client may be reading it
            (folder / DISCOVERY_FILE_NAME).unlink(missing_ok=True)
