"""Trains the practice model: a StyleGAN2 generator that paints what `training.pictures` draws.

    python -m training.train --out runs/practice

Since every drawing is a known function of z, the generator is trained by regression (z to
picture), growing from 16 px. The run saves its whole state once a minute and goes on from there
when it is started again; a seed decides every picture that it sees.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from engine.generator.generator import Generator, GeneratorShape
from training.muon import Muon
from training.pictures import draw, factors_from_z

SHAPE = GeneratorShape(
    z_dim=32,
    w_dim=128,
    mapping_depth=4,
    channels={4: 192, 8: 192, 16: 192, 32: 128, 64: 64, 128: 32},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the training at one picture size.

    Attributes:
        size: side of the pictures in px.
        pictures: how many pictures the stage shows.
        batch: pictures in one update.
        learning_rate: step of the kernels, at its start; the other weights' is a share of it.
        final_rate: the same at its end; the way there is a half cosine.
    """

    size: int
    pictures: int
    batch: int
    learning_rate: float
    final_rate: float


STAGES = (
    Stage(size=16, batch=64, pictures=96_000, learning_rate=1e-2, final_rate=8e-3),
    Stage(size=32, batch=32, pictures=60_000, learning_rate=8e-3, final_rate=6e-3),
    Stage(size=64, batch=16, pictures=40_000, learning_rate=6e-3, final_rate=3e-3),
    Stage(size=128, batch=16, pictures=16_000, learning_rate=3e-3, final_rate=1e-4),
)


def main() -> None:
    """Runs the training from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    run = Run(arguments.out, seed=arguments.seed, device=torch.device(arguments.device))
    with Progress(
        *Progress.get_default_columns()[:2],
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ) as progress:
        total = sum(stage.pictures for stage in STAGES)
        task = progress.add_task("training", total=total, state="")
        for record in run.steps():
            state = f"{record.size} px  L1 {record.l1:.4f}"
            progress.update(task, completed=record.pictures, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """What is told of the training now and then.

    Attributes:
        pictures: pictures seen since the start of the run.
        size: side of the pictures in px.
        l1: mean absolute error on [0, 1] pictures, averaged over the last steps.
        seconds: time spent since the start of the run, all sittings together.
    """

    pictures: int
    size: int
    l1: float
    seconds: float


class Run:
    """One training run in a folder: state, curve and sample sheets.

    Args:
        folder: where it saves; a run that lies there goes on.
        seed: decides weights and pictures.
        device: where it computes.
        shape: sizes of the generator.
        stages: what is shown to it, in order.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        device: torch.device,
        shape: GeneratorShape = SHAPE,
        stages: Sequence[Stage] = STAGES,
    ) -> None:
        self.folder, self.seed, self.device = folder, seed, device
        self.stages = stages
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        self.generator = _without_noise(Generator(shape)).to(device)
        self.average = _without_noise(Generator(shape)).to(device)
        self.average.load_state_dict(self.generator.state_dict())
        self.generator = self.generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        kernels = [
            p for p in self.generator.synthesis.parameters() if p.ndim == 4 and p.shape[2] > 1
        ]
        others = [p for p in self.generator.synthesis.parameters() if p.ndim < 4 or p.shape[2] == 1]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "kernels": Muon([{"params": kernels, "scale": 1.0}], lr=0.0),
            "others": torch.optim.Adam(
                [
                    # w = f(z) must be learned by regression too: faster than StyleGAN2's hundredth.
                    {"params": list(self.generator.mapping.parameters()), "scale": 8.0},
                    {"params": others, "scale": 0.4},
                ],
                betas=(0.9, 0.99),
            ),
        }
        self.pictures = 0
        self.seconds = 0.0
        self._load()

    def steps(self) -> Iterator[TrainingStep]:
        """Trains to the end; yields a record every 50 batches."""
        sum_l1, batches, started, saved = 0.0, 0, time.monotonic(), time.monotonic()
        while (place := self._stage()) is not None:
            stage, share = place
            sum_l1 += self._train_batch(stage, share)
            batches += 1
            if batches % 50 == 0:
                now = time.monotonic()
                self.seconds += now - started
                started = now
                record = TrainingStep(
                    pictures=self.pictures, size=stage.size, l1=sum_l1 / 50, seconds=self.seconds
                )
                sum_l1 = 0.0
                self._note(record)
                yield record
                if now - saved > 60.0:
                    self.save()
                    saved = now
        self.save()

    def _stage(self) -> tuple[Stage, float] | None:
        """Gives the stage that the next batch belongs to, and the share of it that is done."""
        before = 0
        for stage in self.stages:
            if self.pictures < before + stage.pictures:
                return stage, (self.pictures - before) / stage.pictures
            before += stage.pictures
        return None

    def _train_batch(self, stage: Stage, share: float) -> float:
        blend = 0.5 * (1.0 + math.cos(math.pi * share))
        rate = stage.final_rate + blend * (stage.learning_rate - stage.final_rate)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            optimizer.zero_grad(set_to_none=True)
        source = torch.Generator().manual_seed(self.seed * 1_000_003 + self.pictures)
        z = torch.randn(stage.batch, self.generator.shape.z_dim, generator=source).to(self.device)
        with torch.no_grad():
            drawing = draw(factors_from_z(z), stage.size)
            attention = _attention(drawing.keypoints, stage.size)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            w = self.generator.mapping(z)
            _, image = self.generator.synthesis.until([w] * self.generator.num_ws, stage.size)
        image = image.float() * 0.5 + 0.5
        loss = regression_loss(image, drawing.images, attention)
        if not bool(loss.isfinite()):
            raise FloatingPointError(f"the loss is {float(loss)}; the last saved state is sound")
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.pictures += stage.batch
        self._follow(w.detach().float())
        return float((image.detach() - drawing.images).abs().mean())

    @torch.no_grad()
    def _follow(self, w: Tensor) -> None:
        """Moves the averaged generator, with a half-life of 4,000 pictures, and its average w."""
        keep = 0.5 ** (len(w) / min(4_000.0, 0.1 * self.pictures + 1.0))
        for slow, fast in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            slow.lerp_(fast, 1.0 - keep)
        self.generator.mapping.w_avg.lerp_(w.mean(dim=0), 0.005)
        self.average.mapping.w_avg.copy_(self.generator.mapping.w_avg)

    # -- the folder ----------------------------------------------------------------------------

    def _note(self, record: TrainingStep) -> None:
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(asdict(record)) + "\n")

    def save(self) -> None:
        """Writes the whole state and a sample sheet."""
        state = {
            "generator": self.generator.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "pictures": self.pictures,
            "seconds": self.seconds,
        }
        torch.save(state, self.folder / "state.tmp")
        os.replace(self.folder / "state.tmp", self.folder / "state.pt")
        place = self._stage() or (self.stages[-1], 1.0)
        sheet(self.average, place[0].size).save(self.folder / f"samples-{place[0].size}.png")

    def _load(self) -> None:
        path = self.folder / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.generator.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.pictures, self.seconds = state["pictures"], state["seconds"]


