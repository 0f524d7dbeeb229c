"""The model file: what is written comes back, and nothing else is taken for a model."""

import json
import pickle
import struct
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from engine.checkpoints.container import ModelInfo, read_container, write_container
from engine.errors import CheckpointError
from engine.generator.generator import Generator
from engine.inversion.encoder import Encoder, EncoderShape
from tests.fakes.generator import seeded_weights, tiny_info


@pytest.fixture
def weights():
    return seeded_weights()


@pytest.fixture
def model_file(tmp_path, weights):
    path = tmp_path / "model.safetensors"
    write_container(path, weights, tiny_info(weights))
    return path


def encoder_weights(w_dim=12):
    torch.manual_seed(1)
    shape = EncoderShape(channels=(2, 3, 4, 5), width=6, w_dim=w_dim)
    return Encoder(shape).state_dict()


def refusal(path) -> str:
    """Gives the sentence with which a file is refused."""
    with pytest.raises(CheckpointError) as caught:
        read_container(path)
    message = str(caught.value)
    assert str(path.parent) not in message
    assert "\n" not in message
    return message


def changed_header(path, change):
    """Rewrites a model file's header; `change` gets it as a dictionary."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + content[8 + length :])


def test_weights_and_facts_come_back(model_file, weights):
    stored = read_container(model_file)
    loaded, info = stored.weights, stored.info
    assert loaded.keys() == weights.keys() and stored.encoder_weights is None
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)
    expected = tiny_info(weights)
    assert replace(info, weights_sha256="") == expected
    assert torch.equal(info.w_std, expected.w_std)
    assert (info.resolution, info.z_dim, info.w_dim, info.mapping_depth) == (32, 8, 12, 2)


def test_loaded_weights_make_a_generator(model_file):
    stored = read_container(model_file)
    assert Generator.from_weights(stored.weights).resolution == stored.info.resolution


def test_writing_tells_the_digest_that_reading_finds(tmp_path, weights):
    written = write_container(tmp_path / "a", weights, tiny_info(weights))
    read = read_container(tmp_path / "a").info
    assert written.weights_sha256 == read.weights_sha256
    assert len(read.weights_sha256) == 64


def test_half_precision_is_read_as_float32(tmp_path, weights):
    full, half = tmp_path / "full", tmp_path / "half"
    write_container(full, weights, tiny_info(weights))
    write_container(half, weights, tiny_info(weights), half=True)
    loaded = read_container(half).weights
    assert half.stat().st_size < 0.7 * full.stat().st_size
    assert {tensor.dtype for tensor in loaded.values()} == {torch.float32}
    name = "synthesis.b8.conv0.weight"
    assert torch.equal(loaded[name], weights[name].half().float())


def test_weights_too_large_for_half_precision_are_not_stored(tmp_path, weights):
    weights["synthesis.b8.conv0.weight"][0] = 1e5
    with pytest.raises(ValueError, match="float16"):
        write_container(tmp_path / "model", weights, tiny_info(weights), half=True)
    assert list(tmp_path.iterdir()) == []


def test_resample_filters_are_left_out(tmp_path, weights):
    own = set(weights)
    weights["synthesis.b8.resample_filter"] = torch.ones(4, 4)
    write_container(tmp_path / "model", weights, tiny_info(weights))
    assert set(read_container(tmp_path / "model").weights) == own


def test_a_failed_write_keeps_the_file_that_was_there(model_file, weights):
    before = model_file.read_bytes()
    other = seeded_weights(seed=1)
    del other["synthesis.b8.conv0.bias"]
    with pytest.raises(CheckpointError):
        write_container(model_file, other, tiny_info(weights))
    assert model_file.read_bytes() == before
    assert [path.name for path in model_file.parent.iterdir()] == [model_file.name]


def test_a_missing_file_is_one_sentence(tmp_path):
    assert "no such model file" in refusal(tmp_path / "nowhere.safetensors")


def test_a_folder_is_one_sentence(tmp_path):
    (tmp_path / "folder").mkdir()
    assert "folder" in refusal(tmp_path / "folder")


def test_an_empty_file_is_one_sentence(tmp_path):
    (tmp_path / "empty").touch()
    assert "empty" in refusal(tmp_path / "empty")


@pytest.mark.parametrize("kept", [0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_one_sentence(model_file, kept):
    content = model_file.read_bytes()
    model_file.write_bytes(content[: int(len(content) * kept)])
    assert "cut short or damaged" in refusal(model_file)


def test_a_file_of_seven_bytes_is_foreign(tmp_path):
    (tmp_path / "short").write_bytes(b"1234567")
    assert "not a model of draglayer" in refusal(tmp_path / "short")


def test_a_longer_file_is_damaged(model_file):
    model_file.write_bytes(model_file.read_bytes() + b"more")
    assert "damaged" in refusal(model_file)


def test_one_changed_number_is_noticed(model_file):
    content = bytearray(model_file.read_bytes())
    content[-100] ^= 1
    model_file.write_bytes(content)
    assert "damaged" in refusal(model_file)


class _Bomb:
    def __reduce__(self):
        return pytest.fail, ("the file was unpickled",)


def test_a_renamed_pickle_is_foreign_and_not_executed(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(_Bomb()))
    assert "not a model of draglayer" in refusal(path)


def test_a_renamed_torch_file_is_foreign(tmp_path, weights):
    torch.save(weights, tmp_path / "model.safetensors")
    assert "not a model of draglayer" in refusal(tmp_path / "model.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_other_safetensors_are_foreign(tmp_path, weights, metadata):
    save_file(weights, tmp_path / "model.safetensors", metadata)
    assert "not a model of draglayer" in refusal(tmp_path / "model.safetensors")


@pytest.mark.parametrize("header", [b"{" + b"[" * 50_000, b"{}", b"{]", b"{\xff}"])
def test_a_header_that_says_nothing_is_foreign(tmp_path, header):
    (tmp_path / "model").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "not a model of draglayer" in refusal(tmp_path / "model")


def test_a_giant_header_is_not_read(tmp_path):
    (tmp_path / "model").write_bytes(struct.pack("<Q", 1 << 40) + b"{" * 100)
    assert "not a model of draglayer" in refusal(tmp_path / "model")


def test_another_version_asks_for_an_update(model_file):
    changed_header(model_file, lambda header: header["__metadata__"].update(version="2"))
    assert "version" in refusal(model_file)


@pytest.mark.parametrize(
    "fact",
    [
        {"resolution": "64"},
        {"z_dim": "9"},
        {"mapping_depth": "many"},
        {"w_dim": "9" * 5000},
        {"feature_block": "12"},
        {"feature_block": "64"},
        {"dragged_rows": "0"},
        {"dragged_rows": "6"},
        {"family": "stylegan9"},
        {"title": ""},
    ],
)
def test_wrong_facts_are_one_sentence(model_file, fact):
    changed_header(model_file, lambda header: header["__metadata__"].update(fact))
    assert "contradicts itself" in refusal(model_file)


def test_a_fact_of_another_type_is_one_sentence(model_file):
    changed_header(model_file, lambda header: header["__metadata__"].update(z_dim=[8]))
    refusal(model_file)


def test_a_missing_fact_is_one_sentence(model_file):
    changed_header(model_file, lambda header: header["__metadata__"].pop("licence"))
    assert "contradicts itself" in refusal(model_file)


def test_a_missing_weight_is_one_sentence(model_file):
    changed_header(
        model_file,
        lambda header: header.update(other=header.pop("synthesis.b16.conv0.weight")),
    )
    assert "lacks a weight" in refusal(model_file)


def test_a_weight_without_axes_is_one_sentence(tmp_path, weights):
    weights["synthesis.b4.conv1.weight"] = torch.ones(())
    with pytest.raises(CheckpointError, match="not those of a StyleGAN2 generator"):
        write_container(tmp_path / "model", weights, tiny_info(seeded_weights()))


def test_weights_that_are_no_numbers_are_refused(tmp_path, weights):
    weights["synthesis.b4.const"][0] = float("nan")
    with pytest.raises(CheckpointError, match="no numbers"):
        write_container(tmp_path / "model", weights, tiny_info(weights))


def test_weights_of_another_network_are_refused(tmp_path, weights):
    with pytest.raises(CheckpointError, match="StyleGAN2"):
        write_container(tmp_path / "model", {"fc.weight": torch.ones(2, 2)}, tiny_info(weights))


def test_facts_without_a_standard_deviation_for_each_coordinate_are_refused(weights):
    with pytest.raises(ValueError, match="w_std has 12 values"):
        replace(tiny_info(weights), w_std=torch.ones(11))


def test_facts_are_read_off_the_weights(weights):
    info = ModelInfo.of_weights(
        weights,
        title="A",
        licence="MIT",
        feature_block=32,
        dragged_rows=7,
        w_std=torch.ones(12, dtype=torch.float64),
    )
    assert info.resolution == 32
    assert info.w_std.dtype == torch.float32


def test_an_encoder_comes_back(tmp_path, weights):
    encoder = encoder_weights()
    info = tiny_info(weights)
    write_container(tmp_path / "m", weights, info, encoder_weights=encoder, half=True)
    stored = read_container(tmp_path / "m")
    assert stored.weights.keys() == weights.keys()
    assert stored.encoder_weights.keys() == encoder.keys()
    found = stored.encoder_weights
    assert torch.equal(found["to_w.weight"], encoder["to_w.weight"].half().float())
    assert torch.equal(found["to_w.bias"], encoder["to_w.bias"])


def test_an_encoder_to_another_w_is_refused(tmp_path, weights):
    with pytest.raises(ValueError, match="encoder"):
        write_container(
            tmp_path / "m", weights, tiny_info(weights), encoder_weights=encoder_weights(13)
        )


@pytest.mark.parametrize(
    "name, tensor",
    [("dense.bias", None), ("more.bias", torch.ones(2)), ("dense.bias", torch.ones(7))],
)
def test_an_encoder_of_wrong_parts_is_refused(tmp_path, weights, name, tensor):
    encoder = encoder_weights()
    encoder[name] = tensor
    if tensor is None:
        del encoder[name]
    with pytest.raises(CheckpointError, match="lacks a weight"):
        write_container(tmp_path / "m", weights, tiny_info(weights), encoder_weights=encoder)


@pytest.mark.parametrize(
    "name, tensor", [("to_w.weight", torch.ones(12)), ("halve2.weight", torch.ones(()))]
)
def test_an_encoder_without_sizes_is_refused(tmp_path, weights, name, tensor):
    encoder = {**encoder_weights(), name: tensor}
    with pytest.raises(CheckpointError, match="encoder is damaged"):
        write_container(tmp_path / "m", weights, tiny_info(weights), encoder_weights=encoder)
