"""Presence: an editor shows that it lives by a locked file beside the bridge's own.

The system lets go of the lock when the process ends, however it ends. So the bridge learns of a
killed editor without process ids, which mean nothing across the walls of a sandbox and are given to
other programs later, and a bridge that was started anew knows its editors at once.
"""

import os
import secrets
import sys
from pathlib import Path

EDITORS_FOLDER_NAME = "editors"

# The bridge may take a file that is not locked yet for one that was left behind.
_ATTEMPTS = 5

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Presence:
    """One editor's sign of life.

    Args:
        runtime_folder: The bridge's; made where it is missing.
    """

    def __init__(self, runtime_folder: Path) -> None:
        self._folder = runtime_folder / EDITORS_FOLDER_NAME
        self._descriptor: int | None = None

    def hold(self) -> bool:
        """Shows it until `release` or the end of the process; again changes nothing.

        Returns:
            Whether it could be shown. Without it the bridge still serves, but ends sooner.
        """
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink:
            return True
        self.release()
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            return any(self._try_hold() for _ in range(_ATTEMPTS))
        except OSError:
            return False

    def release(self) -> None:
        """Takes it back; the bridge clears the file away."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try_hold(self) -> bool:
        path = self._folder / secrets.token_hex(8)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        if not os.fstat(descriptor).st_nlink:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True


def count_editors(runtime_folder: Path) -> int:
    """How many editors live; clears away what the dead ones left."""
    try:
        paths = list((runtime_folder / EDITORS_FOLDER_NAME).iterdir())
    except OSError:
        return 0
    return sum(_is_held(path) for path in paths)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False  # another reader was quicker to clear it away
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        return True
    # Unix: while it is locked, so that an editor that was about to lock it sees that it is gone.
    # Windows: cannot remove what is open, by us or by such an editor.
    if sys.platform == "win32":
        os.close(descriptor)
        _unlink(path)
    else:
        _unlink(path)
        os.close(descriptor)
    return False


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return
