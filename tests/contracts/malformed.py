"""Requests that are wrong in exactly one way, drawn from the table of endpoints and its schemas.

Each starts as a request that the bridge would take, so that it is refused for its one fault. A new
endpoint, message or rule is attacked as soon as it is in the table.
"""

from __future__ import annotations

import copy
import functools
import json
import random
import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from bridge_client.wire_headers import BLOB_MEDIA_TYPE, JSON_MEDIA_TYPE
from bridge_server.endpoints import ENDPOINTS, Endpoint, Parameter
from bridge_server.openapi import specification
from tests.fakes.bridge import digest_of

PIXELS, MASK = bytes(4 * 320 * 320), bytes(320 * 320)  # of the window of the golden documents
DIGESTS = {"image": digest_of(PIXELS), "editable_mask": digest_of(MASK)}
GOLDEN = Path(__file__).parents[1] / "data" / "protocol"
SCHEMAS = {"components": specification()["components"]}
NO_JSON = (b"", b"{", b"nul", b"{'a': 1}", b"{}{}", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 20_000)
JUNK: tuple[Any, ...] = (
    *(None, True, 0, -1, 7, 2.5, 1 << 70, -1e300, "", "x", "0" * 32, "\x00", "é" * 70, "1"),
    *([], [None], [[]], {}, {"x": 1}, {"handle": None}, ["a"] * 300),
)
TEXT_JUNK = (
    "",
    " ",
    "-1",
    "1.5",
    "x",
    "٣",
    "9" * 40,
    "'",
    "..",
    "%",
    "null",
    "0x1",
    "\t",
    "z" * 3000,
)
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, as the test client takes it."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Ids:
    """What there is on the bridge under attack."""

    session_id: str
    running_job_id: str
    ended_job_id: str

    def path(self, row: Endpoint) -> str:
        """The row's path; who reads a job reads the one that has ended, with all that it left."""
        job_id = self.ended_job_id if row.method == "GET" else self.running_job_id
        ids = {"session_id": self.session_id, "job_id": job_id, "digest": DIGESTS["image"]}
        return row.path.format(**ids)


