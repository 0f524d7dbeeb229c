"""Replies of the views: JSON messages, problems, and the headers that every reply carries."""

from __future__ import annotations

import logging
import secrets

from flask import Response, g
from werkzeug.exceptions import HTTPException

from bridge_client.wire_headers import JSON_MEDIA_TYPE, PROBLEM_MEDIA_TYPE
from bridge_server import wire
from bridge_server.problems import ProblemError

_log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CODE_OF_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


def json_reply(message: object, status: int = 200, *, location: str = "") -> Response:
    """The message as JSON."""
    response = Response(wire.encode_message(message), status, mimetype=JSON_MEDIA_TYPE)
    if location:
        # Werkzeug would make it absolute from the Host header.
        response.autocorrect_location_header = False
        response.headers["Location"] = location
    return response


def empty_reply(status: int) -> Response:
    """A reply without a body."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def problem_reply(problem: ProblemError) -> Response:
    """The problem as RFC 9457 body."""
    request_id = g.get("request_id") or secrets.token_hex(8)
    response = Response(
        wire.encode_message(problem.message(request_id)),
        problem.kind.status,
        mimetype=PROBLEM_MEDIA_TYPE,
    )
    if problem.kind.retry_after_s is not None:
        response.headers["Retry-After"] = str(problem.kind.retry_after_s)
    if problem.code == "unauthorized":
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def http_error_reply(error: HTTPException) -> Response:
    """Werkzeug's own refusals, in our form."""
    code = _CODE_OF_STATUS.get(error.code or 500, "invalid-request")
    response = problem_reply(ProblemError(code, error.description or error.name))
    if error.code == 405:
        allowed: list[str] = getattr(error, "valid_methods", None) or []
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def unexpected_reply(error: Exception) -> Response:
    """A fault of ours: the traceback goes to the log, only its number to the client."""
    _log.error("Request %s failed.", g.get("request_id"), exc_info=error)
    return problem_reply(ProblemError("internal", "The bridge failed at this request."))


def add_security_headers(response: Response) -> Response:
    """The headers of every reply: no caching, no sniffing, no embedding, no page."""
    response.headers.update(SECURITY_HEADERS)
    return response
