"""The generator: mapping and synthesis, with all its sizes read from its weights."""

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.generator.changes import WeightChanges
from engine.generator.held import Held, Rows
from engine.generator.local_features import FeatureMap, features_around
from engine.generator.mapping import Mapping
from engine.generator.synthesis import Synthesis


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorShape:
    """The sizes of a StyleGAN2 generator.

    Attributes:
        z_dim: size of z.
        w_dim: size of w.
        mapping_depth: number of fully connected layers.
        channels: number of channels of each block, by its size in px.
    """

    z_dim: int
    w_dim: int
    mapping_depth: int
    channels: MappingType[int, int]

    @classmethod
    def of_weights(cls, weights: MappingType[str, Tensor]) -> Self:
        """Reads the sizes off a state dict with NVIDIA's parameter names.

        Raises:
            CheckpointError: the names or shapes are not those of a StyleGAN2 generator.
        """
        try:
            depth = len([name for name in weights if re.fullmatch(r"mapping\.fc\d+\.weight", name)])
            w_dim, z_dim = weights["mapping.fc0.weight"].shape
            sizes = sorted(
                int(found[1])
                for name in weights
                if (found := re.fullmatch(r"synthesis\.b(\d+)\.conv1\.weight", name))
            )
            channels = {s: int(weights[f"synthesis.b{s}.conv1.weight"].shape[0]) for s in sizes}
            if sizes != [4 << i for i in range(len(sizes))] or not sizes:
                raise ValueError
        except (IndexError, KeyError, ValueError) as error:
            raise CheckpointError(
                "the weights are not those of a StyleGAN2 generator; "
                "choose a file that `draglayer` made"
            ) from error
        return cls(z_dim=z_dim, w_dim=w_dim, mapping_depth=depth, channels=channels)


class GeneratorProtocol(Protocol):
    """What inversion and drag ask of a generator."""

    @property
    def w_dim(self) -> int: ...
    @property
    def num_ws(self) -> int: ...
    @property
    def resolution(self) -> int: ...
    @property
    def w_avg(self) -> Tensor: ...
    def sample_w(self, count: int, *, seed: int) -> Tensor: ...
    def render(self, rows: Rows, held: Held | None = None) -> Tensor: ...
    def features(self, rows: Rows, block: int, held: Held | None = None) -> Tensor: ...
    def features_around(
        self, rows: Rows, block: int, centres: Tensor, reach: float, held: Held | None = None
    ) -> FeatureMap: ...
    def map_after(self, rows: Rows, count: int) -> Tensor: ...
    def rows_until(self, block: int) -> int: ...


class Generator(nn.Module):
    """A StyleGAN2 generator.

    Args:
        shape: its sizes.
    """

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.mapping = Mapping(z_dim=shape.z_dim, w_dim=shape.w_dim, depth=shape.mapping_depth)
        self.synthesis = Synthesis(w_dim=shape.w_dim, channels=shape.channels)

    @classmethod
    def from_weights(cls, weights: MappingType[str, Tensor]) -> Self:
        """Builds a frozen generator in evaluation mode from weights with NVIDIA's names.

        Raises:
            CheckpointError: a weight is missing, left over, or of the wrong shape.
        """
        generator = cls(GeneratorShape.of_weights(weights))
        # NVIDIA stores the (constant) resampling filters as buffers; ours are in the code.
        own = {k: v.float() for k, v in weights.items() if not k.endswith("resample_filter")}
        try:
            generator.load_state_dict(own)
        except RuntimeError as error:
            raise CheckpointError(
                "the weights do not fit a StyleGAN2 generator of these sizes; the file is damaged "
                "or of another kind, get it anew"
            ) from error
        return generator.requires_grad_(False).eval()

    def changed(self, changes: WeightChanges) -> Self:
        """Gives a frozen generator with some weights changed; all others are shared with this one,
        which it is itself where there are no changes.

        Raises:
            ValueError: there is no weight of that name or shape.
        """
        if not changes:
            return self
        weights = self.state_dict()
        for name, change in changes.items():
            if name not in weights or weights[name].shape != change.shape:
                raise ValueError(f"there is no weight {name} of shape {tuple(change.shape)}")
            weights[name] = weights[name] + change.to(weights[name])
        with torch.device("meta"):  # the sizes alone: every number is assigned
            twin = type(self)(self.shape)
        twin.load_state_dict(weights, assign=True)
        return twin.requires_grad_(False).eval()

    @property
    def w_dim(self) -> int:
        """Size of w."""
        return self.shape.w_dim

    @property
    def num_ws(self) -> int:
        """Number of rows of w+."""
        return self.synthesis.num_ws

    @property
    def resolution(self) -> int:
        """Side of the image in px."""
        return self.synthesis.resolution

    @property
    def w_avg(self) -> Tensor:
        """The average w, (w_dim,)."""
        return self.mapping.w_avg

    def sample_w(self, count: int, *, seed: int) -> Tensor:
        """Gives w for `count` random z, (count, w_dim); the same for the same seed on any
        device."""
        source = torch.Generator().manual_seed(seed)
        z = torch.randn(count, self.shape.z_dim, generator=source)
        w: Tensor = self.mapping(z.to(self.w_avg.device))
        return w

    def render(self, rows: Rows, held: Held | None = None) -> Tensor:
        """Gives the image (N, 3, S, S), RGB, about [-1, 1], for the rows of w+, each (N, w_dim);
        where a picture is held, that one to the bit."""
        image: Tensor = self.synthesis(rows, held)
        return image

    def features(self, rows: Rows, block: int, held: Held | None = None) -> Tensor:
        """Gives the feature map of a block, (N, C, block, block); stops there."""
        return self.synthesis.features(rows, block, held)

    def features_around(
        self, rows: Rows, block: int, centres: Tensor, reach: float, held: Held | None = None
    ) -> FeatureMap:
        """Gives the features of a block around some places (K, 2), feature px: as far as `reach`
        along either axis, or the whole map where that takes fewer operations."""
        return features_around(self.synthesis, rows, block, centres, reach, held)

    def map_after(self, rows: Rows, count: int) -> Tensor:
        """Gives the map after so many layers, at least one, (N, C, h, w)."""
        return self.synthesis.map_after(rows, count)

    def rows_until(self, block: int) -> int:
        """Gives how many rows of w+ reach the features of a block."""
        return self.synthesis.rows_until(block)
