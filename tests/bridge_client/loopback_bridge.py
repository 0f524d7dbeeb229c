"""A small real bridge on a loopback socket, scripted by the tests; shares no code with the server.

Each job has a log of events; a job's script, called when the job is made, writes into it, and a
test may write more later.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "t" * 43
REGION = {"x": 1, "y": 2, "width": 32, "height": 32}
MATCH = {"share": 0.5, "level": "poor", "sentence": "The model does not know this."}
WAIT_S = 10.0


class Session:
    """What stands in the session's reply, and what it was made of."""

    def __init__(self, session_id: str, request: dict[str, Any]) -> None:
        self.id = session_id
        self.request = request
        self.is_inverted = request["snapshot"] is not None
        self.drags: list[bool] = []  # whether each is done, or undone
        self.snapshot_count = 0

    @property
    def depths(self) -> tuple[int, int]:
        return self.drags.count(True), self.drags.count(False)

    def after(self, kind: str) -> None:
        """What a job of the kind leaves behind."""
        done, undone = self.depths
        self.is_inverted = True
        if kind == "drag":
            done, undone = done + 1, 0
        elif kind in ("undo", "redo"):
            way = 1 if kind == "undo" else -1
            done, undone = done - way, undone + way
        self.drags = [True] * done + [False] * undone


