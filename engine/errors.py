"""What can go wrong in the engine through no fault of the caller."""


class EngineError(Exception):
    """The root of the engine's errors; the message is one sentence for an artist."""


class CheckpointError(EngineError):
    """A file of weights is missing, damaged, or of another kind."""


class InversionDiverged(EngineError):
    """The search for a picture's w+ left the range of numbers."""


class OutOfDeviceMemory(EngineError):
    """The device has too little memory for this generator."""


class DeviceLost(EngineError):
    """The device refuses all further work of this process; only a new process can use it."""


class SnapshotError(EngineError):
    """A saved session is damaged, of another kind, or belongs to another model."""
