"""Picture to w in one pass: where the search begins with a model that brings an encoder.

A network's guess as the start of an optimisation: Zhu et al. 2016, "Generative Visual Manipulation
on the Natural Image Manifold", 3.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.images import resize

INPUT_SIZE = 64
HALVINGS = 4  # from 64 px to 4 px


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderShape:
    """The sizes of an encoder.

    Attributes:
        channels: of the maps of 32, 16, 8 and 4 px.
        width: of the layer before w.
        w_dim: size of w.
    """

    channels: tuple[int, int, int, int]
    width: int
    w_dim: int

    @classmethod
    def of_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Reads the sizes off a state dict.

        Raises:
            CheckpointError: the names or shapes are not those of an encoder.
        """
        try:
            a, b, c, d = (len(weights[f"halve{index}.weight"]) for index in range(HALVINGS))
            w_dim, width = weights["to_w.weight"].shape
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                "the model file's encoder is damaged or of another kind; get the model anew"
            ) from error
        return cls(channels=(a, b, c, d), width=width, w_dim=w_dim)


class Encoder(nn.Module):
    """A small convolutional network from pictures to w.

    Args:
        shape: its sizes.
    """

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.halve0 = nn.Conv2d(3, shape.channels[0], 5, stride=2, padding=2)
        for index, (inputs, outputs) in enumerate(
            zip(shape.channels[:-1], shape.channels[1:], strict=True), start=1
        ):
            self.add_module(f"halve{index}", nn.Conv2d(inputs, outputs, 3, stride=2, padding=1))
        for index, channels in enumerate(shape.channels):
            self.add_module(f"refine{index}", nn.Conv2d(channels, channels, 3, padding=1))
        side = INPUT_SIZE >> HALVINGS
        self.dense = nn.Linear(shape.channels[-1] * side * side, shape.width)
        self.to_w = nn.Linear(shape.width, shape.w_dim)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """Builds a frozen encoder in evaluation mode from weights of the right names and sizes."""
        encoder = cls(EncoderShape.of_weights(weights))
        encoder.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        return encoder.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Gives w (N, w_dim) for pictures (N, 3, S, S), RGB in [-1, 1], of any size."""
        x = resize(images, (INPUT_SIZE, INPUT_SIZE))
        for index in range(HALVINGS):
            x = F.silu(self.get_submodule(f"halve{index}")(x))
            x = x + F.silu(self.get_submodule(f"refine{index}")(x))
        w: Tensor = self.to_w(F.silu(self.dense(x.flatten(1))))
        return w
