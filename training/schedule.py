"""What a run shows to which generator, in which order: one route for each kind of machine."""

from dataclasses import dataclass

from engine.generator.generator import GeneratorShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the training at one picture size.

    Attributes:
        size: side of the pictures in px.
        pictures: how many pictures the stage shows.
        batch: pictures in one update.
        learning_rate: step of the kernels, at its start; the other weights' is a share of it.
        final_rate: the same at its end; the way there is a half cosine.
        adversarial: how hard a discriminator pulls at a picture, as a share of the regression's
            pull; 0 for regression alone.
    """

    size: int
    pictures: int
    batch: int
    learning_rate: float
    final_rate: float
    adversarial: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A generator and the stages that make it.

    Attributes:
        shape: sizes of the generator.
        stages: what is shown to it, in order.
        judge: channels of the discriminator at each size down to 4 px; the size of the adversarial
            stages. None where there is none.
    """

    shape: GeneratorShape
    stages: tuple[Stage, ...]
    judge: dict[int, int] | None = None

    def at(self, pictures: int) -> tuple[Stage, float] | None:
        """Gives the stage that is next after so many pictures, and the share of it that is done;
        None at the end."""
        before = 0
        for stage in self.stages:
            if pictures < before + stage.pictures:
                return stage, (pictures - before) / stage.pictures
            before += stage.pictures
        return None

    @property
    def pictures(self) -> int:
        """How many pictures the whole route shows."""
        return sum(stage.pictures for stage in self.stages)


CPU = Route(
    shape=GeneratorShape(
        z_dim=32,
        w_dim=128,
        mapping_depth=4,
        channels={4: 192, 8: 192, 16: 192, 32: 128, 64: 64, 128: 32},
    ),
    judge={4: 128, 8: 128, 16: 128, 32: 96, 64: 48, 128: 24},
    stages=(
        Stage(size=16, batch=64, pictures=96_000, learning_rate=1e-2, final_rate=8e-3),
        Stage(size=32, batch=32, pictures=60_000, learning_rate=8e-3, final_rate=6e-3),
        Stage(size=64, batch=16, pictures=50_000, learning_rate=6e-3, final_rate=3e-3),
        Stage(size=128, batch=16, pictures=30_000, learning_rate=3e-3, final_rate=1e-3),
        Stage(
            size=128,
            batch=16,
            pictures=24_000,
            learning_rate=1e-3,
            final_rate=1e-4,
            adversarial=0.5,
        ),
    ),
)
"""128 px, within two hours on one processor core."""

GPU = Route(
    shape=GeneratorShape(
        z_dim=32,
        w_dim=128,
        mapping_depth=4,
        channels={4: 256, 8: 256, 16: 256, 32: 192, 64: 96, 128: 48, 256: 24},
    ),
    judge={4: 192, 8: 192, 16: 192, 32: 128, 64: 96, 128: 48, 256: 24},
    stages=(
        Stage(size=16, batch=64, pictures=200_000, learning_rate=1e-2, final_rate=8e-3),
        Stage(size=32, batch=64, pictures=200_000, learning_rate=8e-3, final_rate=6e-3),
        Stage(size=64, batch=32, pictures=150_000, learning_rate=6e-3, final_rate=4e-3),
        Stage(size=128, batch=32, pictures=120_000, learning_rate=4e-3, final_rate=2e-3),
        Stage(size=256, batch=32, pictures=80_000, learning_rate=2e-3, final_rate=1e-3),
        Stage(
            size=256,
            batch=32,
            pictures=80_000,
            learning_rate=1e-3,
            final_rate=1e-4,
            adversarial=0.5,
        ),
    ),
)
"""256 px, for a graphics card. It has not been run yet."""

ROUTES = {"cpu": CPU, "gpu": GPU}
