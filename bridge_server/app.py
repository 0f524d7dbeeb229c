"""create_app: the guard, the error handlers and the routes, nothing else."""

from __future__ import annotations

import secrets

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException

from bridge_server import replies
from bridge_server.access import LIVE_PATH, Access
from bridge_server.bridge import Bridge
from bridge_server.problems import ProblemError
from bridge_server.routes_blobs import blobs_blueprint
from bridge_server.routes_jobs import jobs_blueprint
from bridge_server.routes_models import models_blueprint
from bridge_server.routes_outcomes import outcomes_blueprint
from bridge_server.routes_server import server_blueprint
from bridge_server.routes_sessions import sessions_blueprint


def create_app(bridge: Bridge, access: Access) -> Flask:
    """The bridge as a WSGI application.

    Args:
        bridge: its state; it need not be started.
        access: its guard.
    """
    app = Flask(__name__, static_folder=None)
    app.debug = False  # FLASK_DEBUG=1 in an artist's shell must not open a debugger
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]  # the second layer behind Access
    app.config["MAX_CONTENT_LENGTH"] = bridge.config.max_body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # no reply is a redirect

    def guard() -> None:
        g.request_id = secrets.token_hex(8)
        access.check(request)
        if request.path != LIVE_PATH:  # which strangers may ask for, too
            bridge.note_request()

    app.before_request(guard)
    app.after_request(replies.add_security_headers)
    app.register_error_handler(ProblemError, replies.problem_reply)
    app.register_error_handler(HTTPException, replies.http_error_reply)
    app.register_error_handler(Exception, replies.unexpected_reply)
    app.register_blueprint(server_blueprint(bridge, access))
    app.register_blueprint(models_blueprint(bridge))
    app.register_blueprint(blobs_blueprint(bridge))
    app.register_blueprint(sessions_blueprint(bridge))
    app.register_blueprint(jobs_blueprint(bridge))
    app.register_blueprint(outcomes_blueprint(bridge))
    return app
