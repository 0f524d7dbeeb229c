"""Views about the bridge itself: health, handshake, shutdown."""

from __future__ import annotations

import platform
from importlib import metadata

from flask import Blueprint, Response, request

from bridge_client.messages import (
    PROTOCOL_VERSION,
    Limits,
    LivenessReply,
    ServerInfo,
    ShutDown,
)
from bridge_client.wire_headers import JSON_MEDIA_TYPE
from bridge_server import wire
from bridge_server.access import LIVE_PATH, Access
from bridge_server.bridge import Bridge
from bridge_server.openapi import specification_text
from bridge_server.replies import empty_reply, json_reply

_CAPABILITIES = (
    "check",
    "confidence",
    "drag",
    "history",
    "invert",
    "live-pairs",
    "long-poll",
    "pause",
    "replacement",
    "preview-jpeg",
    "region",
    "resumable-events",
    "snapshot",
)
_LOADING_RETRY_AFTER_S = 1


def server_blueprint(bridge: Bridge, access: Access) -> Blueprint:
    """The views over this bridge."""
    views = Blueprint("server", __name__)

    @views.get(LIVE_PATH)
    def live() -> Response:
        proof = access.proof(request.args.get("nonce", ""))
        return json_reply(LivenessReply(status="live", proof=proof))

    @views.get("/health/ready")
    def ready() -> Response:
        readiness = bridge.worker.readiness
        reply = json_reply(readiness, 200 if readiness.is_ready else 503)
        if not readiness.is_ready:
            reply.headers["Retry-After"] = str(_LOADING_RETRY_AFTER_S)
        return reply

    @views.get("/v1/server")
    def server() -> Response:
        return json_reply(_server_info(bridge))

    @views.get("/v1/openapi.json")
    def openapi() -> Response:
        return Response(specification_text(), mimetype=JSON_MEDIA_TYPE)

    @views.post("/v1/server/shutdown")
    def shutdown() -> Response:
        message = wire.decode_message(request.get_data(cache=False), ShutDown)
        bridge.shut_down(is_forced=message.force)
        return empty_reply(202)

    return views


def _server_info(bridge: Bridge) -> ServerInfo:
    config = bridge.config
    return ServerInfo(
        api=PROTOCOL_VERSION,
        instance_id=bridge.instance_id,
        limits=Limits(
            max_blob_bytes=config.max_body_bytes,
            max_streams=config.max_streams,
            max_queued_jobs=config.max_queued_jobs,
            max_sessions=config.max_sessions,
            max_snapshot_bytes=config.max_body_bytes,
        ),
        versions={"draglayer": _own_version(), "python": platform.python_version()},
        capabilities=_CAPABILITIES,
        devices=bridge.pool.devices(),
    )


def _own_version() -> str:
    try:
        return metadata.version("draglayer")
    except metadata.PackageNotFoundError:
        return "source"  # run from a checkout that was not installed
