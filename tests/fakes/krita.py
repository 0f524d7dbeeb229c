"""A working fake of the Krita objects that the plug-in uses, with real pixels.

Public names are those of Krita's own API (held against the real one in `tests/krita`); what a test
does in the artist's place (close, undo, let a tick pass) are functions of this module. It is as
hard as Krita: a node of a closed document, which would end the real program, raises `Crash`.
8-bit RGBA only: colour conversion is the real Krita's to show.
"""

import itertools

_ids = itertools.count(1)


class Crash(BaseException):
    """The real Krita would be gone now; no `except Exception` may hide it."""


class _Uuid:
    def __init__(self):
        self._text = f"{{{next(_ids):032x}}}"

    def toString(self):  # noqa: N802
        return self._text


class _Rectangle:
    def __init__(self, x, y, width, height):
        self._box = x, y, width, height

    def x(self):
        return self._box[0]

    def y(self):
        return self._box[1]

    def width(self):
        return self._box[2]

    def height(self):
        return self._box[3]


class _Pixels:
    """A sparse plane of pixels, transparent where nothing was written."""

    def __init__(self, pixel_size):
        self._pixel_size = pixel_size
        self._filled = {}

    def write(self, data, x, y, width, height):
        size = self._pixel_size
        for index in range(len(data) // size):
            place = x + index % width, y + index // width
            self._filled[place] = bytes(data[index * size : (index + 1) * size])

    def read(self, x, y, width, height):
        empty = bytes(self._pixel_size)
        return b"".join(
            self._filled.get((column, row), empty)
            for row in range(y, y + height)
            for column in range(x, x + width)
        )

    def bounds(self):
        shown = [place for place, pixel in self._filled.items() if any(pixel)]
        if not shown:
            return _Rectangle(0, 0, 0, 0)
        left, top = (min(place[axis] for place in shown) for axis in (0, 1))
        right, bottom = (max(place[axis] for place in shown) + 1 for axis in (0, 1))
        return _Rectangle(left, top, right - left, bottom - top)

    def copy(self):
        twin = _Pixels(self._pixel_size)
        twin._filled = dict(self._filled)
        return twin


class Node:
    def __init__(self, document, name, kind):
        self._document = document
        self._name, self._kind = name, kind
        self._uuid = _Uuid()
        self._parent, self._children = None, []
        self._pixels = _Pixels(4)
        self._is_visible = True
        self._opacity, self._blending_mode, self._inherits_alpha = 255, "normal", False
        self._is_alpha_locked, self._is_locked, self._colour_label, self._style = (
            False,
            False,
            0,
            "",
        )

    def _alive(self):
        if self._document not in self._document._application._documents:
            raise Crash(f"used {self._name!r} of a closed document")

    def name(self):
        self._alive()
        return self._name

    def setName(self, name):  # noqa: N802
        self._name = name

    def type(self):
        self._alive()
        return self._kind

    def uniqueId(self):  # noqa: N802
        self._alive()
        return self._uuid

    def visible(self):
        return self._is_visible

    def setVisible(self, is_visible):  # noqa: N802
        self._is_visible = is_visible

    def opacity(self):
        return self._opacity

    def setOpacity(self, opacity):  # noqa: N802
        self._opacity = opacity

    def blendingMode(self):  # noqa: N802
        return self._blending_mode

    def setBlendingMode(self, mode):  # noqa: N802
        self._blending_mode = mode

    def inheritAlpha(self):  # noqa: N802
        return self._inherits_alpha

    def setInheritAlpha(self, inherits):  # noqa: N802
        self._inherits_alpha = inherits

    def alphaLocked(self):  # noqa: N802
        return self._is_alpha_locked

    def setAlphaLocked(self, is_locked):  # noqa: N802
        self._is_alpha_locked = is_locked

    def locked(self):
        return self._is_locked

    def setLocked(self, is_locked):  # noqa: N802
        self._is_locked = is_locked

    def colorLabel(self):  # noqa: N802
        return self._colour_label

    def setColorLabel(self, index):  # noqa: N802
        self._colour_label = index

    def layerStyleToAsl(self):  # noqa: N802
        return self._style

    def setLayerStyleFromAsl(self, style):  # noqa: N802
        self._style = style
        return True

    def colorModel(self):  # noqa: N802
        return "RGBA"

    def colorDepth(self):  # noqa: N802
        return "U8"

    def colorProfile(self):  # noqa: N802
        return "sRGB-elle-V2-srgbtrc.icc"

    def setColorSpace(self, model, depth, profile):  # noqa: N802
        return (model, depth, profile) == ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")

    def bounds(self):
        self._alive()
        return self._pixels.bounds()

    def pixelData(self, x, y, width, height):  # noqa: N802
        self._alive()
        return self._pixels.read(x, y, width, height)

    def projectionPixelData(self, x, y, width, height):  # noqa: N802
        return self.pixelData(x, y, width, height)

    def setPixelData(self, data, x, y, width, height):  # noqa: N802
        self._alive()
        if self._parent is not None:
            raise Crash("wrote pixels into a layer of the tree: the undo stack is off by one now")
        self._pixels.write(data, x, y, width, height)
        return True

    def duplicate(self):
        self._alive()
        twin = type(self)(self._document, self._name, self._kind)
        for name, value in vars(self).items():
            if name not in ("_uuid", "_parent", "_children", "_pixels"):
                setattr(twin, name, value)
        twin._pixels = self._pixels.copy()
        return twin

    def parentNode(self):  # noqa: N802
        return self._parent

    def childNodes(self):  # noqa: N802
        self._alive()
        return list(self._children)

    def addChildNode(self, node, above):  # noqa: N802
        self._alive()
        place = len(self._children) if above is None else self._children.index(above) + 1
        self._children.insert(place, node)
        node._parent = self
        self._document._undo_steps.append(node.remove)
        # Krita makes the new layer the active one, but only when its loop runs again.
        self._document._due.append(lambda: self._document.setActiveNode(node))
        return True

    def remove(self):
        parent, place = self._parent, self._parent._children.index(self)
        parent._children.remove(self)
        self._parent = None

        def bring_back():
            parent._children.insert(place, self)
            self._parent = parent

        self._document._undo_steps.append(bring_back)
        return True


class VectorLayer(Node):
    _svg = ""  # as Krita writes it for a layer without shapes

    def duplicate(self):
        twin = super().duplicate()
        twin._svg, twin._is_duplicate = self._svg, True
        return twin

    def toSvg(self):  # noqa: N802
        # The layer's own reading is wrong once it was moved; only its duplicate's is right.
        return self._svg if hasattr(self, "_is_duplicate") else "<svg/>"


class Selection:
    def __init__(self):
        self._pixels = _Pixels(1)

    def x(self):
        return self._pixels.bounds().x()

    def y(self):
        return self._pixels.bounds().y()

    def width(self):
        return self._pixels.bounds().width()

    def height(self):
        return self._pixels.bounds().height()

    def pixelData(self, x, y, width, height):  # noqa: N802
        return self._pixels.read(x, y, width, height)

    def setPixelData(self, data, x, y, width, height):  # noqa: N802
        self._pixels.write(data, x, y, width, height)


class Document:
    def __init__(self, application, width, height, resolution):
        self._application = application
        self._size, self._resolution = (width, height), resolution
        self._undo_steps, self._due = [], []
        self._selection, self._active = None, None
        self._root = Node(self, "root", "grouplayer")

    def _is_open(self):
        return self in self._application._documents

    def width(self):
        return self._size[0] if self._is_open() else 0

    def height(self):
        return self._size[1] if self._is_open() else 0

    def xRes(self):  # noqa: N802
        return self._resolution

    def yRes(self):  # noqa: N802
        return self._resolution

    def colorModel(self):  # noqa: N802
        return "RGBA"

    def colorDepth(self):  # noqa: N802
        return "U8"

    def rootNode(self):  # noqa: N802
        return self._root if self._is_open() else None

    def activeNode(self):  # noqa: N802
        return self._active if self._is_open() else None

    def setActiveNode(self, node):  # noqa: N802
        if self._is_open():
            self._active = node

    def createNode(self, name, kind):  # noqa: N802
        return Node(self, name, kind) if self._is_open() else None

    def createVectorLayer(self, name):  # noqa: N802
        return VectorLayer(self, name, "vectorlayer") if self._is_open() else None

    def selection(self):
        return self._selection

    def setSelection(self, selection):  # noqa: N802
        self._selection = selection

    def refreshProjection(self):  # noqa: N802
        pass


class Krita:
    def __init__(self):
        self._documents, self._active, self._settings = [], None, {}

    def createDocument(self, width, height, name, model, depth, profile, resolution):  # noqa: N802
        document = Document(self, width, height, resolution)
        self._documents.append(document)
        self._active = document
        return document

    def documents(self):
        return list(self._documents)

    def activeDocument(self):  # noqa: N802
        return self._active

    def readSetting(self, group, key, default):  # noqa: N802
        return self._settings.get((group, key), default)

    def writeSetting(self, group, key, text):  # noqa: N802
        self._settings[group, key] = text


def close(document):
    """The artist closes the document."""
    document._application._documents.remove(document)
    document._application._active = None


def undo(document):
    """The artist undoes one step."""
    step = document._undo_steps.pop()
    kept = list(document._undo_steps)
    step()
    document._undo_steps[:] = kept  # what an undo does is no step of its own


def pass_tick(document):
    """Krita's loop runs once."""
    due, document._due[:] = list(document._due), []
    for call in due:
        call()


def draw(layer, svg_shapes):
    """The artist draws on a vector layer; numbers are points of 1/72 inch."""
    layer._svg = f'<svg xmlns="http://www.w3.org/2000/svg">{svg_shapes}</svg>'
