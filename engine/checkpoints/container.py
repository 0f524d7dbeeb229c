"""Our container: a generator's weights and checked facts about them in one safetensors file.

A safetensors file is eight bytes of header length, a JSON header and raw numbers: reading one runs
no code. The weights carry NVIDIA's parameter names; beside them lies `statistics.w_std`, and the
weights of an encoder where the model brings one (`encoder.*`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as serialise_safetensors
from torch import Tensor

from engine.errors import CheckpointError
from engine.files import digest_of_tensors, write_whole
from engine.generator.generator import Generator, GeneratorShape
from engine.inversion.encoder import Encoder, EncoderShape

FORMAT = "draglayer.generator"
FORMAT_VERSION = 1
FAMILY = "stylegan2"

_W_STD = "statistics.w_std"
_ENCODER = "encoder."
_LARGEST_HEADER_BYTES = 1 << 20  # a 1024 px generator needs 20 kB
_LARGEST_FILE_BYTES = 4 << 30
_SMALLEST_PX, _LARGEST_PX = 8, 1024
_DTYPES = {torch.float16, torch.float32}
_NUMBERS = ("resolution", "z_dim", "w_dim", "mapping_depth", "feature_block", "dragged_rows")
_TEXTS = ("family", "title", "licence", "weights_sha256")
_GET_ANEW = "the model file is cut short or damaged; get it anew"
_FOREIGN = (
    "the file is not a model of draglayer's; give one that draglayer wrote "
    "(.safetensors) or `default`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What is known of a generator beside its weights.

    Attributes:
        title: the model's name, for people.
        licence: the SPDX id of the licence of the weights, or its name.
        feature_block: side in px of the synthesis block whose features are dragged by default.
        dragged_rows: how many rows of w+, from the first, are dragged by default.
        w_std: (w_dim,), float32, the standard deviation of each coordinate of w.
        resolution: side of the image in px.
        z_dim: size of z.
        w_dim: size of w.
        mapping_depth: number of fully connected layers of the mapping.
        family: architecture of the generator.
        weights_sha256: digest of the stored tensors; empty before they are stored.
    """

    title: str
    licence: str
    feature_block: int
    dragged_rows: int
    w_std: Tensor = field(compare=False, repr=False)
    resolution: int
    z_dim: int
    w_dim: int
    mapping_depth: int
    family: str = FAMILY
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        if not self.title or not self.licence:
            raise ValueError("a model has a title and a licence; neither may be empty")
        if self.family != FAMILY:
            raise ValueError(f"the family of a generator is {FAMILY}")
        block = self.feature_block
        if block < 4 or block & (block - 1) or block > self.resolution:
            raise ValueError(
                f"the feature block is {block} px; it is a power of two from 4 to {self.resolution}"
            )
        reaching = 2 * (block.bit_length() - 3) + 1
        if not 1 <= self.dragged_rows <= reaching:
            raise ValueError(
                f"{self.dragged_rows} rows are to be dragged; 1 to {reaching} reach block {block}"
            )
        if self.w_std.shape != (self.w_dim,) or not bool((self.w_std >= 0).all()):
            raise ValueError(f"w_std has {self.w_dim} values of zero or more, one for each of w")

    @classmethod
    def of_weights(
        cls,
        weights: Mapping[str, Tensor],
        *,
        title: str,
        licence: str,
        feature_block: int,
        dragged_rows: int,
        w_std: Tensor,
    ) -> Self:
        """Gives the facts about a generator, with its sizes read off its weights.

        Raises:
            CheckpointError: the weights are not those of a StyleGAN2 generator.
        """
        shape = GeneratorShape.of_weights(weights)
        return cls(
            title=title,
            licence=licence,
            feature_block=feature_block,
            dragged_rows=dragged_rows,
            w_std=w_std.detach().cpu().float(),
            resolution=max(shape.channels),
            z_dim=shape.z_dim,
            w_dim=shape.w_dim,
            mapping_depth=shape.mapping_depth,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """What a model file holds.

    Attributes:
        weights: the generator's, float32 on the CPU.
        encoder_weights: the encoder's; None where there is none.
        info: the facts about the generator.
    """

    weights: dict[str, Tensor]
    encoder_weights: dict[str, Tensor] | None
    info: ModelInfo


def write_container(
    path: Path,
    generator_weights: Mapping[str, Tensor],
    info: ModelInfo,
    *,
    encoder_weights: Mapping[str, Tensor] | None = None,
    half: bool = False,
) -> ModelInfo:
    """Writes a model file, whole or not at all.

    Args:
        path: where the file will be; one that is there is replaced.
        generator_weights: a state dict with NVIDIA's parameter names.
        info: the facts about it.
        encoder_weights: the state dict of an `Encoder` to its w; None for none.
        half: store matrices and kernels as float16 (vectors stay float32).

    Returns:
        The facts with the digest of what was stored.

    Raises:
        CheckpointError: the weights are not those of one StyleGAN2 generator and its encoder.
        ValueError: the facts do not fit the weights, or a weight is too large for float16.
    """
    # NVIDIA keeps the resampling filters among the weights; they are constants of ours.
    kept = {k: v for k, v in generator_weights.items() if not k.endswith("resample_filter")}
    kept[_W_STD] = info.w_std
    kept |= {_ENCODER + name: tensor for name, tensor in (encoder_weights or {}).items()}
    tensors = {name: _as_stored(tensor, half) for name, tensor in kept.items()}
    _check_weights(tensors, info)
    info = replace(info, weights_sha256=digest_of_tensors(tensors))
    metadata = {"format": FORMAT, "version": str(FORMAT_VERSION)}
    metadata |= {name: str(getattr(info, name)) for name in _NUMBERS + _TEXTS}
    write_whole(path, serialise_safetensors(tensors, metadata))
    return info


def read_container(path: Path) -> StoredModel:
    """Reads a model file.

    Raises:
        CheckpointError: the file is missing, cut short, damaged, or of another kind.
    """
    content = _content(path)
    metadata = _metadata(content)
    try:
        tensors = parse_safetensors(content)
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(_GET_ANEW) from error
    try:
        facts: dict[str, Any] = {name: int(metadata[name]) for name in _NUMBERS}
        facts |= {name: metadata[name] for name in _TEXTS}
        info = ModelInfo(w_std=tensors[_W_STD].float(), **facts)
        _check_weights(tensors, info)
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            "the model file contradicts itself about its sizes; get it anew"
        ) from error
    if digest_of_tensors(tensors) != info.weights_sha256:
        raise CheckpointError(_GET_ANEW)
    del tensors[_W_STD]
    encoder, generator = _parted({name: tensor.float() for name, tensor in tensors.items()})
    return StoredModel(weights=generator, encoder_weights=encoder or None, info=info)


