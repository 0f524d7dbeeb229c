"""Who may use the bridge: one guard before every view, and the proof that we know the token.

The order is fixed: Host, then Origin and fetch metadata, then the one public path, then the token,
then media type, then length. Everything that is not expressly let through needs the token, unknown
paths and methods too, so that a scanner learns nothing (Ray's guards were lists of what to refuse,
and were walked around twice: CVE-2025-62593, CVE-2026-27482).
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable

from flask import Request

from bridge_client.proof import NONCE_BYTES, bridge_proof
from bridge_client.wire_headers import BLOB_MEDIA_TYPE, JSON_MEDIA_TYPE
from bridge_server.problems import ProblemError

LIVE_PATH = "/health/live"
_NONCE = re.compile(rf"[0-9a-f]{{{2 * NONCE_BYTES}}}", re.ASCII)
_MEDIA_TYPES = {"POST": JSON_MEDIA_TYPE, "PUT": BLOB_MEDIA_TYPE}


MAX_WRONG_TOKENS = 20
WRONG_TOKENS_WINDOW_S = 10.0


def make_token() -> str:
    """A new token: 32 random bytes, URL-safe."""
    return secrets.token_urlsafe(32)


class Access:
    """The guard of one bridge; it holds the token, and nothing else does."""

    def __init__(
        self,
        *,
        token: str,
        port: int,
        max_json_bytes: int,
        max_body_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args: the token of this start, the port that is bound, the caps on bodies, a clock."""
        self._token = token
        self._wrong_tokens = _WrongTokens(clock)
        self._port = port
        self._max_bytes = {"POST": max_json_bytes, "PUT": max_body_bytes}
        # Constants, never another header: under DNS rebinding Origin equals Host.
        names = ("127.0.0.1", "localhost")
        self._hosts = frozenset(names) | {f"{name}:{port}" for name in names}

    def check(self, request: Request) -> None:
        """Let the request through or refuse it.

        Raises:
            ProblemError: the first rule that it breaks.
        """
        self._check_host(request)
        self._check_not_a_page(request)
        if request.method == "GET" and request.path == LIVE_PATH:
            return
        self._check_token(request)
        if request.routing_exception is None:
            self._check_media_type(request)
            self._check_length(request)

    def proof(self, nonce: str) -> str:
        """Proof to a client that has sent nothing secret yet.

        Raises:
            ProblemError: ``invalid-request`` when the nonce has another form.
        """
        if _NONCE.fullmatch(nonce) is None:
            raise ProblemError(
                "invalid-request", f"nonce must be {2 * NONCE_BYTES} lower-case hex digits."
            )
        return bridge_proof(self._token, bytes.fromhex(nonce), self._port)

    def _check_host(self, request: Request) -> None:
        # The raw header: Flask's request.host fills in a name where the header is missing.
        if request.environ.get("HTTP_HOST", "") not in self._hosts:
            raise ProblemError("host-not-allowed", "The Host header names another machine.")

    @staticmethod
    def _check_not_a_page(request: Request) -> None:
        # Browsers send these and our clients never do, so any value at all is refused.
        for name in ("Origin", "Sec-Fetch-Site"):
            if name in request.headers:
                raise ProblemError("origin-not-allowed", f"Requests with {name} are refused.")

    def _check_token(self, request: Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_right = hmac.compare_digest(
            given.encode("utf-8", "surrogateescape"), self._token.encode("ascii")
        )
        if scheme != "Bearer" or not is_right:
            if self._wrong_tokens.are_too_many():
                raise ProblemError("too-many-attempts", "Too many requests had a wrong token.")
            raise ProblemError("unauthorized", "The token is missing or not the one of this start.")

    @staticmethod
    def _check_media_type(request: Request) -> None:
        expected = _MEDIA_TYPES.get(request.method)
        if expected is not None and request.mimetype != expected:
            raise ProblemError("unsupported-media", f"{request.method} here takes {expected} only.")

    def _check_length(self, request: Request) -> None:
        length = request.content_length or 0
        allowed = self._max_bytes.get(request.method, 0)
        if length > allowed:
            raise ProblemError(
                "body-too-large", f"The body has {length} bytes; {allowed} are allowed."
            )


class _WrongTokens:
    """Counts refused tokens. Whoever has the right one is served all the same, and so is the proof
    without a token: else a stranger could keep the artist's own editor out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times_s: deque[float] = deque(maxlen=MAX_WRONG_TOKENS)

    def are_too_many(self) -> bool:
        """Notes one more; whether there were more than enough of them lately."""
        now_s = self._clock()
        with self._lock:
            were_many = len(self._times_s) == MAX_WRONG_TOKENS
            is_lately = were_many and now_s - self._times_s[0] < WRONG_TOKENS_WINDOW_S
            self._times_s.append(now_s)
        return is_lately
