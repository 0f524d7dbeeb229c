"""Views of blobs: ask before sending, then send once."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bridge_server.blobs import check_digest
from bridge_server.bridge import Bridge
from bridge_server.problems import ProblemError
from bridge_server.replies import empty_reply


def blobs_blueprint(bridge: Bridge) -> Blueprint:
    """The views over this bridge's blobs."""
    views = Blueprint("blobs", __name__, url_prefix="/v1/blobs")

    @views.put("/<digest>")
    def put(digest: str) -> Response:
        is_new = bridge.blobs.put(digest, request.get_data(cache=False))
        return empty_reply(201 if is_new else 200)

    @views.route("/<digest>", methods=["HEAD"])
    def head(digest: str) -> Response:
        if check_digest(digest) not in bridge.blobs:
            raise ProblemError("not-found", "This blob is not here: send it.")
        return empty_reply(200)

    return views
