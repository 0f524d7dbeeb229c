"""PreviewSlot: the latest picture of a job, rendered only as fast as somebody looks at it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bridge_server import wire
from bridge_server.engine_port import RgbImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A JPEG and the tag that names it."""

    etag: str
    jpeg: bytes


# Drawing one preview took 45 ms of one core, even with a tiny generator: at ten a second that would
# be almost half of the worker's time. So drawing gets at most a fifth of it.
_COST_TIMES = 4.0


class PreviewSlot:
    """The worker offers images, readers take JPEGs; the encoding is done by the readers."""

    def __init__(self, name: str, *, interval_s: float) -> None:
        """Args: what no other slot is called, and the shortest time between two images."""
        self._name = name
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._number = 0
        self._image: RgbImage | None = None
        self._preview: Preview | None = None
        self._is_taken = True
        self._due_s = float("-inf")

    def wants_image(self, now_s: float) -> bool:
        """Whether the last image was taken and is old enough; a render costs the drag time."""
        with self._lock:
            return self._is_taken and now_s >= self._due_s

    def offer(self, image: RgbImage, now_s: float, *, cost_s: float = 0.0) -> str:
        """Put the image in the slot; gives its tag.

        Args:
            image: what readers will see.
            now_s: when it was ready.
            cost_s: how long drawing it took.
        """
        with self._lock:
            self._number += 1
            self._image, self._preview = image, None
            self._is_taken = False
            self._due_s = now_s + max(self._interval_s, _COST_TIMES * cost_s)
            return self._etag(self._number)

    def take(self) -> Preview | None:
        """The latest preview, or None when there was none yet."""
        with self._lock:
            image, preview, number = self._image, self._preview, self._number
            self._is_taken = True
        if preview is not None or image is None:
            return preview
        # Outside the lock, so that the worker's next offer never waits for an encoder.
        preview = Preview(etag=self._etag(number), jpeg=wire.encode_preview(image))
        with self._lock:
            if number == self._number:
                self._preview, self._image = preview, None
        return preview

    @property
    def etag(self) -> str | None:
        """Tag of the latest preview, without encoding it."""
        with self._lock:
            return self._etag(self._number) if self._number else None

    def _etag(self, number: int) -> str:
        # In quotes, as the header wants it: event and header carry the same string. The name keeps
        # one job's third preview apart from another's.
        return f'"{self._name}-{number}"'
