"""Views of sessions: open, look at, write down, close."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.http import parse_etags

from bridge_client.messages import CreateSession
from bridge_client.wire_headers import DIGEST_HEADER, SNAPSHOT_MEDIA_TYPE, digest_value
from bridge_server import wire
from bridge_server.bridge import Bridge
from bridge_server.problems import ProblemError
from bridge_server.replies import empty_reply, json_reply


def sessions_blueprint(bridge: Bridge) -> Blueprint:
    """The views over this bridge's sessions."""
    views = Blueprint("sessions", __name__, url_prefix="/v1/sessions")
    lease_s = bridge.config.session_lease_s

    @views.post("")
    def create() -> Response:
        message = wire.decode_message(request.get_data(cache=False), CreateSession)
        session = bridge.open_session(message)
        location = f"/v1/sessions/{session.id}"
        return json_reply(session.reply(lease_s=lease_s), 201, location=location)

    @views.get("/<session_id>")
    def read(session_id: str) -> Response:
        return json_reply(bridge.sessions.get(session_id).reply(lease_s=lease_s))

    @views.get("/<session_id>/snapshot")
    def snapshot(session_id: str) -> Response:
        latest = bridge.sessions.get(session_id).snapshot
        if latest is None:
            raise ProblemError("snapshot-missing", "No job has changed this session yet.")
        etag = latest.etag
        if etag.strip('"') in parse_etags(request.headers.get("If-None-Match")):
            return Response(status=304, headers={"ETag": etag})
        headers = {
            "Content-Type": SNAPSHOT_MEDIA_TYPE,
            "ETag": etag,
            DIGEST_HEADER: digest_value(latest.content),
        }
        return Response(latest.content, headers=headers)

    @views.delete("/<session_id>")
    def delete(session_id: str) -> Response:
        bridge.close_session(session_id)
        return empty_reply(204)

    return views
