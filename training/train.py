"""Trains the practice model: a StyleGAN2 generator that paints what `training.pictures` draws.

    python -m training.train --out runs/practice

Since every drawing is a known function of z, the generator is first trained by regression (z to
picture), growing from 16 px; then a discriminator joins, which makes it crisp. The run saves its
whole state once a minute and goes on from there when it is started again; a seed decides every
picture that it sees.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.generator.generator import Generator
from training.discriminator import Discriminator
from training.losses import (
    attention_to,
    discriminator_loss,
    generator_loss,
    r1_penalty,
    regression_loss,
)
from training.muon import Muon
from training.pictures import Drawing, draw, factors_from_z
from training.schedule import ROUTES, Route, Stage
from training.state import load_state, save_state

JUDGE_RATES = {"kernels": 1e-2, "others": 4e-3}
R1_INTERVAL = 16  # updates between two penalties (Karras et al. 2020, appendix B)
R1_WEIGHT = 2e-4  # times pixels of a picture, over pictures of a batch: NVIDIA's rule of thumb
WARM_UP = 0.1  # share of an adversarial stage over which the judge's pull grows


def main() -> None:
    """Runs the training from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--route", choices=tuple(ROUTES), help="default: by the device")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    route = ROUTES[arguments.route or ("cpu" if device.type == "cpu" else "gpu")]
    run = Run(arguments.out, seed=arguments.seed, device=device, route=route)
    with Progress(
        *Progress.get_default_columns()[:2],
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ) as progress:
        task = progress.add_task("training", total=route.pictures, state="")
        began = time.monotonic()
        for record in run.steps():
            state = f"{record.size} px  L1 {record.l1:.4f}"
            progress.update(task, completed=record.pictures, state=state)
            if time.monotonic() - began > 60.0 * arguments.minutes:
                run.save()
                break


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """What is told of the training now and then.

    Attributes:
        pictures: pictures seen since the start of the run.
        size: side of the pictures in px.
        l1: mean absolute error on [0, 1] pictures, averaged over the last steps.
        judge: loss of the discriminator in the last step; 0 before it joins.
        seconds: time spent since the start of the run, all sittings together.
    """

    pictures: int
    size: int
    l1: float
    judge: float
    seconds: float