def regression_loss(image: Tensor, drawing: Tensor, attention: Tensor) -> Tensor:
    """Gives L1 + L1 of the gradients + L1 of 4x4 means, weighted towards the keypoints.

    Args:
        image: (N, 3, S, S), what the generator painted, in [0, 1].
        drawing: (N, 3, S, S), what it should have painted.
        attention: (N, 1, S, S), weights >= 1.
    """
    error = image - drawing
    pixel = (error.abs() * attention).mean()
    edges = (error.diff(dim=2).abs() * attention[:, :, 1:]).mean() + (
        error.diff(dim=3).abs() * attention[:, :, :, 1:]
    ).mean()
    return pixel + edges + F.avg_pool2d(error, 4).abs().mean()


def _attention(keypoints: Tensor, size: int) -> Tensor:
    """Weights (N, 1, S, S): 1 plus a hill at each keypoint; mouth and eyes are few pixels."""
    centres = (torch.arange(size, device=keypoints.device) + 0.5) / size
    x = (-((centres - keypoints[:, :, 0:1]) / 0.055).square()).exp()  # (N, K, S)
    y = (-((centres - keypoints[:, :, 1:2]) / 0.055).square()).exp()
    return 1.0 + 3.0 * torch.einsum("nky,nkx->nyx", y, x).clamp(max=1.0).unsqueeze(1)


def _without_noise(generator: Generator) -> Generator:
    """A drawing leaves nothing to chance: the noise inputs stay switched off.

    The RGB layers that join later start at zero, so that growing changes no picture.
    """
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.requires_grad_(False)
        if name.endswith("torgb.weight") and not name.startswith("synthesis.b4."):
            parameter.data.zero_()
    return generator


@torch.no_grad()
def sheet(generator: Generator, size: int, count: int = 32) -> Image.Image:
    """Gives pairs of rows: what was drawn, and below what the generator paints for the same z."""
    z = torch.randn(count, generator.shape.z_dim, generator=torch.Generator().manual_seed(7))
    device = generator.w_avg.device
    drawn = draw(factors_from_z(z), size).images
    w = generator.mapping(z.to(device))
    _, painted = generator.synthesis.until([w] * generator.num_ws, size)
    painted = (painted.cpu() * 0.5 + 0.5).clamp(0.0, 1.0)
    rows = [p[i : i + 8] for i in range(0, count, 8) for p in (drawn, painted)]
    grid = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)  # (3, rows S, 8 S)
    pixels = (grid * 255.0).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(pixels.numpy())


if __name__ == "__main__":
    main()
