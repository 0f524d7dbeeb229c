"""Trains the practice model's encoder: from a picture to the w that would paint it.

    python -m training.encoder --model engine/models/default.safetensors

It learns from drawings, whose w the mapping network knows, and from what the generator paints of
the same z, both blurred, tinted and grained. An error in w counts by how far it would move the
picture. The model file is written anew with the encoder in it.
"""

import argparse
from pathlib import Path

import torch
from rich.progress import track
from torch import Tensor

from engine.checkpoints.container import read_container, write_container
from engine.generator.generator import Generator
from engine.images import from_generator, resize, to_generator
from engine.inversion.encoder import INPUT_SIZE, Encoder, EncoderShape
from training.keypoints import roughen
from training.pictures import draw, factors_from_z

CHANNELS = (32, 48, 64, 64)
WIDTH = 128
PICTURES = 96_000
BATCH = 32
PAINTED = 8  # one batch in so many is painted and not drawn
RATE = 3e-3
PROBES = 256  # directions by which the pull of w on the picture is measured
EVENNESS = 0.03  # share of the loss that asks for every coordinate of w alike


def pull_on_picture(generator: Generator, probes: int = PROBES, *, seed: int = 0) -> Tensor:
    """Gives how far a small change of w moves the picture, as a metric.

    The mean of J^T J over samples, J being the picture's derivative by w: each probe is the
    gradient of the picture along one random direction.

    Returns:
        (w_dim, w_dim), float32; d^T M d is the squared change, summed over pixels and colours.
    """
    source = torch.Generator().manual_seed(seed)
    rows = []
    for w in torch.split(generator.sample_w(probes, seed=seed), 8):
        w = w.detach().requires_grad_()
        image = generator.render([w] * generator.num_ws)
        direction = torch.randn(image.shape, generator=source)
        (row,) = torch.autograd.grad((image * direction).sum(), w)
        rows.append(row)
    pull = torch.cat(rows)  # (probes, w_dim)
    return pull.t() @ pull / len(pull)


class Scale:
    """What an error of w is measured by.

    Args:
        pull: (w_dim, w_dim), `pull_on_picture`.
        w_std: (w_dim,), standard deviations of w.
    """

    def __init__(self, pull: Tensor, w_std: Tensor) -> None:
        self.w_std = w_std.clamp(min=1e-6)
        # In units of what a w drawn by chance would cost, were its coordinates independent.
        whole = (pull.diagonal() * self.w_std.square()).sum()
        values, vectors = torch.linalg.eigh(pull / whole)
        self.root = vectors * values.clamp(min=0.0).sqrt()  # (w_dim, w_dim)

    def cost(self, error: Tensor) -> Tensor:
        """Gives the mean cost of errors (N, w_dim)."""
        seen = (error @ self.root).square().sum(dim=1).mean()
        total: Tensor = seen + EVENNESS * (error / self.w_std).square().mean()
        return total


def train(
    generator: Generator, w_std: Tensor, *, pictures: int = PICTURES, seed: int = 0
) -> Encoder:
    """Trains an encoder for a generator on so many pictures."""
    torch.manual_seed(seed)
    shape = EncoderShape(channels=CHANNELS, width=WIDTH, w_dim=generator.w_dim)
    encoder = Encoder(shape)
    scale = Scale(pull_on_picture(generator, seed=seed), w_std)
    steps = pictures // BATCH
    optimizer = torch.optim.Adam(encoder.parameters(), betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    source = torch.Generator().manual_seed(seed)
    for step in track(range(steps), description="encoder"):
        with torch.no_grad():
            z = torch.randn(BATCH, generator.shape.z_dim, generator=source)
            w = generator.mapping(z)
            images = _paint(generator, w) if step % PAINTED == 0 else _draw(z)
            images = to_generator(roughen(images, source))
        # What is trained is w in standard deviations from its average; `folded` takes it back.
        found = generator.w_avg + w_std * encoder(images)
        loss = scale.cost(found - w)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return folded(encoder, generator.w_avg, w_std)


def _draw(z: Tensor) -> Tensor:
    return draw(factors_from_z(z), INPUT_SIZE).images


def _paint(generator: Generator, w: Tensor) -> Tensor:
    painted = [generator.render([part] * generator.num_ws) for part in torch.split(w, 8)]
    return resize(from_generator(torch.cat(painted)), (INPUT_SIZE, INPUT_SIZE))


@torch.no_grad()
def folded(encoder: Encoder, w_avg: Tensor, w_std: Tensor) -> Encoder:
    """Gives an encoder to standard deviations of w as one to w itself; it is changed in place."""
    encoder.to_w.weight.mul_(w_std[:, None])
    encoder.to_w.bias.mul_(w_std).add_(w_avg)
    return encoder.requires_grad_(False).eval()


def main() -> None:
    """Trains from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the model's file")
    parser.add_argument("--out", type=Path, help="default: the same file")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    arguments = parser.parse_args()
    stored = read_container(arguments.model)
    generator = Generator.from_weights(stored.weights)
    encoder = train(generator, stored.info.w_std, pictures=arguments.pictures)
    out = arguments.out or arguments.model
    info = write_container(
        out, stored.weights, stored.info, encoder_weights=encoder.state_dict(), half=True
    )
    print(f"{out}: {out.stat().st_size} bytes, {info.weights_sha256}")  # noqa: T201


if __name__ == "__main__":
    main()
