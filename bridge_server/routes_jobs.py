"""Views of jobs: start, look at, cancel, follow, fetch preview and result."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.http import parse_etags

from bridge_client.messages import EmptyRequest, StartJob
from bridge_client.wire_headers import (
    ALPHA_HEADER,
    DIGEST_HEADER,
    END_REASON_HEADER,
    EVENT_STREAM_MEDIA_TYPE,
    OFFSET_HEADER,
    PREVIEW_MEDIA_TYPE,
    digest_value,
    image_media_type,
    offset_value,
)
from bridge_server import wire
from bridge_server.bridge import Bridge
from bridge_server.event_stream import StreamSlots, sse_chunks
from bridge_server.job_store import JobRecord
from bridge_server.problems import ProblemError
from bridge_server.replies import json_reply


def jobs_blueprint(bridge: Bridge) -> Blueprint:
    """The views over this bridge's jobs."""
    views = Blueprint("jobs", __name__, url_prefix="/v1")
    slots = StreamSlots(bridge.config.max_streams)

    def record_of(job_id: str) -> JobRecord:
        record = bridge.jobs.get(job_id)
        record.session.touch(bridge.clock())
        return record

    @views.post("/sessions/<session_id>/jobs")
    def start(session_id: str) -> Response:
        session = bridge.sessions.get(session_id)
        message = wire.decode_message(request.get_data(cache=False), StartJob)
        record = bridge.start_job(session, message)
        return json_reply(bridge.jobs.reply(record), 202, location=f"/v1/jobs/{record.id}")

    @views.get("/jobs/<job_id>")
    def read(job_id: str) -> Response:
        return json_reply(bridge.jobs.reply(record_of(job_id)))

    @views.post("/jobs/<job_id>/cancel")
    def cancel(job_id: str) -> Response:
        record = record_of(job_id)
        wire.decode_message(request.get_data(cache=False), EmptyRequest)
        record.ask_cancel()
        reply = bridge.jobs.reply(record)
        return json_reply(reply, 200 if reply.state.is_final else 202)

    @views.get("/jobs/<job_id>/events")
    def events(job_id: str) -> Response:
        record = record_of(job_id)
        after = _last_event_id()
        slots.take()
        chunks = sse_chunks(
            record.log,
            after=after,
            heartbeat_s=bridge.config.heartbeat_s,
            interval_s=bridge.config.event_interval_s,
            on_beat=lambda: record.session.touch(bridge.clock()),
        )
        response = Response(chunks, mimetype=EVENT_STREAM_MEDIA_TYPE)
        # Not in the generator's own finally: a generator that never began (HEAD) has none.
        response.call_on_close(slots.give_back)
        return response

    @views.get("/jobs/<job_id>/preview")
    def preview(job_id: str) -> Response:
        record = record_of(job_id)
        etag = record.preview.etag
        if etag is not None and etag.strip('"') in parse_etags(
            request.headers.get("If-None-Match")
        ):
            return Response(status=304, headers={"ETag": etag})
        latest = record.preview.take()
        if latest is None:
            raise ProblemError("preview-missing", "This job has not drawn a preview yet.")
        return Response(latest.jpeg, mimetype=PREVIEW_MEDIA_TYPE, headers={"ETag": latest.etag})

    @views.get("/jobs/<job_id>/result")
    def result(job_id: str) -> Response:
        return _result_reply(record_of(job_id))

    return views


def _result_reply(record: JobRecord) -> Response:
    layer, job = record.result, record.job
    if layer is None:
        raise ProblemError("result-missing", f"This job is {job.state.value} and has no result.")
    bounds = layer.bounds_canvas
    headers = {
        "Content-Type": image_media_type(bounds.width, bounds.height, layer.pixel_format),
        OFFSET_HEADER: offset_value(bounds),
        ALPHA_HEADER: "straight",
        DIGEST_HEADER: digest_value(layer.pixels),
    }
    if job.end_reason is not None:
        headers[END_REASON_HEADER] = job.end_reason.value
    return Response(layer.pixels, headers=headers)


def _last_event_id() -> int:
    text = request.headers.get("Last-Event-ID", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ProblemError("invalid-request", "Last-Event-ID must be a number that we gave.")
    return int(text)
