"""Views of what can be known before a session: the models, and the window that one wants."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bridge_client.messages import ModelList, ProposeRegion
from bridge_server import wire
from bridge_server.bridge import Bridge
from bridge_server.replies import json_reply


def models_blueprint(bridge: Bridge) -> Blueprint:
    """The views over this bridge's models."""
    views = Blueprint("models", __name__, url_prefix="/v1")

    @views.get("/models")
    def models() -> Response:
        return json_reply(ModelList(models=bridge.pool.models()))

    @views.post("/region")
    def region() -> Response:
        message = wire.decode_message(request.get_data(cache=False), ProposeRegion)
        return json_reply(bridge.propose_region(message))

    return views
