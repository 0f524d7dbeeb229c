"""w+ to image, and the feature map of a named block.

NVIDIA's parameter names (`b64.conv0.affine.weight`, ...). Row order of w+: b4 takes one row for
`conv1`, every further block two (`conv0`, `conv1`), and each block's `torgb` shares the next
block's first row.
"""

import math
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.generator.held import Held, Rows, advance, ways_of
from engine.generator.ops import ACTIVATION_GAIN, LEAK, Kernel, modulated_conv, upsample
from engine.generator.tiles import Cut, LayerSize, Tile


class Synthesis(nn.Module):
    """StyleGAN2's synthesis network with skip connections ("b4", "b8", ... up to the image size).

    Args:
        w_dim: size of w.
        channels: number of channels of each block, by its size in px: {4: 512, 8: 512, ...}.
    """

    def __init__(self, *, w_dim: int, channels: MappingType[int, int]) -> None:
        super().__init__()
        self.block_sizes = tuple(sorted(channels))
        self.resolution = self.block_sizes[-1]
        self.num_ws = 2 * len(self.block_sizes)
        previous: int | None = None
        for size in self.block_sizes:
            self.add_module(f"b{size}", Block(size, previous, channels[size], w_dim))
            previous = channels[size]

    def block(self, size: int) -> "Block":
        """Gives the block of a size in px."""
        if size not in self.block_sizes:
            raise ValueError(f"there is no block {size}; this generator has {self.block_sizes}")
        return cast(Block, self.get_submodule(f"b{size}"))

    def forward(self, rows: Rows, held: Held | None = None) -> Tensor:
        """Gives the image (N, 3, S, S), RGB, about [-1, 1], for the rows of w+, each (N, w_dim);
        outside a mask it is, where a picture is held, that picture to the bit."""
        x, image = self.until(rows, self.resolution, held)
        return image

    def until(self, rows: Rows, size: int, held: Held | None = None) -> tuple[Tensor, Tensor]:
        """Gives the features and the RGB so far of a block: (N, C, size, size), (N, 3, size,
        size)."""
        ways = ways_of(rows, held)
        maps = [self.constant(len(rows[0]))] * len(ways)
        images: list[Tensor] = []
        index = 0
        for block_size in self.block_sizes:
            block = self.block(block_size)
            for layer in block.layers():
                maps = advance(layer, index, maps, ways, held, size=block_size)
                index += 1
            rgbs = [block.torgb(x, way[index]) for x, way in zip(maps, ways, strict=True)]
            grown = [upsample(image) for image in images] or [torch.zeros_like(x) for x in rgbs]
            images = [image + rgb for image, rgb in zip(grown, rgbs, strict=True)]
            if held is not None and index > held.first_layer:
                images[0] = held.blend(images[0], images[1], block_size)
            if block_size == size:
                return maps[0], images[0]
        raise ValueError(f"there is no block {size}; this generator has {self.block_sizes}")

    def features(self, rows: Rows, size: int, held: Held | None = None) -> Tensor:
        """Gives the features after the last convolution of a block, and computes nothing else.

        Args:
            rows: the rows of w+ that the blocks up to this one take, each (N, w_dim); rows that do
                not require a gradient cost none.
            size: the block's size in px.
            held: what stays; None for nothing.

        Returns:
            (N, C, size, size).
        """
        return self.map_after(rows, len(self.layers(size)), held)

    def map_after(self, rows: Rows, count: int, held: Held | None = None) -> Tensor:
        """Gives the map after so many layers, at least one, (N, C, h, w), as `features` does."""
        ways = ways_of(rows, held)
        maps = [self.constant(len(rows[0]))] * len(ways)
        for index, layer in enumerate(self.layers(self.resolution)[:count]):
            maps = advance(layer, index, maps, ways, held, size=layer.size)
        return maps[0]

    def constant(self, count: int) -> Tensor:
        """Gives the map that synthesis begins with, (count, C, 4, 4)."""
        return self.block(self.block_sizes[0]).const.expand(count, -1, -1, -1)

    def layers(self, size: int) -> "list[SynthesisLayer]":
        """Gives the layers from the constant to the features of a block; row i belongs to layer
        i."""
        self.block(size)
        blocks = [self.block(each) for each in self.block_sizes if each <= size]
        return [layer for block in blocks for layer in block.layers()]

    def rows_until(self, size: int) -> int:
        """Gives how many rows of w+ reach the features of a block."""
        return len(self.layers(size))


