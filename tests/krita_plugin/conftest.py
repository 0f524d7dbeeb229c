"""The plug-in's Qt-free modules without Krita: its `__init__` (which registers) is not run."""

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import krita

REPOSITORY = Path(__file__).parents[2]
PACKAGE = "draglayer_krita"


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], types.ModuleType]]:
    """Imports a module of the staged plug-in by its name, with the client from its `_vendor`."""
    folder = tmp_path_factory.mktemp("pykrita") / PACKAGE
    (folder / "_vendor").mkdir(parents=True)
    for source in (REPOSITORY / "krita_plugin" / PACKAGE).glob("*.py"):
        (folder / source.name).symlink_to(source)
    (folder / "_vendor" / "bridge_client").symlink_to(REPOSITORY / "bridge_client")
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(folder)]
    sys.modules[PACKAGE] = package
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def picture() -> "Picture":
    """40 x 30 px at 72 pixels per inch: "wall", "portrait" and the vector layer "arrows"."""
    return Picture()


class Picture:
    """The document, its layers by name, and the canvas that the plug-in sees."""

    def __init__(self) -> None:
        self.application = krita.Krita()
        self.document = self.application.createDocument(40, 30, "picture", "RGBA", "U8", "", 72.0)
        self.root = self.document.rootNode()
        self.wall = self.paint_layer("wall", box=(0, 0, 40, 30))
        self.portrait = self.paint_layer("portrait", box=(10, 5, 16, 16))
        self.arrows = self.document.createVectorLayer("arrows")
        self.root.addChildNode(self.arrows, None)
        krita.draw(self.arrows, '<path d="M12 8L20 8"/>')
        krita.pass_tick(self.document)

    def paint_layer(self, name: str, box: tuple[int, int, int, int], parent=None):
        """Adds a filled paint layer on top of the parent's layers."""
        layer = self.document.createNode(name, "paintlayer")
        _, _, width, height = box
        layer.setPixelData(bytes((10, 20, 30, 255)) * (width * height), *box)
        (parent or self.root).addChildNode(layer, None)
        return layer

    def select(self, x: int, y: int, width: int, height: int, value: int = 255) -> None:
        """Makes a selection of one value."""
        selection = krita.Selection()
        selection.setPixelData(bytes([value]) * (width * height), x, y, width, height)
        self.document.setSelection(selection)

    def names(self) -> list[str]:
        """The names of the top layers, bottom first."""
        return [node.name() for node in self.root.childNodes()]
