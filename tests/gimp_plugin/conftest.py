"""The plug-in's modules on a fake GIMP, with the client from their `_vendor`."""

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import gi as fake_gi

REPOSITORY = Path(__file__).parents[2]
PLUGIN = REPOSITORY / "gimp_plugin" / "draglayer"
PACKAGE = "draglayer_gimp"

Importer = Callable[[str], types.ModuleType]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importer]:
    """Imports a module of the plug-in by its name: "canvas", or "draglayer", GIMP's entry."""
    folder = tmp_path_factory.mktemp("plug-ins")
    package = folder / PACKAGE
    (package / "_vendor").mkdir(parents=True)
    for source in (PLUGIN / PACKAGE).glob("*.py"):
        (package / source.name).symlink_to(source)
    (package / "_vendor" / "bridge_client").symlink_to(REPOSITORY / "bridge_client")
    (folder / "draglayer.py").symlink_to(PLUGIN / "draglayer.py")
    ours = fake_gi.modules()
    sys.modules.update(ours)
    sys.path.insert(0, str(folder))

    def load(name: str) -> types.ModuleType:
        return importlib.import_module(name if name == "draglayer" else f"{PACKAGE}.{name}")

    yield load
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] in (PACKAGE, "draglayer")]:
        del sys.modules[name]
    for name in ours:
        del sys.modules[name]


@pytest.fixture
def client(plugin: Importer) -> types.ModuleType:
    """The client as the plug-in sees it: its vendored copy."""
    return plugin("_vendor.bridge_client")


@pytest.fixture
def desk() -> fake_gi.Desk:
    """What outlasts a call in the fake host, empty."""
    return fake_gi.reset()


@pytest.fixture
def picture() -> tuple[object, object]:
    """An image of 16 x 12 with one opaque layer of 8 x 6 at (2, 3), and one pair drawn."""
    gimp = fake_gi.NAMESPACES["Gimp"]
    image = gimp.Image(16, 12)
    layer = gimp.Layer("portrait", (8, 6), bytes((9, 8, 7, 255)) * 48)
    layer.set_offsets(2, 3)
    image.insert_layer(layer, None, 0)
    image._paths.append(gimp.Path([([(4.0, 5.0), (7.5, 6.0)], False)]))
    return image, layer


class ScriptedWorker:
    """Takes the place of the client's worker: gives one list of events at each drain."""

    def __init__(self, *batches: list[object]) -> None:
        self.requests: list[object] = []
        self.checks: list[object] = []
        self.cancels = 0
        self.asked: list[tuple[object, ...]] = []
        self.is_closed = False
        self._batches = list(batches)

    def start(self, request: object) -> None:
        self.requests.append(request)

    def check(self, request: object) -> None:
        self.checks.append(request)

    def drain(self) -> list[object]:
        has_begun = self.requests or self.checks
        return self._batches.pop(0) if has_begun and self._batches else []

    def cancel(self) -> None:
        self.cancels += 1

    def pause(self) -> None:
        self.asked.append(("pause",))

    def resume(self) -> None:
        self.asked.append(("resume",))

    def undo(self) -> None:
        self.asked.append(("undo",))

    def redo(self) -> None:
        self.asked.append(("redo",))

    def show(self, *, position: int | None = None, amount: float | None = None) -> None:
        self.asked.append(("show", position if amount is None else amount))

    def check_on(self, pairs: object) -> None:
        self.asked.append(("check_on", pairs))

    def set_pairs(self, pairs: object) -> None:
        self.asked.append(("set_pairs", pairs))

    def drag_on(self, pairs: object, step_budget: int | None) -> None:
        self.asked.append(("drag_on", pairs, step_budget))

    def close(self, timeout_s: float) -> None:
        self.is_closed = True


@pytest.fixture
def scripted_worker() -> type[ScriptedWorker]:
    """The class, because what it says is the test's."""
    return ScriptedWorker


@pytest.fixture
def finished(client: types.ModuleType) -> list[object]:
    """The events of an edit that ends with a layer of 2 x 2 at (4, 5)."""
    result = client.LayerResult(client.Bounds(4, 5, 2, 2), bytes((1, 2, 3, 255)) * 4, "rgba8")
    return [client.ResultReady(result, "reached"), client.StateChanged(client.EditState.DONE)]
