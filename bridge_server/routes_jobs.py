"""Views of jobs: start, look at, pause, change, cancel."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bridge_client.messages import EmptyRequest, SetPairs, StartJob
from bridge_server import wire
from bridge_server.bridge import Bridge
from bridge_server.replies import json_reply


def jobs_blueprint(bridge: Bridge) -> Blueprint:
    """The views over this bridge's jobs."""
    views = Blueprint("jobs", __name__, url_prefix="/v1")

    @views.post("/sessions/<session_id>/jobs")
    def start(session_id: str) -> Response:
        session = bridge.sessions.get(session_id)
        message = wire.decode_message(request.get_data(cache=False), StartJob)
        record = bridge.start_job(session, message)
        return json_reply(bridge.jobs.reply(record), 202, location=f"/v1/jobs/{record.id}")

    @views.get("/jobs/<job_id>")
    def read(job_id: str) -> Response:
        return json_reply(bridge.jobs.reply(bridge.job(job_id)))

    @views.post("/jobs/<job_id>/cancel")
    def cancel(job_id: str) -> Response:
        record = bridge.job(job_id)
        wire.decode_message(request.get_data(cache=False), EmptyRequest)
        record.ask_cancel()
        reply = bridge.jobs.reply(record)
        return json_reply(reply, 200 if reply.state.is_final else 202)

    @views.post("/jobs/<job_id>/pause")
    def pause(job_id: str) -> Response:
        record = bridge.job(job_id)
        wire.decode_message(request.get_data(cache=False), EmptyRequest)
        record.ask_pause()
        return json_reply(bridge.jobs.reply(record))

    @views.post("/jobs/<job_id>/resume")
    def resume(job_id: str) -> Response:
        record = bridge.job(job_id)
        wire.decode_message(request.get_data(cache=False), EmptyRequest)
        record.ask_resume()
        return json_reply(bridge.jobs.reply(record))

    @views.post("/jobs/<job_id>/pairs")
    def set_pairs(job_id: str) -> Response:
        record = bridge.job(job_id)
        message = wire.decode_message(request.get_data(cache=False), SetPairs)
        bridge.set_pairs(record, message.pairs)
        return json_reply(bridge.jobs.reply(record))

    return views
