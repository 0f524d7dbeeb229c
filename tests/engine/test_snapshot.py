"""A session written and read again: bit for bit, or refused in a sentence."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from engine.errors import SnapshotError
from engine.history import Entry, History
from engine.snapshot import FORMAT, Snapshot, document_digest


def small_history():
    source = torch.Generator().manual_seed(4)
    entries = tuple(
        Entry(trajectory=torch.randn(n, 2, 3, generator=source), position=n - 1, amount=amount)
        for n, amount in ((3, 1.0), (1, 0.1), (5, 1.5))
    )
    return History(base=torch.randn(1, 4, 3, generator=source), entries=entries, index=2)


def small_snapshot(**change):
    window = np.arange(8 * 8 * 4, dtype=np.uint8).reshape(8, 8, 4)
    window.setflags(write=False)  # as pixels that came over the wire
    snapshot = Snapshot(
        model_title="Tiny",
        model_sha256="0" * 64,
        window=window,
        editable_mask=np.full((8, 8), 255, np.uint8),
        history=small_history(),
        changes={"b": torch.tensor([1.5, -2.0]).half()},
    )
    return dataclasses.replace(snapshot, **change)


def changed(content, *, facts=None, drop=(), **tensors):
    """Gives a document with other tensors or facts, whose digest is right again."""
    length = int.from_bytes(content[:8], "little")
    told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][FORMAT]) | (facts or {})
    stored = load(content) | {k.replace("__", "."): v for k, v in tensors.items()}
    stored = {name: tensor for name, tensor in stored.items() if name not in drop}
    told["sha256"] = document_digest(told, stored)
    return save(stored, {FORMAT: json.dumps(told)})


def test_what_is_read_is_what_was_written():
    written = small_snapshot()
    read = Snapshot.from_bytes(written.to_bytes())
    assert (read.model_title, read.model_sha256) == ("Tiny", "0" * 64)
    assert np.array_equal(read.window, written.window)
    assert np.array_equal(read.editable_mask, written.editable_mask)
    assert torch.equal(read.history.base, written.history.base)
    assert read.history.index == 2
    assert read.changes.keys() == {"b"} and torch.equal(read.changes["b"], written.changes["b"])
    for ours, theirs in zip(read.history.entries, written.history.entries, strict=True):
        assert torch.equal(ours.trajectory, theirs.trajectory)
        assert (ours.position, ours.amount) == (theirs.position, theirs.amount)


def test_a_session_without_mask_and_latent_is_a_session():
    read = Snapshot.from_bytes(small_snapshot(editable_mask=None, history=None).to_bytes())
    assert read.editable_mask is None and read.history is None


def test_a_document_of_a_document_is_the_same():
    content = small_snapshot().to_bytes()
    assert Snapshot.from_bytes(content).to_bytes() == content


def test_a_file_is_written_whole_and_read_again(tmp_path):
    path = tmp_path / "cat.draglayer"
    path.write_bytes(b"an older one")
    small_snapshot().write(path)
    assert [p.name for p in tmp_path.iterdir()] == ["cat.draglayer"]
    assert Snapshot.read(path).to_bytes() == path.read_bytes()


def test_a_folder_that_is_none_is_told(tmp_path):
    with pytest.raises(SnapshotError, match="choose another folder"):
        small_snapshot().write(tmp_path / "none" / "cat.draglayer")
    with pytest.raises(SnapshotError, match="check its name"):
        Snapshot.read(tmp_path / "cat.draglayer")


OTHERS = [save({"a": torch.ones(1)}, {FORMAT: text}) for text in ("", "[]", "[" * 9999, "1")]


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"{}" * 50, save({"a": torch.ones(1)}), *OTHERS]
)
def test_a_foreign_file_is_refused(content):
    with pytest.raises(SnapshotError, match="no session of draglayer's"):
        Snapshot.from_bytes(content)


@pytest.mark.parametrize("place", [100, 5000, -1])
def test_a_flipped_bit_or_a_missing_end_is_refused(place):
    content = bytearray(small_snapshot(window=np.ones((50, 50, 4), np.uint8)).to_bytes())
    with pytest.raises(SnapshotError):
        Snapshot.from_bytes(bytes(content[:place]))
    content[place] ^= 1
    with pytest.raises(SnapshotError):
        Snapshot.from_bytes(bytes(content))


def test_another_version_is_told():
    content = changed(small_snapshot().to_bytes(), facts={"version": 3})
    with pytest.raises(SnapshotError, match="update draglayer"):
        Snapshot.from_bytes(content)


def test_a_session_of_before_there_were_changes_is_read():
    content = changed(small_snapshot(changes={}).to_bytes(), facts={"version": 1})
    assert Snapshot.from_bytes(content).changes == {}


def test_a_title_that_would_spoil_a_message_is_cut():
    content = changed(small_snapshot().to_bytes(), facts={"model_title": "a\x1b[2J\n" * 999})
    title = Snapshot.from_bytes(content).model_title
    assert title.isprintable() and len(title) == 200


NAN = torch.full((1, 4, 3), float("nan"))


@pytest.mark.parametrize(
    "change",
    [
        {"window": torch.zeros(8, 8, 4)},
        {"window": torch.zeros(8, 8, dtype=torch.uint8)},
        {"editable_mask": torch.zeros(8, 8, 1, dtype=torch.uint8)},
        {"history__base": NAN},
        {"history__base": torch.zeros(1, 4, 3, dtype=torch.float64)},
        {"history__base": torch.zeros(2, 4, 3)},
        {"history__base": torch.zeros(1, 1, 3)},
        {"history__base": torch.zeros(1, 4, 5)},
        {"history__trajectory__0": NAN},
        {"history__trajectory__0": torch.zeros(2, 3)},
        {"history__trajectory__3": torch.zeros(2, 2, 3)},
        {"history__positions": torch.tensor([0, 0, 5])},
        {"history__positions": torch.tensor([0, 0])},
        {"history__positions": torch.tensor([0.0, 0.0, 0.0])},
        {"history__amounts": torch.tensor([1.0, 1.0, 1.6], dtype=torch.float64)},
        {"history__amounts": torch.tensor([1.0, 1.0, float("nan")], dtype=torch.float64)},
        {"history__index": torch.tensor(4)},
        {"history__index": torch.tensor([1])},
        {"unknown": torch.zeros(1)},
        {"changes__b": torch.zeros(2)},
        {"changes__b": torch.full((2,), float("nan")).half()},
        {"drop": ["window"]},
        {"drop": ["history.base"]},
        {"drop": ["history.trajectory.1"]},
    ],
    ids=str,
)
def test_a_document_that_contradicts_itself_is_refused(change):
    with pytest.raises(SnapshotError, match="contradicts itself"):
        Snapshot.from_bytes(changed(small_snapshot().to_bytes(), **change))
