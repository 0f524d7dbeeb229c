"""A training run's whole state on disk, in parts that are small enough to carry anywhere.

A state is written beside the last one and takes its place in one move: whoever is interrupted finds
either the old state or the new one.
"""

import hashlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch

PART_BYTES = 15 * 2**20
"""Largest part: some ways of carrying files refuse more than 16 MiB."""


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Writes a state to `folder/state/`, in place of the one that is there.

    Args:
        folder: the run's folder.
        state: tensors, numbers, strings, lists and dicts of them.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    document = buffer.getvalue()
    fresh, old = folder / "state.new", folder / "state.old"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    parts: list[dict[str, str]] = []
    for start in range(0, len(document), PART_BYTES):
        part = document[start : start + PART_BYTES]
        name = f"part-{len(parts):02d}"
        (fresh / name).write_bytes(part)
        parts.append({"name": name, "sha256": hashlib.sha256(part).hexdigest()})
    (fresh / "parts.json").write_text(json.dumps(parts, indent=1))
    place = folder / "state"
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(place, old)
    os.replace(fresh, place)
    shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """Reads the state that lies in a run's folder; None where there is none.

    Raises:
        ValueError: a part is missing or damaged.
    """
    place = folder / "state"
    if not place.exists():
        # The one moment without a state is between two renames.
        place = folder / "state.old"
    if not (place / "parts.json").exists():
        return None
    document = bytearray()
    for part in json.loads((place / "parts.json").read_text()):
        path = place / part["name"]
        content = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(content).hexdigest() != part["sha256"]:
            raise ValueError(f"{path} is missing or damaged; begin the run in an empty folder")
        document += content
    state: dict[str, Any] = torch.load(io.BytesIO(document), map_location=device, weights_only=True)
    return state
