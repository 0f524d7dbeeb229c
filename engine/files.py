"""Files that are there whole or not at all, and what tells two sets of tensors apart."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from torch import Tensor


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that whoever reads it, also after a crash, finds the old one or the new
    one.

    Raises:
        OSError: the folder cannot be written, or the disk is full; the old file is as it was.
    """
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def digest_of_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Gives the SHA-256 of all tensors with their names, types and sizes, in the names' order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