class Block(nn.Module):
    """One size of the synthesis network: `const` or `conv0`, then `conv1`, and `torgb`."""

    def __init__(self, size: int, in_channels: int | None, out_channels: int, w_dim: int) -> None:
        super().__init__()
        self.num_convs = 1 if in_channels is None else 2
        if in_channels is None:
            self.const = nn.Parameter(torch.randn(out_channels, size, size))
        else:
            self.conv0 = SynthesisLayer(size, in_channels, out_channels, w_dim, up=True)
        self.conv1 = SynthesisLayer(size, out_channels, out_channels, w_dim, up=False)
        self.torgb = ToRgb(out_channels, w_dim)

    def layers(self) -> "list[SynthesisLayer]":
        """Gives the block's layers in their order."""
        return [self.conv1] if self.num_convs == 1 else [self.conv0, self.conv1]


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, constant noise, bias and activation."""

    noise_const: Tensor

    def __init__(
        self, size: int, in_channels: int, out_channels: int, w_dim: int, *, up: bool
    ) -> None:
        super().__init__()
        self.size, self.up = size, up
        self.affine = Affine(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(size, size))
        self._ready: tuple[tuple[object, ...], Kernel] | None = None

    @property
    def layer_size(self) -> LayerSize:
        """What planning must know of the layer."""
        out_channels, in_channels = self.weight.shape[:2]
        return LayerSize(self.size, in_channels, out_channels, self.up)

    def forward(self, x: Tensor, w: Tensor, cut: Cut | None = None) -> Tensor:
        """Gives the layer's map, or tiles of it.

        Args:
            x: (N, C_in, H, W), the map before; with `cut` the tiles of it that the cut reads.
            w: (N, w_dim), or (1, w_dim) for all.
            cut: the tiles; None for the whole map.

        Returns:
            (N, C_out, H, W), doubled in size where the layer is an up-sampling one; with `cut` the
            tiles that it makes.
        """
        styles, padded = self.affine(w), cut is None
        # The leaky ReLU is positively homogeneous: its gain is applied before it, where it is
        # cheap.
        x = modulated_conv(
            x, self._kernel(), styles, up=self.up, gain=ACTIVATION_GAIN, padded=padded
        )
        noise = self.noise_const if cut is None else _noise_of(self.noise_const, cut.makes)
        offset = noise * self.noise_strength + self.bias[:, None, None]  # (C, H, W) or (N, C, H, W)
        return F.leaky_relu(x + (offset * ACTIVATION_GAIN).to(x.dtype), LEAK)

    def _kernel(self) -> Kernel:
        """Gives the weight as the convolution takes it; a frozen one is made ready once.

        That costs three times the memory traffic of convolving a tile.
        """
        if self.weight.requires_grad:
            return Kernel.demodulated(self.weight, up=self.up)
        # A frozen weight may still be loaded, moved or tuned: torch counts what is done to it.
        state = (self.weight.data_ptr(), self.weight.dtype, self.weight._version)  # noqa: SLF001
        if self._ready is None or self._ready[0] != state:
            self._ready = state, Kernel.demodulated(self.weight, up=self.up)
        return self._ready[1]


def _noise_of(noise: Tensor, tiles: Sequence[Tile]) -> Tensor:
    return torch.stack([noise[t.y.start : t.y.end, t.x.start : t.x.end] for t in tiles])[:, None]


class ToRgb(nn.Module):
    """Modulated 1x1 convolution to RGB, without demodulation."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = Affine(w_dim, channels)
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = 1.0 / math.sqrt(channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Gives (N, 3, H, W)."""
        rgb = modulated_conv(x, Kernel(self.weight), self.affine(w) * self.gain)
        return rgb + self.bias.to(rgb.dtype)[None, :, None, None]


class Affine(nn.Module):
    """w to a style: a fully connected layer whose bias begins at one."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, w_dim))
        self.bias = nn.Parameter(torch.ones(channels))
        self.gain = 1.0 / math.sqrt(w_dim)

    def forward(self, w: Tensor) -> Tensor:
        """Gives (N, channels)."""
        return w @ (self.weight * self.gain).t() + self.bias
