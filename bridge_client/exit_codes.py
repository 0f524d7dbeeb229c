"""What the bridge's process says by its exit code; the launcher reads it."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Why the bridge ended. Python itself takes 1, for an error that nobody foresaw."""

    STOPPED = 0
    """Stopped, idle, or not needed because another bridge runs."""
    FOLDER_UNUSABLE = 2
    """The runtime folder is full, cannot be written, or is open to other users."""
    DEVICE_LOST = 3
    """The graphics device refused all further work: a new process is needed, and is enough."""
    OTHER_HANGS = 4
    """Another bridge holds the runtime folder and does not answer."""
