"""Inversions kept by content: the same pixels, model and way of searching need one search.

An inversion is named by the digest of all that it depends on, so one that is found is one that the
search gave.
"""

import hashlib
import json
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as serialise_safetensors

from engine.files import write_whole
from engine.generator.changes import stored_changes, take_changes
from engine.images import Pixels
from engine.inversion.match import Match
from engine.inversion.stages import InversionParams, InversionStep

MOST_KEPT = 64
MOST_KEPT_BYTES = 256 << 20
MOST_FILES = 512
MOST_FILE_BYTES = 1 << 30

_FORMAT = "draglayer.inversion.2"  # to be counted up when the search comes to give something else


def inversion_key(window: Pixels, weights_sha256: str, params: InversionParams) -> str:
    """Gives the name of an inversion: the digest of pixels, model and parameters.

    Args:
        window: (H, W, 4), uint8.
        weights_sha256: digest of the model's weights.
        params: how the search is done.
    """
    digest = hashlib.sha256(f"{_FORMAT} {weights_sha256} {params!r} {window.shape}".encode())
    digest.update(window.tobytes())
    return digest.hexdigest()


class InversionCache:
    """The last steps of finished inversions: the `MOST_KEPT` used last in memory, and, where a
    folder is given, the `MOST_FILES` newest as files in it; fewer where they are large.

    A 1024 px model's latent is 37 kB, but what such a model was tuned by some 33 MB.

    Args:
        folder: of the files, made when it is needed; None to keep nothing beyond this process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, InversionStep] = OrderedDict()

    def find(self, key: str) -> InversionStep | None:
        """Gives the last step of the inversion of that name, its latent on the CPU."""
        step = self._kept.get(key) or self._read(key)
        if step is not None:
            self._hold(key, step)
        return step

    def keep(self, key: str, last: InversionStep) -> None:
        """Keeps the last step of an inversion.

        A folder that cannot be written is passed over: a cache is a convenience.
        """
        last = replace(
            last,
            w_plus=last.w_plus.detach().cpu(),
            changes={name: change.cpu() for name, change in last.changes.items()},
        )
        self._hold(key, last)
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                write_whole(self._file(self._folder, key), _document(last))
                self._clear_out(self._folder)
            except OSError:
                return

    def _hold(self, key: str, step: InversionStep) -> None:
        self._kept[key] = step
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT or self._size() > MOST_KEPT_BYTES:
            self._kept.popitem(last=False)

    def _size(self) -> int:
        """How many bytes the steps in memory take."""
        return sum(
            t.nbytes for step in self._kept.values() for t in (step.w_plus, *step.changes.values())
        )

    def _read(self, key: str) -> InversionStep | None:
        """Gives the step of a file; a file that is damaged is as good as none."""
        if self._folder is None:
            return None
        try:
            return _parsed(self._file(self._folder, key).read_bytes())
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None

    @staticmethod
    def _file(folder: Path, key: str) -> Path:
        return folder / f"{key}.safetensors"

    @staticmethod
    def _clear_out(folder: Path) -> None:
        """Removes the oldest files of too many, or of too large ones."""
        found = [(file, file.stat()) for file in folder.glob("*.safetensors")]
        found.sort(key=lambda each: each[1].st_mtime_ns, reverse=True)
        size = 0
        for number, (file, stat) in enumerate(found):
            size += stat.st_size
            if number >= MOST_FILES or (number and size > MOST_FILE_BYTES):
                file.unlink(missing_ok=True)


def _document(last: InversionStep) -> bytes:
    facts = {
        "step_budget": last.step_budget,
        "loss": last.loss,
        "match": None if last.match is None else last.match.share,
    }
    tensors = {"w_plus": last.w_plus, **stored_changes(last.changes)}
    return serialise_safetensors(tensors, {_FORMAT: json.dumps(facts)})


def _parsed(content: bytes) -> InversionStep:
    """Reads a document.

    Raises:
        SafetensorError, KeyError, TypeError, ValueError: it is damaged or of another kind.
    """
    tensors = parse_safetensors(content)
    w_plus, changes = tensors["w_plus"], take_changes(tensors)
    length = int.from_bytes(content[:8], "little")
    facts = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_FORMAT])
    if w_plus.ndim != 3 or w_plus.dtype != torch.float32 or not bool(w_plus.isfinite().all()):
        raise ValueError("a latent is made of finite float32")
    budget, share = int(facts["step_budget"]), facts["match"]
    return InversionStep(
        step_index=budget,
        step_budget=budget,
        loss=float(facts["loss"]),
        w_plus=w_plus,
        changes=changes,
        match=None if share is None else Match(share=float(share), is_guess=budget == 0),
    )
