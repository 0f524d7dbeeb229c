"""Which models there are by name, and the loading of one."""

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from engine.checkpoints.container import ModelInfo, read_container
from engine.generator.generator import Generator
from engine.inversion.encoder import Encoder

DEFAULT_MODEL = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A generator that is ready to be used.

    Attributes:
        generator: frozen, in evaluation mode, float32, on the CPU.
        info: the facts about it.
        encoder: guesses w from a picture, frozen, float32, on the CPU; None where the model brings
            none.
    """

    generator: Generator
    info: ModelInfo
    encoder: Encoder | None = None


def load_generator(name_or_path: str | Path = DEFAULT_MODEL) -> LoadedModel:
    """Loads a model by its name in the catalogue (there is one: "default") or by its file.

    Raises:
        CheckpointError: there is no such model, or its file is damaged or of another kind.
    """
    if name_or_path == DEFAULT_MODEL:
        with as_file(files("engine.models") / "default.safetensors") as path:
            stored = read_container(path)
    else:
        stored = read_container(Path(name_or_path))
    encoder = stored.encoder_weights
    return LoadedModel(
        generator=Generator.from_weights(stored.weights),
        info=stored.info,
        encoder=None if encoder is None else Encoder.from_weights(encoder),
    )
