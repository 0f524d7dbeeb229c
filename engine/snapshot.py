"""A session as one document: pixels, mask and history, from which it goes on bit for bit.

The document is a safetensors file: a JSON header and raw numbers. Reading one runs no code, and
whatever is in it is checked before it is used.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as serialise_safetensors
from torch import Tensor

from engine.errors import SnapshotError
from engine.files import digest_of_tensors, write_whole
from engine.generator.changes import WeightChanges, stored_changes, take_changes
from engine.history import Entry, History
from engine.images import Pixels

FORMAT = "draglayer.session"
FORMAT_VERSION = 2  # 1 knew no changes of weights

_READABLE = (1, FORMAT_VERSION)
_LONGEST_TITLE = 200
_DAMAGED = "the session file is cut short or damaged and cannot be opened; choose another one"
_FOREIGN = "the file is no session of draglayer's; choose one that draglayer saved"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """All that a session is made of, but for the model, which is named.

    Attributes:
        model_title: the model's name, for people.
        model_sha256: digest of the model's weights.
        window: (H, H, 4), uint8, straight alpha: the artist's pixels; None: whoever opens it has
            them, and the mask too.
        editable_mask: (H, H), uint8, 255 = may move; None: everything may.
        history: the latents, on the CPU; None before the inversion.
        changes: of the model's weights, for this picture.
    """

    model_title: str
    model_sha256: str
    window: Pixels | None
    editable_mask: Pixels | None
    history: History | None
    changes: WeightChanges = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Gives the document."""
        tensors = stored_changes(self.changes)
        if self.window is not None:
            tensors["window"] = torch.tensor(self.window)
        if self.editable_mask is not None:
            tensors["editable_mask"] = torch.tensor(self.editable_mask)
        if self.history is not None:
            tensors |= _history_tensors(self.history)
        facts = {
            "version": FORMAT_VERSION,
            "model_title": self.model_title,
            "model_sha256": self.model_sha256,
        }
        facts["sha256"] = document_digest(facts, tensors)
        # One entry alone: safetensors writes several in an order that is another one each time.
        return serialise_safetensors(tensors, {FORMAT: json.dumps(facts)})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Reads a document.

        Raises:
            SnapshotError: it is damaged, of another kind or version, or contradicts itself.
        """
        tensors = _tensors(content)
        facts = _facts(content)
        if document_digest(facts, tensors) != facts.pop("sha256", None):
            raise SnapshotError(_DAMAGED)
        try:
            title = "".join(c for c in str(facts["model_title"]) if c.isprintable())
            window = tensors.pop("window", None)
            mask = tensors.pop("editable_mask", None)
            changes = take_changes(tensors)
            if window is None and mask is not None:
                raise ValueError("a mask belongs to a picture")
            return cls(
                model_title=title[:_LONGEST_TITLE],  # it is shown to people
                model_sha256=str(facts["model_sha256"]),
                window=None if window is None else _pixels(window, ndim=3),
                editable_mask=None if mask is None else _pixels(mask, ndim=2),
                history=_history(tensors),
                changes=changes,
            )
        except (KeyError, ValueError) as error:
            raise SnapshotError(
                "the session file contradicts itself and cannot be opened; choose another one"
            ) from error

    def write(self, path: Path) -> None:
        """Saves the document as a file, whole or not at all.

        Raises:
            SnapshotError: there is no place for it; a file of that name is as it was.
        """
        try:
            write_whole(path, self.to_bytes())
        except OSError as error:
            raise SnapshotError(
                "the session cannot be saved there; make room or choose another folder"
            ) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a file.

        Raises:
            SnapshotError: there is no such file, or `from_bytes` refuses it.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SnapshotError(
                "there is no session file of that name that can be read; check its name and "
                "permissions"
            ) from error
        return cls.from_bytes(content)


def _history_tensors(history: History) -> dict[str, Tensor]:
    entries = history.entries
    tensors = {
        "history.base": _stored(history.base),
        "history.index": torch.tensor(history.index),
        "history.positions": torch.tensor([e.position for e in entries], dtype=torch.int64),
        "history.amounts": torch.tensor([e.amount for e in entries], dtype=torch.float64),
    }
    for index, entry in enumerate(entries):
        tensors[_trajectory_name(index)] = _stored(entry.trajectory)
    return tensors


def _history(tensors: dict[str, Tensor]) -> History | None:
    """Takes the history out of the tensors, which hold nothing else.

    Raises:
        KeyError: one is missing.
        ValueError: one is left over, is of another type or size, or holds what is no number.
    """
    if not tensors:
        return None
    base = _latents(tensors.pop("history.base"))
    if len(base) != 1:
        raise ValueError("a session has one latent")
    positions = _numbers(tensors.pop("history.positions"), torch.int64)
    amounts = _numbers(tensors.pop("history.amounts"), torch.float64)
    (index,) = _numbers(tensors.pop("history.index")[None], torch.int64)
    entries = tuple(
        Entry(
            trajectory=_latents(tensors.pop(_trajectory_name(number))),
            position=int(position),
            amount=float(amount),
        )
        for number, (position, amount) in enumerate(zip(positions, amounts, strict=True))
    )
    if tensors:
        raise ValueError("the session holds more than a session does")
    return History(base=base, entries=entries, index=int(index))


def _trajectory_name(index: int) -> str:
    return f"history.trajectory.{index}"


def _latents(tensor: Tensor) -> Tensor:
    if tensor.ndim != 3 or tensor.dtype != torch.float32 or not bool(tensor.isfinite().all()):
        raise ValueError("a latent is three-dimensional and made of finite float32")
    return tensor


def _numbers(tensor: Tensor, dtype: torch.dtype) -> list[int | float]:
    if tensor.ndim != 1 or tensor.dtype != dtype:
        raise ValueError(f"a row of {dtype} is needed")
    numbers: list[int | float] = tensor.tolist()
    return numbers


def _pixels(tensor: Tensor, *, ndim: int) -> Pixels:
    if tensor.ndim != ndim or tensor.dtype != torch.uint8:
        raise ValueError("pixels are uint8")
    pixels: Pixels = tensor.numpy()
    return pixels


def _stored(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


def _tensors(content: bytes) -> dict[str, Tensor]:
    try:
        return parse_safetensors(content)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        is_ours = FORMAT.encode() in content[: 1 << 12]
        raise SnapshotError(_DAMAGED if is_ours else _FOREIGN) from error


def _facts(content: bytes) -> dict[str, object]:
    """Gives the facts of a document whose header safetensors has checked."""
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    try:
        facts = json.loads(metadata[FORMAT])
    except (KeyError, ValueError, RecursionError) as error:
        raise SnapshotError(_FOREIGN) from error
    if not isinstance(facts, dict):
        raise SnapshotError(_FOREIGN)
    if facts.get("version") not in _READABLE:
        raise SnapshotError(
            "the session file is of another version than this draglayer reads; update draglayer"
        )
    return facts


def document_digest(facts: Mapping[str, object], tensors: Mapping[str, Tensor]) -> str:
    """Gives the SHA-256 of all that a document holds but the digest itself."""
    digest = hashlib.sha256(digest_of_tensors(tensors).encode())
    for name in sorted(facts.keys() - {"sha256"}):
        digest.update(f"{name} {facts[name]!r}\n".encode())
    return digest.hexdigest()
