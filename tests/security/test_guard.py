"""The guard, on every route of the real application."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge_client.proof import bridge_proof
from bridge_server.access import (
    MAX_WRONG_TOKENS,
    WRONG_TOKENS_WINDOW_S,
    Access,
    make_token,
)
from bridge_server.bridge import Bridge
from tests.fakes.bridge import (
    ARTIST_TOKEN,
    BLOB_HEADERS,
    IN_PROCESS_PORT,
    FakeClock,
    new_id,
)

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO", "CONNECT"]
GRANTS = ("Access-Control", "Set-Cookie")
NONCE = "0f" * 16


def paths(app: Flask) -> list[str]:
    """One concrete path for each rule, and one that is no route."""
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    named = [
        rule.replace("<digest>", "0" * 64)
        .replace("<session_id>", new_id())
        .replace("<job_id>", new_id())
        for rule in rules
    ]
    return [*sorted(set(named)), "/nowhere"]


def test_every_route_and_method_needs_the_token(app: Flask, clock: FakeClock) -> None:
    stranger = app.test_client()
    for path in paths(app):
        for method in METHODS:
            clock.turn(1)
            if (method, path) == ("GET", "/health/live"):
                continue
            reply = stranger.open(path, method=method)
            assert reply.status_code == 401, (method, path)
            if method != "HEAD":
                assert reply.json["code"] == "unauthorized", (method, path)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {ARTIST_TOKEN[:-1]}",
        f"Bearer {ARTIST_TOKEN}y",
        f"Bearer {ARTIST_TOKEN[:-1]}y",
        f"bearer  {ARTIST_TOKEN}",
        f"Basic {ARTIST_TOKEN}",
        ARTIST_TOKEN,
        "Bearer \xff\xfe",
    ],
)
def test_only_the_whole_token_in_the_right_scheme_opens(app: Flask, authorization: str) -> None:
    reply = app.test_client().get("/v1/server", headers={"Authorization": authorization})
    assert reply.status_code == 401


def test_a_token_elsewhere_does_not_open(app: Flask) -> None:
    stranger = app.test_client()
    stranger.set_cookie("token", ARTIST_TOKEN)
    assert stranger.get(f"/v1/server?token={ARTIST_TOKEN}").status_code == 401
    assert stranger.get("/v1/server", headers={"X-Token": ARTIST_TOKEN}).status_code == 401


def test_the_token_opens(client: FlaskClient) -> None:
    assert client.get("/v1/server").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", f"127.0.0.1:{IN_PROCESS_PORT}"])
def test_our_own_names_are_hosts(client: FlaskClient, host: str) -> None:
    assert client.get("/v1/server", headers={"Host": host}).status_code == 200


def test_foreign_hosts_are_refused_everywhere_before_the_token(app: Flask) -> None:
    stranger = app.test_client()
    for path in paths(app):
        for method in METHODS:
            reply = stranger.open(path, method=method, headers={"Host": "evil.example"})
            assert reply.status_code == 400, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{IN_PROCESS_PORT}"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_web_pages_are_refused_even_with_the_token(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    for path in ("/v1/server", "/health/live"):
        reply = client.get(path, headers=headers)
        assert (reply.status_code, reply.json["code"]) == (403, "origin-not-allowed")
    assert client.options("/v1/sessions", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None],
)
def test_simple_requests_cannot_act(
    app: Flask, client: FlaskClient, bridge: Bridge, media_type: str | None
) -> None:
    shutdowns: list[bool] = []
    bridge.on_shutdown = lambda: shutdowns.append(True)
    for path in paths(app):
        for method in ("POST", "PUT"):
            reply = client.open(path, method=method, data=b"{}", content_type=media_type)
            assert reply.status_code in (404, 405, 415), (method, path)
            assert reply.json["code"] in ("not-found", "method-not-allowed", "unsupported-media")
    assert (shutdowns, len(bridge.sessions), bridge.blobs.held_bytes) == ([], 0, 0)


def test_json_has_a_cap_of_its_own(client: FlaskClient) -> None:
    body = b'{"padding": "' + b"x" * (1 << 20) + b'"}'
    reply = client.post("/v1/sessions", data=body, content_type="application/json")
    assert (reply.status_code, reply.json["code"]) == (413, "body-too-large")


def test_a_body_where_none_belongs_is_refused(client: FlaskClient) -> None:
    assert client.get("/v1/server", data=b"x").status_code == 413


def test_unknown_paths_and_methods_are_told_to_whoever_has_the_token(client: FlaskClient) -> None:
    missing = client.get("/nowhere")
    assert (missing.status_code, missing.json["code"]) == (404, "not-found")
    wrong = client.patch("/v1/sessions")
    assert (wrong.status_code, wrong.json["code"]) == (405, "method-not-allowed")
    assert wrong.headers["Allow"] == "POST"
    assert client.get("/v1//server").status_code == 404
    assert client.get("/v1/server/").status_code == 404


def test_the_proof_shows_that_we_know_the_token(app: Flask) -> None:
    reply = app.test_client().get(f"/health/live?nonce={NONCE}")
    expected = hmac.new(
        ARTIST_TOKEN.encode(),
        b"draglayer-bridge" + bytes.fromhex(NONCE) + str(IN_PROCESS_PORT).encode(),
        hashlib.sha256,
    ).hexdigest()
    assert reply.json == {"status": "live", "proof": expected}
    assert expected == bridge_proof(ARTIST_TOKEN, bytes.fromhex(NONCE), IN_PROCESS_PORT)


@pytest.mark.parametrize(
    "nonce", ["", "0f", NONCE.upper(), NONCE + "00", NONCE[:-1] + "\n", "zz" * 16]
)
def test_a_nonce_has_one_form(app: Flask, nonce: str) -> None:
    reply = app.test_client().get("/health/live", query_string={"nonce": nonce})
    assert (reply.status_code, reply.json["code"]) == (422, "invalid-request")


def wrong_status(app: Flask) -> int:
    headers = {"Authorization": "Bearer wrong"}
    return app.test_client().get("/v1/server", headers=headers).status_code


def test_whoever_guesses_tokens_is_slowed(app: Flask, clock: FakeClock) -> None:
    assert [wrong_status(app) for _ in range(MAX_WRONG_TOKENS)] == [401] * MAX_WRONG_TOKENS
    reply = app.test_client().get("/v1/server")
    assert (reply.status_code, reply.json["code"]) == (429, "too-many-attempts")
    assert int(reply.headers["Retry-After"]) > 0
    clock.turn(WRONG_TOKENS_WINDOW_S)
    assert wrong_status(app) == 401


def test_a_guesser_does_not_keep_the_artist_out(app: Flask, client: FlaskClient) -> None:
    for _ in range(3 * MAX_WRONG_TOKENS):
        wrong_status(app)
    assert client.get("/v1/server").status_code == 200
    assert app.test_client().get(f"/health/live?nonce={NONCE}").status_code == 200


def test_every_reply_carries_the_security_headers_and_grants_nothing(
    app: Flask, client: FlaskClient, clock: FakeClock
) -> None:
    for path in paths(app):
        for method in METHODS:
            for headers in ({}, {"Authorization": ""}, {"Origin": "https://evil.example"}):
                clock.turn(1)
                reply = client.open(path, method=method, headers=headers)
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
                assert reply.headers["Cache-Control"] == "no-store"
                assert reply.headers["Content-Security-Policy"] == "default-src 'none'"
                assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
                names = [name for name, _ in reply.headers]
                assert not [name for name in names if name.startswith(GRANTS)], (method, path)


def test_no_reply_sends_anywhere_else(app: Flask, client: FlaskClient) -> None:
    for path in [*paths(app), "//evil.example/v1/server", "/v1//server", "/v1/server/"]:
        reply = client.get(path)
        assert not 300 <= reply.status_code < 400 and "Location" not in reply.headers


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "../../etc/passwd",
        "0" * 63,
        "0" * 65,
        "A" * 64,
        "\N{FULLWIDTH DIGIT ZERO}" * 64,
        "0" * 64 + "%0A",
        "0" * 64 + "\n",
    ],
)
def test_a_name_is_a_name_and_no_path(client: FlaskClient, name: str) -> None:
    for path in ("/v1/blobs/{}", "/v1/sessions/{}", "/v1/jobs/{}", "/v1/jobs/{}/result"):
        method = "PUT" if "blobs" in path else "GET"
        reply = client.open(path.format(name), method=method, headers=BLOB_HEADERS)
        assert reply.status_code in (404, 405, 422), path


def test_tokens_have_256_bits_and_differ() -> None:
    assert len({make_token() for _ in range(100)}) == 100
    assert len(make_token()) == 43


def test_the_guard_does_not_show_the_token() -> None:
    access = Access(token=ARTIST_TOKEN, port=1, max_json_bytes=1, max_body_bytes=1)
    assert ARTIST_TOKEN not in repr(access)