class Job:
    """A job's log; whoever reads it waits on the condition."""

    def __init__(self, job_id: str, request: dict[str, Any], session: Session) -> None:
        self.id = job_id
        self.request = request
        self.session = session
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.changed = threading.Condition()
        self.cancel_count = 0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refusal = ""
        self.is_closing = False

    def push(self, name: str, **data: Any) -> None:
        with self.changed:
            self.log.append((name, data))
            self.changed.notify_all()

    def end(self, state: str, **data: Any) -> None:
        if state == "succeeded" or data.get("has_result"):
            self.session.after(self.request["kind"])
        self.push("end", state=state, **data)

    def write_down(self) -> None:
        """The bridge makes a snapshot and tells of it."""
        self.session.snapshot_count += 1
        self.push("snapshot", etag=f'"s{self.session.snapshot_count}"')

    def wait_for_news(self, seq: int) -> list[tuple[str, dict[str, Any]]]:
        """The next event; none after half a second."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_closing or len(self.log) > seq, 0.5)
            return self.log[seq : seq + 1]

    def wait_for(self, test: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(test, WAIT_S)


def succeed_at_once(job: Job) -> None:
    """The default script: one step, one preview, done."""
    job.push("state", state="running")
    if job.request["kind"] == "invert":
        job.push("inversion-progress", step_index=0, step_budget=1, loss=0.5, match=MATCH)
        job.end("succeeded")
        return
    if job.request["kind"] == "check":
        place = job.request["pairs"][0]["handle"]
        hint = {"confidence": 0.1, "is_trackable": False, "best_confidence": 0.8}
        job.push("hints", hints=[{**hint, "best_place_canvas": place}])
        job.end("succeeded")
        return
    if job.request["kind"] == "drag":
        handles = [pair["target"] for pair in job.request["pairs"]]
        told = {"step_index": 0, "step_budget": 2, "distance_px": 0.0, "confidences": [0.5]}
        job.push("drag-progress", handles_canvas=handles, **told)
    job.push("preview", etag='"1"')
    job.end("succeeded", end_reason="reached", has_result=True)


class LoopbackBridge:
    """Starts at once; `close` ends it. What it was asked stands in its lists."""

    def __init__(self, token: str = TOKEN, *, proof_token: str | None = None) -> None:
        self.token = token
        self.proof_token = proof_token or token
        self.requests: list[str] = []
        self.secrets_seen: list[str] = []
        self.last_event_ids: list[str | None] = []
        self.blobs: dict[str, bytes] = {}
        self.sessions: dict[str, Session] = {}
        self.lost_sessions: set[str] = set()
        self.lost_replies = 0  # to the next requests that start a job
        self.deleted_sessions: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.job_made = threading.Condition()
        self.script: Callable[[Job], None] = succeed_at_once
        self.stream_cuts: list[int] = []  # how many events each next stream gives before it breaks
        self.corrupts_result = False
        self.result_form = ""  # as an old bridge, which says nothing
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        # Closing waits for every answer that is still being given.
        self._server.daemon_threads = False
        self._server.bridge = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def record(self) -> dict[str, Any]:
        return {
            "api": "1.0",
            "url": f"http://127.0.0.1:{self.port}",
            "pid": 1,
            "instance_id": "0" * 32,
            "started": "2026-01-01T00:00:00+00:00",
            "token": self.token,
        }

    def job_of_kind(self, kind: str, number: int = 0) -> Job:
        """Waits until the client has started such a job, or as many before."""

        def found() -> Job | None:
            jobs = [job for job in self.jobs.values() if job.request["kind"] == kind]
            return jobs[number] if len(jobs) > number else None

        with self.job_made:
            assert self.job_made.wait_for(lambda: found() is not None, WAIT_S)
        job = found()
        assert job is not None
        return job

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        for job in self.jobs.values():
            with job.changed:
                job.is_closing = True
                job.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def bridge(self) -> LoopbackBridge:
        return self.server.bridge  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests read `requests`."""

    def _handle(self) -> None:
        path = urlsplit(self.path).path
        self.bridge.requests.append(f"{self.command} {path}")
        self.bridge.secrets_seen.append(self.headers.get("Authorization", ""))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/health/live":
            return self._live()
        if self.headers.get("Authorization") != f"Bearer {self.bridge.token}":
            return self._problem(401, "unauthorized", "The token is wrong.")
        parts = path.strip("/").split("/")
        if path == "/health/ready":
            return self._json(200, {"is_ready": True, "unknown_field": 1})
        if parts[:2] == ["v1", "blobs"]:
            return self._blob(parts[2], body)
        if parts[:2] == ["v1", "sessions"]:
            return self._session(parts[2:], body)
        if parts[:2] == ["v1", "jobs"]:
            return self._job(parts[2:], body)
        return self._other(path, body)

    def _other(self, path: str, body: bytes) -> None:
        if path == "/v1/models":
            model = {"id": "default", "title": "T", "licence": "L"}
            sizes = {"resolution_px": 64, "feature_side_px": 16}
            return self._json(200, {"models": [{**model, **sizes}]})
        if path == "/v1/region":
            return self._json(200, {"bounds_canvas": REGION, "px_per_feature": 2.0})
        if path == "/v1/server/shutdown":
            if json.loads(body)["force"]:
                return self._send(202)
            return self._problem(409, "sessions-in-use", "Somebody works.")
        return self._problem(404, "not-found", "Nothing is here.")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _live(self) -> None:
        nonce = bytes.fromhex(parse_qs(urlsplit(self.path).query)["nonce"][0])
        message = b"draglayer-bridge" + nonce + str(self.bridge.port).encode()
        proof = hmac.new(self.bridge.proof_token.encode(), message, hashlib.sha256).hexdigest()
        self._json(200, {"status": "live", "proof": proof})

    def _blob(self, digest: str, body: bytes) -> None:
        if self.command == "HEAD":
            return self._send(200 if digest in self.bridge.blobs else 404)
        assert hashlib.sha256(body).hexdigest() == digest
        self.bridge.blobs[digest] = body
        return self._send(201)

    def _session(self, parts: list[str], body: bytes) -> None:
        if not parts:
            session_id = f"{len(self.bridge.sessions):032x}"
            self.bridge.sessions[session_id] = Session(session_id, json.loads(body))
            return self._json(201, self._session_reply(session_id))
        if parts[0] not in self.bridge.sessions or parts[0] in self.bridge.lost_sessions:
            return self._problem(410, "session-expired", "The session has ended.")
        if self.command == "DELETE":
            self.bridge.deleted_sessions.append(parts[0])
            return self._send(204)
        if parts[1:] == ["snapshot"]:
            return self._snapshot(self.bridge.sessions[parts[0]])
        if parts[1:] != ["jobs"]:
            return self._json(200, self._session_reply(parts[0]))
        request = json.loads(body)
        job = Job(request["id"], request, self.bridge.sessions[parts[0]])
        if request["id"] not in self.bridge.jobs:
            self.bridge.script(job)
        if request["id"] in self.bridge.jobs:
            return self._json(202, self._job_reply(self.bridge.jobs[request["id"]]))
        with self.bridge.job_made:
            self.bridge.jobs[job.id] = job
            self.bridge.job_made.notify_all()
        if self.bridge.lost_replies:
            self.bridge.lost_replies -= 1
            self.close_connection = True
            return None
        return self._json(202, self._job_reply(job))

    def _session_reply(self, session_id: str) -> dict[str, Any]:
        session = self.bridge.sessions[session_id]
        undo_depth, redo_depth = session.depths
        return {
            "id": session_id,
            "model": session.request["model"],
            "bounds_canvas": session.request["bounds_canvas"],
            "revision": 0,
            "is_inverted": session.is_inverted,
            "lease_s": 300,
            "history": {"undo_depth": undo_depth, "redo_depth": redo_depth},
            "match": MATCH if session.is_inverted else None,
        }

    def _snapshot(self, session: Session) -> None:
        tag = f'"s{session.snapshot_count}"'
        if session.snapshot_count == 0:
            return self._problem(409, "snapshot-missing", "There is none.")
        if self.headers.get("If-None-Match") == tag:
            return self._send(304)
        body = f"snapshot {session.snapshot_count} of {session.id}".encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        sent = body[::-1] if self.bridge.corrupts_result else body
        return self._send(200, sent, {"ETag": tag, "Repr-Digest": f"sha-256=:{digest}:"})

    def _job_reply(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "session_id": "0" * 32,
            "kind": job.request["kind"],
            "state": "running",
            "seq": len(job.log),
        }

    def _job(self, parts: list[str], body: bytes) -> None:
        job = self.bridge.jobs.get(parts[0])
        if job is None:
            return self._problem(404, "job-missing", "The bridge does not know this job.")
        what = parts[1] if len(parts) > 1 else ""
        if what == "events":
            return self._events(job)
        if what == "cancel":
            with job.changed:
                job.cancel_count += 1
                job.changed.notify_all()
            return self._json(202, self._job_reply(job))
        if what in ("pause", "resume", "pairs"):
            if job.refusal:
                return self._problem(409, "job-state", job.refusal)
            with job.changed:
                job.asked.append((what, json.loads(body)))
                job.changed.notify_all()
            return self._json(200, self._job_reply(job))
        if what == "preview":
            return self._send(200, b"jpeg", {"Content-Type": "image/jpeg", "ETag": '"1"'})
        if what == "result":
            return self._result()
        return self._json(200, self._job_reply(job))

    def _result(self) -> None:
        session = list(self.bridge.sessions.values())[-1].request
        window = session["bounds_canvas"]
        body = bytes(range(16))
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        kind = f"width=2; height=2; format={session['image']['format']}"
        sent = body[::-1] if self.bridge.corrupts_result else body
        headers = {
            "Content-Type": f"application/vnd.draglayer.image; {kind}",
            "Draglayer-Offset": f"{window['x'] + 1},{window['y'] + 1}",
            "Repr-Digest": f"sha-256=:{digest}:",
        }
        if self.bridge.result_form:
            headers["Draglayer-Form"] = self.bridge.result_form
        self._send(200, sent, headers)

    def _events(self, job: Job) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "wait_s" in query:
            return self._page(job, int(query["after"][0]))
        resume = self.headers.get("Last-Event-ID")
        self.bridge.last_event_ids.append(resume)
        with job.changed:
            cut = self.bridge.stream_cuts.pop(0) if self.bridge.stream_cuts else None
            job.changed.notify_all()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        seq, sent = int(resume or 0), 0
        while sent != cut and not job.is_closing:
            news = job.wait_for_news(seq)
            name, data = news[0] if news else ("heartbeat", {})
            head = f"id: {seq + 1}\n" if news else ""
            text = f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"
            try:
                self.wfile.write(text.encode())
            except OSError:
                return  # the client has what it wanted
            seq, sent = seq + len(news), sent + len(news)
            if name == "end":
                return

    def _page(self, job: Job, after: int) -> None:
        events = [
            {"seq": after + 1 + i, "event": name, "data": data}
            for i, (name, data) in enumerate(job.log[after:])
        ]
        self._json(200, {"events": events, "is_closed": True})

    def _problem(self, status: int, code: str, detail: str) -> None:
        problem = {"code": code, "title": code, "status": status, "detail": detail, "hint": "Hint."}
        self._json(status, problem, "application/problem+json")

    def _json(self, status: int, value: object, kind: str = "application/json") -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": kind})

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
