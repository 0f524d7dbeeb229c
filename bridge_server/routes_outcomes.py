"""Views of what a job gives: its events, its previews, its result."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request
from werkzeug.http import parse_etags

from bridge_client.messages import EventPage
from bridge_client.wire_headers import (
    ALPHA_HEADER,
    DIGEST_HEADER,
    END_REASON_HEADER,
    EVENT_STREAM_MEDIA_TYPE,
    FORM_HEADER,
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

# Well under the time after which a client counts as gone.
MAX_WAIT_S = 30
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?", re.ASCII)


def outcomes_blueprint(bridge: Bridge) -> Blueprint:
    """The views over what this bridge's jobs give."""
    views = Blueprint("outcomes", __name__, url_prefix="/v1/jobs")
    slots = StreamSlots(bridge.config.max_streams)

    @views.get("/<job_id>/events")
    def events(job_id: str) -> Response:
        record = bridge.job(job_id)
        is_page = "wait_s" in request.args
        return _page(record, slots) if is_page else _stream(bridge, record, slots)

    @views.get("/<job_id>/preview")
    def preview(job_id: str) -> Response:
        record = bridge.job(job_id)
        etag = record.preview.etag
        if etag is not None and etag.strip('"') in parse_etags(
            request.headers.get("If-None-Match")
        ):
            return Response(status=304, headers={"ETag": etag})
        latest = record.preview.take()
        if latest is None:
            raise ProblemError("preview-missing", "This job has not drawn a preview yet.")
        return Response(latest.jpeg, mimetype=PREVIEW_MEDIA_TYPE, headers={"ETag": latest.etag})

    @views.get("/<job_id>/result")
    def result(job_id: str) -> Response:
        return _result_reply(bridge.job(job_id))

    return views


def _page(record: JobRecord, slots: StreamSlots) -> Response:
    after, wait_s = _cursor(), _wait_s()
    with slots.taken():
        events, is_closed = record.log.read(after, timeout_s=wait_s)
    logged = tuple(wire.logged_event(each.event, seq=each.seq) for each in events)
    return json_reply(EventPage(events=logged, is_closed=is_closed))


def _stream(bridge: Bridge, record: JobRecord, slots: StreamSlots) -> Response:
    after = _cursor()
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


def _result_reply(record: JobRecord) -> Response:
    layer, job = record.result, record.job
    if layer is None:
        raise ProblemError("result-missing", f"This job is {job.state.value} and has no result.")
    bounds = layer.bounds_canvas
    headers = {
        "Content-Type": image_media_type(bounds.width, bounds.height, layer.pixel_format),
        OFFSET_HEADER: offset_value(bounds),
        ALPHA_HEADER: "straight",
        FORM_HEADER: layer.form.value,
        DIGEST_HEADER: digest_value(layer.pixels),
    }
    if job.end_reason is not None:
        headers[END_REASON_HEADER] = job.end_reason.value
    return Response(layer.pixels, headers=headers)


def _cursor() -> int:
    """Number of the last event that the reader has: the query's counts before an EventSource's."""
    cursor = 0
    for name, given in (("Last-Event-ID", request.headers), ("after", request.args)):
        text = given.get(name, str(cursor))
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ProblemError("invalid-request", f"{name} must be a number that we gave.")
        cursor = int(text)
    return cursor


def _wait_s() -> float:
    text = request.args["wait_s"]
    if _SECONDS.fullmatch(text) is None or float(text) > MAX_WAIT_S:
        raise ProblemError(
            "invalid-request", f"wait_s must be a number of seconds from 0 to {MAX_WAIT_S}."
        )
    return float(text)