class Run:
    """One training run in a folder: state, curve, sample sheets, and averaged generators on the
    way.

    Args:
        folder: where it saves; a run that lies there goes on.
        seed: decides weights and pictures.
        device: where it computes.
        route: sizes of the generator, and what is shown to it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        device: torch.device,
        route: Route,
    ) -> None:
        self.folder, self.seed, self.device, self.route = folder, seed, device, route
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        self.generator = _without_noise(Generator(route.shape)).to(device)
        self.average = _without_noise(Generator(route.shape)).to(device)
        self.average.load_state_dict(self.generator.state_dict())
        self.generator = self.generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        kernels, others = _kernels_and_others(self.generator.synthesis)
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
        self.judge: Discriminator | None = None
        if route.judge is not None:
            self.judge = Discriminator(route.judge).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            # By Adam alone it could not tell the two kinds apart within the pictures of a stage.
            kernels, others = _kernels_and_others(self.judge)
            self.optimizers["judge's kernels"] = Muon(kernels, lr=JUDGE_RATES["kernels"])
            self.optimizers["judge's others"] = torch.optim.Adam(
                others, lr=JUDGE_RATES["others"], betas=(0.0, 0.99)
            )
        self.pictures = 0
        self.seconds = 0.0
        self._load()

    def steps(self) -> Iterator[TrainingStep]:
        """Trains to the end; yields a record every 50 batches."""
        sum_l1, batches, started, saved = 0.0, 0, time.monotonic(), time.monotonic()
        while (place := self.route.at(self.pictures)) is not None:
            stage, share = place
            l1, judge = self._train_batch(stage, share)
            sum_l1 += l1
            batches += 1
            if batches % 50 == 0:
                now = time.monotonic()
                self.seconds += now - started
                started = now
                record = TrainingStep(
                    pictures=self.pictures,
                    size=stage.size,
                    l1=sum_l1 / 50,
                    judge=judge,
                    seconds=self.seconds,
                )
                sum_l1 = 0.0
                self._note(record)
                yield record
                if now - saved > 60.0:
                    self.save()
                    saved = now
        self.save()

    def _train_batch(self, stage: Stage, share: float) -> tuple[float, float]:
        """Makes one update; gives the mean absolute error and the discriminator's loss."""
        self._set_rates(stage, share)
        source = torch.Generator().manual_seed(self.seed * 1_000_003 + self.pictures)
        z = torch.randn(stage.batch, self.route.shape.z_dim, generator=source).to(self.device)
        with torch.no_grad():
            drawing = draw(factors_from_z(z), stage.size)
        # Beside a discriminator w keeps its meaning: an encoder to w can be trained meanwhile.
        mapping = self.average.mapping if stage.adversarial else self.generator.mapping
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            w = mapping(z)
            _, image = self.generator.synthesis.until([w] * self.generator.num_ws, stage.size)
        image = image.float()
        l1 = float((image.detach() * 0.5 + 0.5 - drawing.images).abs().mean())
        if not math.isfinite(l1):
            raise FloatingPointError(f"the error is {l1}; the last saved state is sound")
        judged = 0.0
        if stage.adversarial:
            judged = self._train_judge(drawing.images * 2.0 - 1.0, image.detach())
        weight = stage.adversarial * min(1.0, share / WARM_UP)
        image.backward(self._pull(image, drawing, weight))  # type: ignore[no-untyped-call]
        for name in ("kernels", "others"):
            self.optimizers[name].step()
        quarter = int(4.0 * share)
        self.pictures += stage.batch
        self._follow(len(z), None if stage.adversarial else w.detach().float())
        place = self.route.at(self.pictures)
        if place is None or place[0] is not stage or int(4.0 * place[1]) != quarter:
            self._keep_average()
        return l1, judged

    def _set_rates(self, stage: Stage, share: float) -> None:
        blend = 0.5 * (1.0 + math.cos(math.pi * share))
        rate = stage.final_rate + blend * (stage.learning_rate - stage.final_rate)
        for name in ("kernels", "others"):
            for group in self.optimizers[name].param_groups:
                group["lr"] = rate * group["scale"]
            self.optimizers[name].zero_grad(set_to_none=True)

    def _pull(self, image: Tensor, drawing: Drawing, adversarial: float) -> Tensor:
        """Gives what each pixel should become less of: the loss's gradient at the picture.

        The two losses meet here and not as a weighted sum: the discriminator's gradient is scaled
        to a share of the regression's, so that neither can drown the other as they shrink.
        """
        leaf = image.detach().requires_grad_()
        attention = attention_to(drawing.keypoints, image.shape[-1])
        loss = regression_loss(leaf * 0.5 + 0.5, drawing.images, attention)
        (pull,) = torch.autograd.grad(loss, leaf)
        if adversarial:
            assert self.judge is not None
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                loss = generator_loss(self.judge(leaf))
            (push,) = torch.autograd.grad(loss, leaf)
            pull = pull + push * (adversarial * pull.norm() / (push.norm() + 1e-12))
        return pull

    def _train_judge(self, real: Tensor, fake: Tensor) -> float:
        """One update of the discriminator on pictures in [-1, 1]; gives its loss."""
        assert self.judge is not None
        optimizers = [self.optimizers[f"judge's {name}"] for name in JUDGE_RATES]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            loss = discriminator_loss(self.judge(real), self.judge(fake))
        loss.backward()  # type: ignore[no-untyped-call]
        if self.pictures // len(real) % R1_INTERVAL == 0:
            weight = R1_WEIGHT * real[0, 0].numel() / len(real)
            penalty = r1_penalty(self.judge, real) * (0.5 * weight * R1_INTERVAL)
            penalty.backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self, count: int, w: Tensor | None) -> None:
        """Moves the averaged generator, with a half-life of 4,000 pictures; its mapping and the
        average w only where the batch's w is given."""
        half_life = min(4_000.0, 0.1 * self.pictures + 1.0)
        keep = 0.5 ** (count / half_life)
        slow, fast = self.average, self.generator
        _approach(slow.synthesis, fast.synthesis, 1.0 - keep)
        if w is not None:
            _approach(slow.mapping, fast.mapping, 1.0 - keep)
            fast.mapping.w_avg.lerp_(w.mean(dim=0), 0.005)
            slow.mapping.w_avg.copy_(fast.mapping.w_avg)

    # -- the folder ----------------------------------------------------------------------------

    def _note(self, record: TrainingStep) -> None:
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(asdict(record)) + "\n")

    def _forget_the_curve_after(self, pictures: int) -> None:
        """What came after the last saved state is trained, and told, once more."""
        curve = self.folder / "curve.jsonl"
        if curve.exists():
            lines = curve.read_text().splitlines(keepends=True)
            curve.write_text("".join(x for x in lines if json.loads(x)["pictures"] <= pictures))

    def save(self) -> None:
        """Writes the whole state and a sample sheet."""
        networks = {"generator": self.generator, "average": self.average, "judge": self.judge}
        state = {
            "networks": {name: n.state_dict() for name, n in networks.items() if n is not None},
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "pictures": self.pictures,
            "seconds": self.seconds,
        }
        save_state(self.folder, state)
        stage, _ = self.route.at(self.pictures) or (self.route.stages[-1], 1.0)
        sheet(self.average, stage.size).save(self.folder / f"samples-{stage.size}.png")

    def _load(self) -> None:
        state = load_state(self.folder, self.device)
        if state is None:
            return
        self.generator.load_state_dict(state["networks"]["generator"])
        self.average.load_state_dict(state["networks"]["average"])
        if self.judge is not None:
            self.judge.load_state_dict(state["networks"]["judge"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.pictures, self.seconds = state["pictures"], state["seconds"]
        self._forget_the_curve_after(self.pictures)

    def _keep_average(self) -> None:
        """Keeps the averaged generator of this moment: how far it had come can be told later."""
        folder = self.folder / "averages"
        folder.mkdir(exist_ok=True)
        weights = {name: tensor.half() for name, tensor in self.average.state_dict().items()}
        save_file(weights, folder / f"{self.pictures:07d}.safetensors")


def _kernels_and_others(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parts the weights into kernels larger than 1x1, which Muon trains, and the rest."""
    weights = list(network.parameters())
    kernels = [p for p in weights if p.ndim == 4 and p.shape[2] > 1]
    return kernels, [p for p in weights if p.ndim != 4 or p.shape[2] == 1]


def _approach(slow: nn.Module, fast: nn.Module, share: float) -> None:
    for mine, other in zip(slow.parameters(), fast.parameters(), strict=True):
        mine.lerp_(other, share)


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
