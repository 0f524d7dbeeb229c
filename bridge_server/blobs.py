"""Pixels by sha256, in memory and bounded: a layer is sent once, however often it is dragged."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict

from bridge_server.problems import ProblemError

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def check_digest(digest: str) -> str:
    """The digest itself if it is 64 lower-case hex digits, else a problem.

    A full match, because half-checked digests have been a way into other servers' file systems
    (CVE-2024-37032); here they name dictionary keys only.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise ProblemError("not-found", "A blob is named by 64 lower-case hex digits of sha256.")
    return digest


class BlobStore:
    """Least-recently-used store of immutable bytes; all methods may be called from any thread."""

    def __init__(self, *, max_bytes: int) -> None:
        """Args: the bound on all blobs together."""
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._blobs: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, digest: str, content: bytes) -> bool:
        """Keep the content; True when it is new.

        Raises:
            ProblemError: ``hash-mismatch`` when the content has another sha256.
        """
        check_digest(digest)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ProblemError("hash-mismatch", f"{len(content)} bytes came with another sha256.")
        with self._lock:
            if digest in self._blobs:
                self._blobs.move_to_end(digest)
                return False
            self._blobs[digest] = content
            self._held_bytes += len(content)
            self._drop_oldest()
        return True

    def __contains__(self, digest: str) -> bool:
        """Whether the blob is here; asking renews it, because a client asks before it uses it."""
        with self._lock:
            if digest not in self._blobs:
                return False
            self._blobs.move_to_end(digest)
            return True

    def get(self, digest: str) -> bytes:
        """The content.

        Raises:
            ProblemError: ``blob-missing`` when it was never sent or has been dropped.
        """
        with self._lock:
            if digest not in self._blobs:
                raise ProblemError("blob-missing", f"Upload blob {digest[:12]}… before using it.")
            self._blobs.move_to_end(digest)
            return self._blobs[digest]

    @property
    def held_bytes(self) -> int:
        """Bytes of all blobs together."""
        with self._lock:
            return self._held_bytes

    def _drop_oldest(self) -> None:
        # The newest blob always stays: a bound smaller than one blob must not make uploads useless.
        while self._held_bytes > self._max_bytes and len(self._blobs) > 1:
            _, dropped = self._blobs.popitem(last=False)
            self._held_bytes -= len(dropped)
