"""OpenEdit: the session of the latest edit, which stays open for more and outlives its bridge."""

import logging
from collections.abc import Callable

from .client import BridgeClient
from .edit import EditRequest
from .errors import ClientError, RequestRejected
from .messages import (
    CreateSession,
    HistoryState,
    ImageRef,
    InversionProfile,
    PixelFormat,
    SessionReply,
)

CLEANUP_TIMEOUT_S = 2.0

_log = logging.getLogger("draglayer.client")


class OpenEdit:
    """One session at a time, with all that is needed to open it again on another bridge: the
    pixels, and where it stood when the bridge last wrote that down. Both stay in memory.

    Args:
        connect: Gives a client for the bridge, which it may have to start.
    """

    def __init__(self, connect: Callable[[], BridgeClient]) -> None:
        self._connect = connect
        self._client: BridgeClient | None = None
        self._source: EditRequest | None = None
        self._session_id = ""
        self._history = HistoryState()
        self._snapshot = b""
        self._snapshot_etag = ""

    @property
    def client(self) -> BridgeClient:
        """The bridge.

        Raises:
            ClientError: There is no open edit yet.
        """
        if self._client is None:
            raise ClientError("There is no open edit.", "Press Start first.")
        return self._client

    @property
    def session_id(self) -> str:
        """The session on the bridge.

        Raises:
            ClientError: There is none.
        """
        if not self._session_id:
            raise ClientError("There is no open edit.", "Press Start first.")
        return self._session_id

    @property
    def history(self) -> HistoryState:
        """Where it stood when the bridge was last asked."""
        return self._history

    @property
    def profile(self) -> InversionProfile:
        """How its picture is found in the model, where that is still to be done."""
        return InversionProfile.FAST if self._source is None else self._source.profile

    @property
    def can_be_restored(self) -> bool:
        """Whether it can be opened again where it stood."""
        return self._source is not None and bool(self._snapshot)

    def connect(self) -> None:
        """Finds the bridge, or starts it.

        Raises:
            ClientError: There is none.
        """
        self._client = self._connect()

    def open(self, request: EditRequest) -> None:
        """Opens a session over the request's pixels. One that shows them as they are serves again,
        so that the picture need not be found in the model twice."""
        if not self._serves(request):
            self.free()
            self._create(request)

    def _serves(self, request: EditRequest) -> bool:
        if self._source is None or not request.has_source_of(self._source):
            return False
        try:
            return self.refresh().history.undo_depth == 0
        except RequestRejected:
            return False  # it is gone

    def open_again(self) -> None:
        """Opens the session where it was last written down, on the bridge that serves now.

        Raises:
            ClientError: It was never written down, or there is no bridge.
        """
        if self._source is None or not self._snapshot:
            raise ClientError("There is no open edit.", "Press Start first.")
        self.connect()
        self._create(self._source)

    def refresh(self) -> SessionReply:
        """What is true of the session now."""
        reply = self.client.session(self.session_id)
        self._history = reply.history
        return reply

    def fetch_snapshot(self) -> None:
        """Keeps the bridge's latest snapshot."""
        latest = self.client.snapshot(self.session_id, known_etag=self._snapshot_etag)
        if latest is not None:
            self._snapshot_etag, self._snapshot = latest

    def free(self) -> None:
        """Closes the session, if there is one, and forgets it."""
        client, session_id = self._client, self._session_id
        self._source, self._session_id, self._history = None, "", HistoryState()
        self._snapshot, self._snapshot_etag = b"", ""
        if client is None or not session_id:
            return
        try:
            client.delete_session(session_id, timeout_s=CLEANUP_TIMEOUT_S)
        except ClientError as error:
            # The layer is here, or the edit has failed already; a lease frees the session.
            _log.info("the session could not be freed: %s", error)

    def _create(self, source: EditRequest) -> None:
        request = CreateSession(
            image=self._put(source, source.pixels, source.pixel_order),
            bounds_canvas=source.window_canvas,
            editable_mask=None if source.mask is None else self._put(source, source.mask, "l8"),
            result_form=source.result_form,
            model=source.model,
            snapshot=self.client.put_blob(self._snapshot) if self._snapshot else None,
        )
        self._session_id = self.client.create_session(request).id
        self._source, self._snapshot_etag = source, ""

    def _put(self, source: EditRequest, pixels: bytes, pixel_format: PixelFormat) -> ImageRef:
        return ImageRef(
            sha256=self.client.put_blob(pixels),
            width=source.window_canvas.width,
            height=source.window_canvas.height,
            format=pixel_format,
        )