class Attacker:
    """Draws malformed requests, the same ones for the same seed."""

    def __init__(self, seed: int, ids: Ids, token: str) -> None:
        """Args: the seed, what a good request would name, and what opens the bridge."""
        self._random = random.Random(seed)
        self._ids = ids
        self._token = token
        self._validators = {
            name: Draft202012Validator({"$ref": f"#/components/schemas/{name}", **SCHEMAS})
            for name in SCHEMAS["components"]["schemas"]
        }

    def requests(self, count: int) -> Iterator[Request]:
        """So many malformed requests."""
        faults = [(row, fault) for row in ENDPOINTS for fault in self._faults_of(row)]
        for _ in range(count):
            row, fault = self._random.choice(faults)
            yield fault(row)

    def _faults_of(self, row: Endpoint) -> Iterator[Callable[[Endpoint], Request]]:
        yield self._wrong_host
        yield self._web_page
        yield from [self._wrong_parameter] * len(_strict(row))
        if row.is_public:
            return
        yield self._wrong_token
        yield self._wrong_method
        if row.method != "DELETE":  # to delete what is not there is all right
            yield self._no_such_path
            yield from [self._wrong_id] * ("{" in row.path)
        if row.request is None:
            yield self._body_where_there_is_none
        else:
            yield self._wrong_media_type
        if isinstance(row.request, type):
            yield from (self._no_json, self._cut_json)
            # Most of what can be wrong is wrong in here.
            yield from [self._wrong_field] * 10
        elif row.request is not None:
            yield self._wrong_pixels

    def good(self, row: Endpoint, **changes: Any) -> Request:
        """A request that the bridge would take, but for the changes."""
        headers = {"Authorization": f"Bearer {self._token}"}
        body, query = b"", {"nonce": "0" * 32} if row.is_public else {}
        if isinstance(row.request, type):
            body, headers["Content-Type"] = example(row.request), JSON_MEDIA_TYPE
        elif row.request is not None:
            body, headers["Content-Type"] = PIXELS, BLOB_MEDIA_TYPE
        parts = {"method": row.method, "path": self._ids.path(row), "body": body, "query": query}
        return Request(**{**parts, "headers": {**headers, **changes.pop("headers", {})}, **changes})

    def _wrong_host(self, row: Endpoint) -> Request:
        hosts = ("evil.example", "127.0.0.1.evil.example", "", "[::1]", "127.1", "LOCALHOST", "a b")
        return self.good(row, headers={"Host": self._random.choice(hosts)}, fault="host")

    def _web_page(self, row: Endpoint) -> Request:
        name = self._random.choice(("Origin", "Sec-Fetch-Site"))
        value = self._random.choice(("null", "", "same-origin", "http://127.0.0.1", "https://a.b"))
        return self.good(row, headers={name: value}, fault="web page")

    def _wrong_token(self, row: Endpoint) -> Request:
        wrong = (self._token[:-1], self._token + "x", "", "é", self._text())
        scheme, token = self._random.choice(("Bearer", "Basic", "")), self._random.choice(wrong)
        return self.good(row, headers={"Authorization": f"{scheme} {token}"}, fault="token")

    def _wrong_method(self, row: Endpoint) -> Request:
        taken = {each.method for each in ENDPOINTS if each.path == row.path}
        taken |= {"HEAD"} if "GET" in taken else set()
        method = self._random.choice([each for each in METHODS if each not in taken])
        return self.good(row, method=method, body=b"", fault="method")

    def _no_such_path(self, row: Endpoint) -> Request:
        path = self.good(row).path
        tails = ("/", "/x", "//", "%2f..", ";a", "%00", "/" + self._text(string.printable))
        wrong = ("/v2" + path, "/" + path[4:], path.upper())
        path = self._random.choice((path + self._random.choice(tails), *wrong))
        return self.good(row, path=path.replace("?", "").replace("#", ""), fault="path")

    def _wrong_id(self, row: Endpoint) -> Request:
        unknown = "".join(self._random.choices("0123456789abcdef", k=32))
        wrong = (unknown, unknown.upper(), "x", "..", "%2e%2e", "%00", "0", "é", "a" * 5000)
        path = re.sub(r"\{\w+\}", lambda part: self._random.choice(wrong), row.path)
        return self.good(row, path=path, fault="id")

    def _body_where_there_is_none(self, row: Endpoint) -> Request:
        return self.good(
            row, body=self._random.randbytes(self._random.randint(1, 99)), fault="body"
        )

    def _wrong_media_type(self, row: Endpoint) -> Request:
        wrong = ("", "text/plain", "multipart/form-data; boundary=x", "application/jsonx", "/", "é")
        return self.good(
            row, headers={"Content-Type": self._random.choice(wrong)}, fault="media type"
        )

    def _wrong_pixels(self, row: Endpoint) -> Request:
        body = bytearray(PIXELS)
        body[self._random.randrange(len(body))] ^= 1 << self._random.randrange(8)
        return self.good(
            row, body=bytes(body[: self._random.randint(0, len(body))]), fault="pixels"
        )

    def _wrong_parameter(self, row: Endpoint) -> Request:
        wrong = self._random.choice(_strict(row))
        # Values of headers come without the blanks around them, and empty ones like missing ones.
        values = [each for each in TEXT_JUNK if each.strip() and not _is_valid(each, wrong.schema)]
        place = {wrong.name: self._random.choice(values)}
        if wrong.place == "query":
            return self.good(row, query=place, fault=f"query {place}")
        return self.good(row, headers=place, fault=f"header {place}")

    def _no_json(self, row: Endpoint) -> Request:
        return self.good(row, body=self._random.choice(NO_JSON), fault="no JSON")

    def _cut_json(self, row: Endpoint) -> Request:
        body = self.good(row).body
        return self.good(row, body=body[: self._random.randrange(len(body))], fault="cut JSON")

    def _wrong_field(self, row: Endpoint) -> Request:
        """A field's value or the whole body changed until the schema calls it invalid."""
        assert isinstance(row.request, type)
        good, validator = json.loads(example(row.request)), self._validators[row.request.__name__]
        while True:
            document = self._changed(good)
            if not validator.is_valid(document):
                body = json.dumps(document).encode()
                return self.good(row, body=body, fault=f"field {body[:200]!r}")

    def _changed(self, document: Any) -> Any:
        document = copy.deepcopy(document)
        holders = list(_holders(document))
        if not holders or self._random.random() < 0.1:
            return self._random.choice(JUNK)
        holder, key = self._random.choice(holders)
        if isinstance(holder, dict) and self._random.random() < 0.2:
            del holder[key]
        else:
            holder[key] = self._random.choice(JUNK)
        return document

    def _text(self, alphabet: str = string.ascii_letters + string.digits + "._~-") -> str:
        return "".join(self._random.choices(alphabet, k=self._random.randint(1, 80)))


def _strict(row: Endpoint) -> list[Parameter]:
    """The row's parameters that do not take just any text."""
    return [each for each in row.parameters if each.schema != {"type": "string"}]


def _is_valid(text: str, schema: Mapping[str, Any]) -> bool:
    value: Any = text
    if schema["type"] != "string":
        try:
            value = float(text)
        except ValueError:
            return False
    return bool(Draft202012Validator(schema).is_valid(value))


@functools.cache
def example(kind: type[Any]) -> bytes:
    """The golden document of the message, with pixels that there are."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
    document = json.loads((GOLDEN / f"{words}.json").read_bytes())
    for name in DIGESTS.keys() & document.keys():
        document[name]["sha256"] = DIGESTS[name]
    return json.dumps(document).encode()


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in the document, as its holder and the key or index there."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _holders(value[key])
