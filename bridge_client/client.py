"""BridgeClient: one blocking method for each endpoint of the bridge."""

import hmac
import secrets
from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

from .discovery import record_port
from .edit import LayerResult, PixelOrder
from .errors import ProtocolMismatch, RequestRejected
from .geometry import PointPair
from .json_codec import JsonMismatch, from_json, to_json
from .messages import (
    PROTOCOL_VERSION,
    CreateSession,
    DiscoveryRecord,
    EmptyRequest,
    EventPage,
    JobEvent,
    JobReply,
    LivenessReply,
    ModelInfo,
    ModelList,
    Problem,
    ProposeRegion,
    ReadinessReply,
    RegionReply,
    ServerInfo,
    SessionReply,
    SetPairs,
    ShutDown,
    StartJob,
)
from .pixels import check_pixel_count, content_digest
from .proof import NONCE_BYTES, bridge_proof
from .stream import EventParser, StreamMismatch, read_event, read_logged_event
from .transport import REPLY_TIMEOUT_S, ByteStream, HttpTransport, Reply, Transport
from .wire_headers import (
    BLOB_MEDIA_TYPE,
    DIGEST_HEADER,
    EVENT_STREAM_MEDIA_TYPE,
    FORM_HEADER,
    JSON_MEDIA_TYPE,
    OFFSET_HEADER,
    digest_value,
    parse_form,
    parse_image_headers,
)

PROOF_TIMEOUT_S = 5.0

T = TypeVar("T")


