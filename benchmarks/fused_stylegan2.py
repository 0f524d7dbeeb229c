"""StyleGAN2 in the form in which its authors run it: plain, and a measure for the engine's form.

Source: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", and the padding
arithmetic of NVIDIA's networks. The weights are scaled by the styles, one kernel for each picture
of the batch, and a grouped convolution applies them; every weight can require a gradient. It shares
no code with `engine.generator`, so that each can prove the other.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_BUFFERS = ("noise_const", "w_avg", "resample_filter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What one run of the synthesis network gives.

    Attributes:
        image: (N, 3, S, S), RGB, about [-1, 1].
        features: (N, C, B, B), the output of the block that was asked for.
    """

    image: Tensor
    features: Tensor


class FusedGenerator:
    """A StyleGAN2 generator with skip connections.

    Args:
        weights: a state dict with NVIDIA's parameter names, of any floating type.
        is_frozen: no weight requires a gradient. The official drag loop never freezes any.
    """

    def __init__(self, weights: Mapping[str, Tensor], *, is_frozen: bool = False) -> None:
        self.weights = {
            name: tensor.detach()
            .clone()
            .requires_grad_(not is_frozen and not name.endswith(_BUFFERS))
            for name, tensor in weights.items()
        }
        depth_names = [name for name in weights if name.startswith("mapping.fc")]
        self.mapping_depth = len(depth_names) // 2
        self.block_sizes = sorted(
            int(name.split(".")[1][1:]) for name in weights if name.endswith("torgb.bias")
        )
        self.resolution = self.block_sizes[-1]
        self.num_ws = 2 * len(self.block_sizes)

    def mapping(self, z: Tensor, *, truncation_psi: float = 1.0) -> Tensor:
        """Gives w (N, w_dim) for z (N, z_dim)."""
        x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
        for index in range(self.mapping_depth):
            weight = self.weights[f"mapping.fc{index}.weight"]
            bias = self.weights[f"mapping.fc{index}.bias"]
            x = x @ (weight * 0.01 / math.sqrt(weight.shape[1])).t() + bias * 0.01
            x = _activate(x)
        w_avg = self.weights["mapping.w_avg"]
        return w_avg + truncation_psi * (x - w_avg)

    def synthesis(self, w_plus: Tensor, *, feature_block: int) -> Rendering:
        """Gives the image and the features of one block for w+ (N, num_ws, w_dim)."""
        x = self.weights["synthesis.b4.const"].unsqueeze(0).repeat(len(w_plus), 1, 1, 1)
        image: Tensor | None = None
        features: Tensor | None = None
        row = 0
        for size in self.block_sizes:
            name = f"synthesis.b{size}"
            if size > 4:
                x = self._layer(f"{name}.conv0", x, w_plus[:, row], up=True)
                row += 1
            x = self._layer(f"{name}.conv1", x, w_plus[:, row], up=False)
            row += 1
            rgb = self._rgb(f"{name}.torgb", x, w_plus[:, row])
            image = rgb if image is None else _upsample(image) + rgb
            if size == feature_block:
                features = x
        assert image is not None
        if features is None:
            raise ValueError(f"there is no block {feature_block}; there are {self.block_sizes}")
        return Rendering(image=image, features=features)

    def _layer(self, name: str, x: Tensor, w: Tensor, *, up: bool) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        kernels = weight[None] * self._styles(name, w)[:, None, :, None, None]
        norm = (kernels.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
        x = _convolve_each(x, kernels / norm, up=up)
        noise = self.weights[f"{name}.noise_const"] * self.weights[f"{name}.noise_strength"]
        return _activate(x + noise + self.weights[f"{name}.bias"][None, :, None, None])

    def _rgb(self, name: str, x: Tensor, w: Tensor) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        styles = self._styles(name, w) / math.sqrt(weight.shape[1])
        kernels = weight[None] * styles[:, None, :, None, None]
        bias = self.weights[f"{name}.bias"]
        return _convolve_each(x, kernels, up=False) + bias[None, :, None, None]

    def _styles(self, name: str, w: Tensor) -> Tensor:
        weight = self.weights[f"{name}.affine.weight"]
        return w @ (weight / math.sqrt(weight.shape[1])).t() + self.weights[f"{name}.affine.bias"]


def _convolve_each(x: Tensor, kernels: Tensor, *, up: bool) -> Tensor:
    """Convolves each picture (N, I, H, W) with a kernel of its own, (N, O, I, k, k)."""
    count, outputs, inputs, size, _ = kernels.shape
    merged = x.reshape(1, count * inputs, *x.shape[2:])
    if up:
        # NVIDIA pads by 1 at first, widens that by the filter's 4 taps to (3, 2), and takes off
        # what the transposed convolution adds, (2, 1): (1, 1) is left for the blur.
        swapped = kernels.transpose(1, 2).reshape(count * inputs, outputs, size, size)
        merged = F.conv_transpose2d(merged, swapped, stride=2, groups=count)
        merged = _filter(F.pad(merged, (1, 1, 1, 1)))
    else:
        flat = kernels.reshape(count * outputs, inputs, size, size)
        merged = F.conv2d(merged, flat, padding=size // 2, groups=count)
    return merged.reshape(count, outputs, *merged.shape[2:])


def _upsample(image: Tensor) -> Tensor:
    """Doubles (N, C, H, W): zeros in between, padding (2, 1), filter."""
    count, channels, height, width = image.shape
    spread = image.new_zeros(count, channels, height, 2, width, 2)
    spread[:, :, :, 0, :, 0] = image
    return _filter(F.pad(spread.reshape(count, channels, 2 * height, 2 * width), (2, 1, 2, 1)))


def _filter(x: Tensor) -> Tensor:
    """Applies the 4x4 binomial filter with gain 4, for the zeros in between."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device)
    kernel = torch.outer(taps, taps) / 64.0 * 4.0
    channels = x.shape[1]
    return F.conv2d(x, kernel[None, None].repeat(channels, 1, 1, 1), groups=channels)


def _activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2) * math.sqrt(2.0)