def _parted(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Gives the encoder's weights by their own names, and all others."""
    own = {k.removeprefix(_ENCODER): v for k, v in tensors.items() if k.startswith(_ENCODER)}
    return own, {k: v for k, v in tensors.items() if not k.startswith(_ENCODER)}


def _content(path: Path) -> bytes:
    if not path.exists():
        raise CheckpointError("there is no such model file; check its name, or use `default`")
    if not path.is_file():
        raise CheckpointError("that is a folder or a device and no model file; give a file")
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise CheckpointError(_FOREIGN)
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError("the model file cannot be read; check its permissions") from error


def _metadata(content: bytes) -> dict[str, str]:
    """Gives the header's metadata, having checked that the file says it is ours."""
    if not content:
        raise CheckpointError("the model file is empty; get it anew")
    # The length is checked before anything is made of it: eight bytes of a foreign file are a
    # number of any size.
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > _LARGEST_HEADER_BYTES or content[8:9] != b"{":
        raise CheckpointError(_FOREIGN)
    if 8 + length > len(content):
        raise CheckpointError(_GET_ANEW)
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(_FOREIGN) from error
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise CheckpointError(_FOREIGN)
    if metadata.get("version") != str(FORMAT_VERSION):
        raise CheckpointError(
            "the model file is of another version than this draglayer reads; "
            "update draglayer or get the model anew"
        )
    return metadata


def _check_weights(tensors: Mapping[str, Tensor], info: ModelInfo) -> None:
    """Raises unless the tensors are, name by name and size by size, the generator that info says,
    and perhaps an encoder to its w.

    The expected sizes are worked out without memory: no file can ask for more than it holds.
    """
    encoder, generator = _parted(tensors)
    if any(not tensor.numel() or tensor.dtype not in _DTYPES for tensor in tensors.values()):
        raise CheckpointError(_FOREIGN)
    shape = GeneratorShape.of_weights(generator)
    stated = info.resolution, info.z_dim, info.w_dim, info.mapping_depth
    if stated != (max(shape.channels), shape.z_dim, shape.w_dim, shape.mapping_depth):
        raise ValueError("the facts about the model do not fit its weights")
    if not _SMALLEST_PX <= info.resolution <= _LARGEST_PX:
        raise CheckpointError(
            f"the model paints {info.resolution} px; "
            f"only {_SMALLEST_PX} to {_LARGEST_PX} px can be used"
        )
    with torch.device("meta"):
        expected = {name: t.shape for name, t in Generator(shape).state_dict().items()}
        if encoder:
            encoder_shape = EncoderShape.of_weights(encoder)
            sizes = Encoder(encoder_shape).state_dict()
            expected |= {_ENCODER + name: t.shape for name, t in sizes.items()}
    if encoder and encoder_shape.w_dim != info.w_dim:
        raise ValueError("the encoder does not lead to the generator's w")
    expected[_W_STD] = info.w_std.shape
    if expected != {name: tensor.shape for name, tensor in tensors.items()}:
        raise CheckpointError(
            "the model file lacks a weight, has one too many, or one of the wrong size; get it anew"
        )
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise CheckpointError("the model holds weights that are no numbers; get it anew")


def _as_stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().float().contiguous()
    if not half or tensor.ndim < 2:
        return tensor
    if float(tensor.abs().max()) > torch.finfo(torch.float16).max:
        raise ValueError("a weight is too large for float16; store the model in full")
    return tensor.half()
