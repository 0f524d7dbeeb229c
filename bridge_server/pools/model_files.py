"""What the installed model files say of themselves, read without the engine and its torch.

A plug-in asks for the catalogue and for a window long before the engine is loaded. The engine reads
and checks the whole file later; here only its header is looked at.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bridge_client.messages import ModelInfo

DEFAULT_MODEL = "default"
_LARGEST_HEADER_BYTES = 1 << 20


@cache
def installed_models() -> tuple[ModelInfo, ...]:
    """The default model; others come with the catalogue."""
    spec = find_spec("engine")  # finds the folder and imports nothing
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    path = Path(folders[0] if folders else ".") / "models" / f"{DEFAULT_MODEL}.safetensors"
    return (read_model_info(DEFAULT_MODEL, path),)


def read_model_info(model_id: str, path: Path) -> ModelInfo:
    """The facts in the file's header; a file that is missing or not ours is not installed."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _LARGEST_HEADER_BYTES)))
        facts = header["__metadata__"]
        return ModelInfo(
            id=model_id,
            title=facts["title"],
            licence=facts["licence"],
            resolution_px=int(facts["resolution"]),
            feature_side_px=int(facts["feature_block"]),
            weights_sha256=facts["weights_sha256"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ModelInfo(
            id=model_id,
            title="",
            licence="",
            resolution_px=0,
            feature_side_px=0,
            is_installed=False,
        )
