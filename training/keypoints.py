"""A small network that finds the keypoints of a head in a picture, for tests and benchmarks.

    python -m training.keypoints --out training/keypoints.safetensors

Trained on drawings alone, blurred, noisy and shifted in colour, so that it reads a generator's
renders too.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training.pictures import FACTORS, KEYPOINTS, draw, factors_from_z

INPUT_SIZE = 64
WEIGHTS = Path(__file__).with_name("keypoints.safetensors")


class KeypointDetector(nn.Module):
    """Heat maps of the keypoints and their centres of mass."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        dilations = (1, 2, 4, 1)
        self.stem = nn.Conv2d(3, width, 5, stride=2, padding=2)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d) for d in dilations
        )
        self.context = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.wide = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d) for d in (1, 2, 4)
        )
        self.head = nn.Conv2d(2 * width, len(KEYPOINTS), 1)

    def features(self, images: Tensor) -> Tensor:
        """Gives (N, 2C, 32, 32), what the places are read off, for images (N, 3, 64, 64) in
        [0, 1]."""
        x = F.silu(self.stem(images - 0.5))  # (N, C, 32, 32)
        for layer in self.body:
            x = x + F.silu(layer(x))
        y = F.silu(self.context(x))  # (N, C, 16, 16)
        for layer in self.wide:
            y = y + F.silu(layer(y))
        y = F.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([x, y], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Gives (N, K, 2), frame coordinates in [0, 1], for images (N, 3, 64, 64) in [0, 1]."""
        x = self.features(images)
        heat = self.head(x).flatten(2).softmax(dim=2)  # (N, K, 1024)
        side = x.shape[-1]
        centres = (torch.arange(side, device=x.device) + 0.5) / side
        # A margin around the picture can be pointed at too: the tip of a long ear may leave it.
        centres = (centres - 0.5) * 1.15 + 0.5
        heat = heat.unflatten(2, (side, side))
        column, row = heat.sum(dim=2) @ centres, heat.sum(dim=3) @ centres
        return torch.stack([column, row], dim=2)


def load_detector(path: Path = WEIGHTS) -> KeypointDetector:
    """Loads the trained detector, frozen, in evaluation mode."""
    detector = KeypointDetector()
    detector.load_state_dict({name: w.float() for name, w in load_file(path).items()})
    return detector.requires_grad_(False).eval()


def find_keypoints(detector: KeypointDetector, images: Tensor) -> Tensor:
    """Gives (N, K, 2), frame coordinates, for images (N, 3, S, S) in [0, 1] of any size."""
    with torch.no_grad():
        places: Tensor = detector(_input(images))
    return places


def describe(detector: KeypointDetector, images: Tensor) -> Tensor:
    """Gives (N, 2C), the mean of the detector's features, for images (N, 3, S, S) in [0, 1]."""
    with torch.no_grad():
        return detector.features(_input(images)).mean(dim=(2, 3))


def _input(images: Tensor) -> Tensor:
    if images.shape[-1] < INPUT_SIZE:
        return F.interpolate(images, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear")
    return F.interpolate(images, size=(INPUT_SIZE, INPUT_SIZE), mode="area")


def roughen(images: Tensor, source: torch.Generator) -> Tensor:
    """Blurs, tints and grains (N, 3, S, S) in [0, 1], each in its own measure."""
    count, _, size, _ = images.shape
    blurred = F.interpolate(
        F.interpolate(images, scale_factor=0.5, mode="area"), size=(size, size), mode="bilinear"
    )
    share = torch.rand(count, 1, 1, 1, generator=source)
    images = images + share * (blurred - images)
    tint = 1.0 + 0.16 * (torch.rand(count, 3, 1, 1, generator=source) - 0.5)
    grain = 0.03 * torch.rand(count, 1, 1, 1, generator=source)
    return images * tint + grain * torch.randn(images.shape, generator=source)


def train(pictures: int, *, seed: int = 0, batch: int = 64) -> KeypointDetector:
    """Trains a detector on so many drawings."""
    torch.manual_seed(seed)
    detector = KeypointDetector()
    optimizer = torch.optim.Adam(detector.parameters())
    source = torch.Generator().manual_seed(seed)
    steps = pictures // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in track(range(steps), description="keypoint detector"):
        with torch.no_grad():
            drawing = draw(factors_from_z(torch.randn(batch, 32, generator=source)), INPUT_SIZE)
            images = roughen(drawing.images, source)
        loss = (detector(images) - drawing.keypoints).abs().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return detector.requires_grad_(False).eval()


@torch.no_grad()
def errors(detector: KeypointDetector, count: int = 512, *, seed: int = 99) -> Tensor:
    """Gives each keypoint's mean distance from the truth on fresh drawings: (K,), of the frame."""
    z = torch.randn(count, max(32, len(FACTORS)), generator=torch.Generator().manual_seed(seed))
    drawing = draw(factors_from_z(z), INPUT_SIZE)
    found = find_keypoints(detector, drawing.images)
    error: Tensor = (found - drawing.keypoints).norm(dim=2).mean(dim=0)
    return error


def main() -> None:
    """Trains the detector from the command line and states its error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--pictures", type=int, default=160_000)
    arguments = parser.parse_args()
    detector = train(arguments.pictures)
    save_file({k: v.half() for k, v in detector.state_dict().items()}, arguments.out)
    measured = errors(load_detector(arguments.out))
    for name, error in zip(KEYPOINTS, measured.tolist(), strict=True):
        print(f"{name:14s} {100 * error:.2f} % of the picture")  # noqa: T201


if __name__ == "__main__":
    main()