class EventStream:
    """A job's events as they come: iterate, and close afterwards (it is a context manager)."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *details: object) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[tuple[int | None, JobEvent]]:
        """Number (None for heartbeats) and message of each event that this version knows."""
        parser = EventParser()
        try:
            for piece in self._stream.pieces():
                for event in parser.feed(piece):
                    numbered = read_event(event)
                    if numbered is not None:
                        yield numbered
        except StreamMismatch as error:
            raise _unreadable() from error

    def abort(self) -> None:
        """Ends a read that waits, from any thread."""
        self._stream.abort()


class BridgeClient:
    """Speaks to one proven bridge. Safe to call from any thread: each call has its own connection.

    Args:
        transport: Where the bridge is.
        token: What opens it.
    """

    def __init__(self, transport: Transport, token: str) -> None:
        self._transport = transport
        self._token = token

    @classmethod
    def prove(cls, record: DiscoveryRecord) -> "BridgeClient":
        """A client for the bridge of this record, after that bridge proved that it is the one.

        Raises:
            ServerUnreachable: Nothing answers there.
            ProtocolMismatch: Something else answers, or a bridge of another major version.
        """
        port = record_port(record)
        if port is None:
            raise _not_the_bridge()
        client = cls(HttpTransport(port), record.token)
        client.check_proof()
        if record.api.split(".")[0] != PROTOCOL_VERSION.split(".")[0]:
            raise ProtocolMismatch(
                f"The bridge speaks protocol {record.api}, this plug-in {PROTOCOL_VERSION}.",
                "Install the plug-in of the same version with `draglayer install`.",
            )
        return client

    def check_proof(self) -> None:
        """Asks for the proof of the token without sending the token.

        Raises:
            ProtocolMismatch: The answer doesn't prove it.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        reply = self._transport.send(
            "GET", f"/health/live?nonce={nonce.hex()}", headers={}, timeout_s=PROOF_TIMEOUT_S
        )
        if reply.status != 200:
            raise _not_the_bridge()
        try:
            given = from_json(reply.body, LivenessReply).proof
        except JsonMismatch as error:
            raise _not_the_bridge() from error
        expected = bridge_proof(self._token, nonce, self._transport.port)
        if not hmac.compare_digest(given.encode("utf-8"), expected.encode("ascii")):
            raise _not_the_bridge()

    def readiness(self) -> ReadinessReply:
        """Whether jobs can run; not ready is an answer, not an error."""
        reply = self._send("GET", "/health/ready", accepted=(200, 503))
        return _read(reply, ReadinessReply)

    def server_info(self) -> ServerInfo:
        """The handshake: what the bridge is and can do."""
        return _read(self._send("GET", "/v1/server"), ServerInfo)

    def shut_down(self, *, is_forced: bool = False) -> None:
        """Asks the bridge to stop; not forced it refuses while somebody works with it."""
        self._send_json("POST", "/v1/server/shutdown", ShutDown(force=is_forced))

    def models(self) -> tuple[ModelInfo, ...]:
        """The catalogue."""
        return _read(self._send("GET", "/v1/models"), ModelList).models

    def propose_region(self, request: ProposeRegion) -> RegionReply:
        """The window that the bridge would have; `region.propose_window` decides it here."""
        return _read(self._send_json("POST", "/v1/region", request), RegionReply)

    def put_blob(self, pixels: bytes) -> str:
        """Sends bytes unless the bridge has them; gives the name under which it knows them."""
        digest = content_digest(pixels)
        known = self._send("HEAD", f"/v1/blobs/{digest}", accepted=(200, 204, 404))
        if known.status == 404:
            self._send("PUT", f"/v1/blobs/{digest}", body=pixels, media_type=BLOB_MEDIA_TYPE)
        return digest

    def create_session(self, request: CreateSession) -> SessionReply:
        """Opens a window of the canvas for editing."""
        return _read(self._send_json("POST", "/v1/sessions", request), SessionReply)

    def session(self, session_id: str) -> SessionReply:
        """What is true of the session now."""
        return _read(self._send("GET", f"/v1/sessions/{session_id}"), SessionReply)

    def snapshot(self, session_id: str, *, known_etag: str = "") -> tuple[str, bytes] | None:
        """ETag and bytes of where the session stands; None where it is the known one, or there is
        none yet.

        Raises:
            ProtocolMismatch: The bytes were damaged on their way.
        """
        headers = {"If-None-Match": known_etag} if known_etag else {}
        path = f"/v1/sessions/{session_id}/snapshot"
        reply = self._send("GET", path, headers=headers, accepted=(200, 304, 409))
        if reply.status != 200:
            return None
        if reply.headers.get(DIGEST_HEADER.lower()) != digest_value(reply.body):
            raise _unreadable()
        return reply.headers.get("etag", ""), reply.body

    def delete_session(self, session_id: str, *, timeout_s: float = REPLY_TIMEOUT_S) -> None:
        """Frees the session; one that is gone already is no error."""
        self._send(
            "DELETE", f"/v1/sessions/{session_id}", accepted=(204, 404, 410), timeout_s=timeout_s
        )

    def start_job(self, session_id: str, request: StartJob) -> JobReply:
        """Starts a job under the id that the request carries."""
        return _read(self._send_json("POST", f"/v1/sessions/{session_id}/jobs", request), JobReply)

    def job(self, job_id: str) -> JobReply:
        """What is true of the job now."""
        return _read(self._send("GET", f"/v1/jobs/{job_id}"), JobReply)

    def cancel_job(self, job_id: str, *, timeout_s: float = REPLY_TIMEOUT_S) -> JobReply:
        """Asks the job to stop after its step; right in every state, and twice."""
        path = f"/v1/jobs/{job_id}/cancel"
        return _read(self._send_json("POST", path, EmptyRequest(), timeout_s=timeout_s), JobReply)

    def pause_job(self, job_id: str) -> JobReply:
        """Asks the job to begin no further step; twice is all right."""
        return _read(self._send_json("POST", f"/v1/jobs/{job_id}/pause", EmptyRequest()), JobReply)

    def resume_job(self, job_id: str) -> JobReply:
        """Asks the job to go on; twice is all right."""
        return _read(self._send_json("POST", f"/v1/jobs/{job_id}/resume", EmptyRequest()), JobReply)

    def set_pairs(self, job_id: str, pairs: tuple[PointPair, ...]) -> JobReply:
        """Lets a drag go on with these pairs from its next step on."""
        reply = self._send_json("POST", f"/v1/jobs/{job_id}/pairs", SetPairs(pairs=pairs))
        return _read(reply, JobReply)

    def events(self, job_id: str, *, after: int | None = None) -> EventStream:
        """The job's events after this number, from the first where None."""
        headers = {"Accept": EVENT_STREAM_MEDIA_TYPE, **self._authorization()}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        stream = self._transport.open_stream(f"/v1/jobs/{job_id}/events", headers=headers)
        if stream.status == 200:
            return EventStream(stream)
        try:
            body = b"".join(stream.pieces())
        finally:
            stream.close()
        raise _rejection(Reply(stream.status, {}, body))

    def event_page(
        self, job_id: str, *, after: int = 0, wait_s: float = 0.0
    ) -> tuple[list[tuple[int, JobEvent]], bool]:
        """The job's events after this number, waited for; and whether no more will come.

        For a host that cannot read a stream; `events` tells the same sooner.
        """
        path = f"/v1/jobs/{job_id}/events?after={after}&wait_s={wait_s:.3f}"
        page = _read(self._send("GET", path), EventPage)
        try:
            read = [read_logged_event(each) for each in page.events]
        except StreamMismatch as error:
            raise _unreadable() from error
        return [each for each in read if each is not None], page.is_closed

    def preview(self, job_id: str, *, known_etag: str = "") -> tuple[str, bytes] | None:
        """ETag and JPEG of the latest preview; None where it is the known one, or there is none."""
        headers = {"If-None-Match": known_etag} if known_etag else {}
        reply = self._send(
            "GET", f"/v1/jobs/{job_id}/preview", headers=headers, accepted=(200, 204, 304, 404)
        )
        return (reply.headers.get("etag", ""), reply.body) if reply.status == 200 else None

    def result(self, job_id: str) -> LayerResult:
        """The layer that the job made, with its place on the canvas.

        Raises:
            ProtocolMismatch: Bytes and headers don't agree.
        """
        reply = self._send("GET", f"/v1/jobs/{job_id}/result")
        try:
            bounds, order = parse_image_headers(
                reply.headers.get("content-type", ""), reply.headers.get(OFFSET_HEADER.lower(), "")
            )
            if order not in ("rgba8", "bgra8"):
                raise ValueError("a layer has four channels")
            check_pixel_count(reply.body, bounds.extent, cast(PixelOrder, order))
            form = parse_form(reply.headers.get(FORM_HEADER.lower(), ""))
        except ValueError as error:
            raise _unreadable() from error
        if reply.headers.get(DIGEST_HEADER.lower()) != digest_value(reply.body):
            raise _unreadable()
        return LayerResult(bounds, reply.body, cast(PixelOrder, order), form)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _send_json(
        self, method: str, path: str, message: object, *, timeout_s: float = REPLY_TIMEOUT_S
    ) -> Reply:
        body = to_json(message)
        return self._send(method, path, body=body, media_type=JSON_MEDIA_TYPE, timeout_s=timeout_s)

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        media_type: str = "",
        accepted: tuple[int, ...] = (200, 201, 202, 204),
        timeout_s: float = REPLY_TIMEOUT_S,
    ) -> Reply:
        sent = {**self._authorization(), **(headers or {})}
        if media_type:
            sent["Content-Type"] = media_type
        reply = self._transport.send(method, path, headers=sent, body=body, timeout_s=timeout_s)
        if reply.status not in accepted:
            raise _rejection(reply)
        return reply


def _read(reply: Reply, kind: type[T]) -> T:
    try:
        return from_json(reply.body, kind)
    except JsonMismatch as error:
        raise _unreadable() from error


def _rejection(reply: Reply) -> RequestRejected:
    try:
        problem = from_json(reply.body, Problem)
    except JsonMismatch:
        # waitress answers malformed or oversize requests itself, in plain text.
        return RequestRejected(
            f"The bridge refused the request with HTTP status {reply.status}.", status=reply.status
        )
    return RequestRejected(
        problem.detail or problem.title,
        problem.hint,
        code=problem.code,
        status=reply.status,
        is_retryable=problem.retryable,
    )


def _not_the_bridge() -> ProtocolMismatch:
    return ProtocolMismatch(
        "What answers in the bridge's place is not the bridge.",
        "Start it again with `draglayer serve`.",
    )


def _unreadable() -> ProtocolMismatch:
    return ProtocolMismatch(
        "The bridge gave an answer that this plug-in can't read.",
        "Install plug-in and bridge of one version with `draglayer install`.",
    )
