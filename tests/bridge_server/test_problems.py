"""The problem table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bridge_server
from bridge_server.problems import PROBLEMS, ProblemError

# Written down here a second time on purpose: these codes are a promise to clients.
STABLE_CODES = {
    "blob-missing",
    "body-too-large",
    "cancelled-by-server",
    "device-lost",
    "engine-failed",
    "engine-unavailable",
    "hash-mismatch",
    "history-end",
    "host-not-allowed",
    "image-too-large",
    "internal",
    "invalid-request",
    "inversion-diverged",
    "job-conflict",
    "job-expired",
    "job-missing",
    "job-state",
    "method-not-allowed",
    "model-missing",
    "model-rejected",
    "no-region",
    "not-found",
    "origin-not-allowed",
    "out-of-vram",
    "preview-missing",
    "queue-full",
    "result-missing",
    "revision-conflict",
    "server-stopping",
    "session-expired",
    "session-limit",
    "session-missing",
    "sessions-in-use",
    "snapshot-missing",
    "snapshot-rejected",
    "stream-limit",
    "too-many-attempts",
    "unauthorized",
    "unsupported-media",
}


def test_the_codes_are_the_promised_ones() -> None:
    assert set(PROBLEMS) == STABLE_CODES


def test_every_code_is_raised_somewhere() -> None:
    folder = Path(bridge_server.__file__).parent
    sources = [path for path in folder.rglob("*.py") if path.name != "problems.py"]
    text = "".join(path.read_text() for path in sources)
    assert [code for code in PROBLEMS if f'"{code}"' not in text] == []


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_each_has_a_hint_and_a_status_that_fits(code: str) -> None:
    kind = PROBLEMS[code]
    assert 400 <= kind.status < 600
    assert kind.title and re.search(r"[.!]$", kind.hint)
    assert kind.is_retryable == (kind.status in (429, 503))


def test_an_unlisted_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not in the problem table"):
        ProblemError("teapot", "Short and stout.")


def test_the_body_carries_code_detail_and_request_id() -> None:
    message = ProblemError("queue-full", "8 jobs are waiting.").message("abc")
    assert (message.code, message.status, message.retryable) == ("queue-full", 503, True)
    assert (message.detail, message.request_id) == ("8 jobs are waiting.", "abc")
