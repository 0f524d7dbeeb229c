"""How well a model can draw a picture: told before an artist waits for a drag."""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from engine.generator.generator import GeneratorProtocol
from engine.images import from_generator
from engine.window import WindowImage

GOOD_SHARE = 0.9
FAIR_SHARE = 0.8


class MatchLevel(StrEnum):
    """What the number means for an artist."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


_SENTENCES = {
    MatchLevel.GOOD: "The model can draw this picture.",
    MatchLevel.FAIR: "The model draws this picture roughly: expect an edit that is simpler.",
    MatchLevel.POOR: (
        "The model does not know this kind of picture: let it see a whole head, "
        "or use another model."
    ),
}
_ROUGH_GUESS = "The guess is far from this picture: another profile takes longer and comes nearer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How near the render of a latent comes to a picture.

    A signal-to-noise ratio would call a dark or a pale picture well drawn that has little in it to
    miss; so the error is held against what there is.

    Attributes:
        share: of the picture's variance that the render explains, in [0, 1]; 0 where it does no
            better than the picture's mean colour. Measured (docs/benchmarks.md): samples 0.99,
            heads that the model never saw 0.87 to 0.99, a landscape 0.7, noise 0.
        is_guess: whether the latent is a guess that nobody searched on from: what it misses may be
            its own fault, and not the model's.
    """

    share: float
    is_guess: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"a match is a share from 0 to 1, got {self.share}")

    @property
    def level(self) -> MatchLevel:
        """What it means."""
        if self.share >= GOOD_SHARE:
            return MatchLevel.GOOD
        return MatchLevel.FAIR if self.share >= FAIR_SHARE else MatchLevel.POOR

    @property
    def sentence(self) -> str:
        """What to expect of a drag."""
        if self.is_guess and self.level is not MatchLevel.GOOD:
            return _ROUGH_GUESS
        return _SENTENCES[self.level]


@torch.no_grad()
def match_of(
    generator: GeneratorProtocol, w_plus: Tensor, window: WindowImage, *, is_guess: bool = False
) -> Match:
    """Gives the match of a latent (1, num_ws, w_dim) and a picture, where that is visible."""
    render, picture = (
        from_generator(image) for image in (generator.render(w_plus.unbind(1)), window.image)
    )
    weight = window.opacity / window.opacity.sum()
    mean = (picture * weight).sum(dim=(2, 3), keepdim=True)
    error = float(((render - picture).square() * weight).sum())
    variance = float(((picture - mean).square() * weight).sum())
    if not variance:
        return Match(share=0.0, is_guess=is_guess)
    return Match(share=min(1.0, max(0.0, 1.0 - error / variance)), is_guess=is_guess)
