"""The blob store."""

from __future__ import annotations

import pytest

from bridge_server.blobs import BlobStore, check_digest
from bridge_server.problems import ProblemError
from tests.fakes.bridge import digest_of


def put(store: BlobStore, content: bytes) -> bool:
    return store.put(digest_of(content), content)


def test_a_blob_is_new_once() -> None:
    store = BlobStore(max_bytes=100)
    assert put(store, b"layer")
    assert not put(store, b"layer")
    assert store.get(digest_of(b"layer")) == b"layer"
    assert store.held_bytes == 5


def test_content_of_another_digest_is_refused_and_not_kept() -> None:
    store = BlobStore(max_bytes=100)
    with pytest.raises(ProblemError) as caught:
        store.put(digest_of(b"layer"), b"other")
    assert caught.value.code == "hash-mismatch"
    assert digest_of(b"layer") not in store


def test_an_unknown_blob_is_told() -> None:
    with pytest.raises(ProblemError) as caught:
        BlobStore(max_bytes=100).get(digest_of(b"layer"))
    assert caught.value.code == "blob-missing"


def test_the_least_recently_used_goes_first() -> None:
    store = BlobStore(max_bytes=10)
    put(store, b"aaaa")
    put(store, b"bbbb")
    assert digest_of(b"aaaa") in store  # asking renews
    put(store, b"cccc")
    assert digest_of(b"bbbb") not in store
    assert digest_of(b"aaaa") in store
    assert store.held_bytes == 8


def test_one_blob_over_the_bound_is_still_usable() -> None:
    store = BlobStore(max_bytes=3)
    put(store, b"larger")
    assert store.get(digest_of(b"larger")) == b"larger"


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "a" * 64 + "\n",
        "../" + "a" * 61,
        "%2e" * 21 + "a",
        "٣" * 64,
    ],
)
def test_only_full_lower_case_digests_name_a_blob(digest: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check_digest(digest)
    assert caught.value.code == "not-found"
