"""What a model file says of itself, read without the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge_server.pools.model_files import installed_models, read_model_info


def write(path: Path, facts: dict[str, str]) -> Path:
    header = json.dumps({"__metadata__": facts}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    return path


FACTS = {
    "title": "Lions",
    "licence": "CC0-1.0",
    "resolution": "512",
    "feature_block": "128",
    "weights_sha256": "ab" * 32,
}


def test_the_default_model_is_installed_and_says_what_it_is() -> None:
    (model,) = installed_models()
    assert (model.id, model.is_installed, model.aspect) == ("default", True, 1.0)
    assert model.resolution_px >= model.feature_side_px > 0
    assert len(model.weights_sha256) == 64 and model.licence and model.title


def test_a_header_is_read(tmp_path: Path) -> None:
    model = read_model_info("lions", write(tmp_path / "lions.safetensors", FACTS))
    assert (model.id, model.title, model.resolution_px) == ("lions", "Lions", 512)
    assert (model.feature_side_px, model.is_installed) == (128, True)


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}", b"\x04" + bytes(7) + b"null"]
)
def test_a_file_that_is_none_of_ours_is_not_installed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert not read_model_info("x", path).is_installed


def test_a_file_that_lacks_a_fact_or_is_missing_is_not_installed(tmp_path: Path) -> None:
    partial = {name: value for name, value in FACTS.items() if name != "resolution"}
    assert not read_model_info("x", write(tmp_path / "x", partial)).is_installed
    assert not read_model_info("x", tmp_path / "nowhere").is_installed
