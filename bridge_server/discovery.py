"""bridge.json: where the bridge is, for the user's own editors only; one bridge for all of them."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import filelock
import msgspec

from bridge_client.discovery import DISCOVERY_FILE_NAME, RUNTIME_DIR_VARIABLE
from bridge_client.messages import DiscoveryRecord

_LOCK_NAME = "bridge.lock"


class BridgeAlreadyRuns(Exception):
    """Another bridge holds the runtime folder."""


class UnsafeFolder(Exception):
    """Other users may write into the runtime folder, so they could plant a bridge of their own."""


def prepare_folder(folder: Path) -> None:
    """Make the folder with mode 0700, or check the one that is there.

    Raises:
        UnsafeFolder: it is not ours, or others may write into it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return  # Windows: the profile's access list is inherited, mode bits say nothing
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnsafeFolder(
            "The bridge's runtime folder must belong to you and be writable by you only: "
            f"remove it, or set {RUNTIME_DIR_VARIABLE} to another one."
        )


@contextlib.contextmanager
def single_instance(folder: Path) -> Iterator[None]:
    """Hold the folder for one bridge.

    Raises:
        BridgeAlreadyRuns: another process holds it.
    """
    # Not thread-local: the bridge may be stopped by another thread than the one that started it.
    lock = filelock.FileLock(folder / _LOCK_NAME, mode=0o600, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise BridgeAlreadyRuns("A bridge is already running.") from error
    try:
        yield
    finally:
        lock.release()


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
    """Remove the file if it is still the one of this bridge."""
    record = read_discovery(folder)
    if record is not None and record.instance_id == instance_id:
        (folder / DISCOVERY_FILE_NAME).unlink(missing_ok=True)
