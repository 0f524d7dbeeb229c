"""Krita's document, layers and selection as plain bytes and Bounds; no other file touches them.

Between two calls only ids are kept, never nodes: a node of a closed document ends Krita when it is
used. All calls belong on the main thread. No Qt here, so that a fake can stand in for Krita.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ._vendor.bridge_client import Bounds, ClientError, Extent, LayerFacts, with_changes
from .svg import DrawnLines, read_lines

# The order of 8-bit pixels in Krita: blue, green, red, straight alpha.
PIXEL_ORDER = "bgra8"
SRGB = ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")

_NO_VECTOR_LAYER = "Draw the arrows on a vector layer above it first."


class DocumentClosed(ClientError):
    """The document was closed meanwhile."""


class LayerGone(ClientError):
    """The layer was deleted meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer by its id, which survives undo, saving and reopening."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersAtHand:
    """What Start would take: the layer to edit, the layer with the arrows, or why there is none."""

    source: Layer | None = None
    lines: Layer | None = None
    problem: str = ""


class Canvas:
    """One open document.

    Args:
        application: `Krita.instance()`.
        document: A Document of it.
        own: Takes over the elements of a list that Krita returned; Krita 5.1 and 5.2 leak them.
    """

    def __init__(self, application: Any, document: Any, own: Callable[[list], list]) -> None:
        self._application = application
        self._document = document
        self._own = own

    @property
    def is_open(self) -> bool:
        """Whether Krita still has the document."""
        return self._document in self._own(self._application.documents())

    @property
    def extent(self) -> Extent:
        """Its size."""
        document = self._opened()
        return Extent(document.width(), document.height())

    @property
    def is_deeper_than_8_bit_rgb(self) -> bool:
        """Whether the document says more than an edit in 8-bit sRGB can."""
        document = self._opened()
        return (document.colorModel(), document.colorDepth()) != SRGB[:2]

    @property
    def active_layer_id(self) -> str | None:
        """The id of the layer that the artist works on."""
        node = self._opened().activeNode()
        return None if node is None else _id_of(node)

    def layers_at_hand(self, inserted_ids: Collection[str] = ()) -> LayersAtHand:
        """The layer to edit and the layer with the arrows, by where the artist is.

        On a vector layer: its lines, and the first visible paint layer below it that isn't one of
        our own results. On a paint layer: that one, and the first visible vector layer above it.

        Args:
            inserted_ids: Layers that we inserted; they are edited only when chosen by hand.
        """
        active = self._opened().activeNode()
        kind = "" if active is None else active.type()
        if kind not in ("paintlayer", "vectorlayer"):
            return LayersAtHand(
                problem="Choose a paint layer, or the vector layer that holds the arrows."
            )
        chosen = _layer(active)
        stack = list(self._stack(self._document.rootNode(), is_shown=True))
        place = [_id_of(node) for node, _ in stack].index(chosen.id)
        shown_below = [node for node, is_shown in stack[:place] if is_shown]
        shown_above = [node for node, is_shown in stack[place + 1 :] if is_shown]
        if kind == "vectorlayer":
            source = _first(reversed(shown_below), "paintlayer", unless=inserted_ids)
            problem = "" if source else "There is no visible paint layer below the vector layer."
            return LayersAtHand(source=source, lines=chosen, problem=problem)
        lines = _first(shown_above, "vectorlayer")
        problem = "" if lines else _NO_VECTOR_LAYER
        return LayersAtHand(source=chosen, lines=lines, problem=problem)

    def selection_bounds(self) -> Bounds | None:
        """Bounds of every selected pixel; None where nothing or the whole canvas is selected."""
        selection = self._opened().selection()
        if selection is None or not selection.width() or not selection.height():
            return None
        bounds = Bounds(selection.x(), selection.y(), selection.width(), selection.height())
        canvas = Bounds(0, 0, self.extent.width, self.extent.height)
        if bounds.contains_bounds(canvas) and not _read(selection, canvas).strip(b"\xff"):
            return None
        return bounds

    def editable_mask(self, bounds_canvas: Bounds) -> bytes | None:
        """The selection on the bounds, 255 = may move; None where nothing or all is selected."""
        if self.selection_bounds() is None:
            return None
        return _read(self._document.selection(), bounds_canvas)

    def content_bounds(self, layer_id: str) -> Bounds:
        """What the layer covers; it may reach over the canvas' edge."""
        rectangle = self._find(layer_id).bounds()
        return Bounds(rectangle.x(), rectangle.y(), rectangle.width(), rectangle.height())

    def facts(self, layer_id: str) -> LayerFacts:
        """How the layer lies on what is below it."""
        node = self._find(layer_id)
        return LayerFacts(
            has_normal_blending=node.blendingMode() == "normal",
            opacity=node.opacity() / 255,
            has_mask=bool(self._own(node.childNodes())),
            has_effects=bool(node.layerStyleToAsl()),
            is_clipped=node.inheritAlpha(),
        )

    def pixels(self, layer_id: str, bounds_canvas: Bounds) -> bytes:
        """The paint layer's pixels as the artist sees them in that layer, masks applied.

        Returns:
            BGRA, 8 bits, straight alpha, sRGB; transparent outside the layer.
        """
        # Off the tree: no undo step, and the document stays as it is.
        detached = self._twin(self._find(layer_id), bounds_canvas)
        if _space(detached) != SRGB:
            detached.setColorSpace(*SRGB)
        return bytes(detached.pixelData(*_box(bounds_canvas)))

    def _twin(self, node: Any, bounds_canvas: Bounds) -> Any:
        """A layer of the same properties off the tree, masks applied; of one with masks, what it
        shows in the bounds."""
        if not self._own(node.childNodes()):
            return node.duplicate()
        twin = self._document.createNode(node.name(), "paintlayer")
        twin.setColorSpace(*_space(node))
        box = _box(bounds_canvas)
        twin.setPixelData(node.projectionPixelData(*box), *box)
        twin.setOpacity(node.opacity())
        twin.setBlendingMode(node.blendingMode())
        twin.setInheritAlpha(node.inheritAlpha())
        twin.setAlphaLocked(node.alphaLocked())
        twin.setColorLabel(node.colorLabel())
        style = node.layerStyleToAsl()
        if style:
            twin.setLayerStyleFromAsl(style)
        return twin

    def drawn_lines(self, layer_id: str) -> DrawnLines:
        """The straight lines of a vector layer in canvas pixels.

        The duplicate's SVG is the only reading that stays right after the layer was moved and the
        image was cropped, scaled, turned or mirrored.
        """
        svg = self._find(layer_id).duplicate().toSvg()
        try:
            return read_lines(
                svg, x_px_per_inch=self._document.xRes(), y_px_per_inch=self._document.yRes()
            )
        except ValueError as error:
            raise ClientError(
                "The shapes of the vector layer could not be read.", "Draw the arrows on a new one."
            ) from error

    def insert(
        self,
        pixels: bytes,
        bounds_canvas: Bounds,
        *,
        name: str,
        above_id: str,
        inserted_ids: Collection[str] = (),
    ) -> str:
        """Adds a filled layer above another and above our earlier results there; one undo step.

        Where the other layer is gone, the new one comes on top.

        Args:
            pixels: BGRA, 8 bits, straight alpha, sRGB.
            bounds_canvas: Their place.
            name: The new layer's name.
            above_id: The layer that was edited.
            inserted_ids: Our earlier results.

        Returns:
            The new layer's id.
        """
        # Krita writes a prefix of what is too long and nothing of what is too short, silently.
        if len(pixels) != 4 * bounds_canvas.width * bounds_canvas.height:
            raise ValueError("the result's pixels do not fill its bounds")
        document = self._opened()
        node = document.createNode(name, "paintlayer")
        node.setColorSpace(*SRGB)
        # Pixels set after the node is in the tree would spoil the artist's undo stack.
        node.setPixelData(pixels, *_box(bounds_canvas))
        try:
            source = self._find(above_id)
            parent = source.parentNode()
            neighbour = _topmost(self._own(parent.childNodes()), above_id, inserted_ids)
        except LayerGone:
            parent, neighbour = document.rootNode(), None
        parent.addChildNode(node, neighbour)
        document.refreshProjection()
        return _id_of(node)

    def replace(
        self, layer_id: str, pixels: bytes, bounds_canvas: Bounds, *, sent: bytes, name: str
    ) -> str:
        """Adds a copy of a layer right above it, with other pixels where they differ from what was
        sent, and hides the layer; one undo step, which leaves the layer hidden.

        The copy has the layer's opacity, blending, style, colour mode and depth; masks are applied.

        Args:
            layer_id: The layer that was edited.
            pixels: As `insert`.
            bounds_canvas: Their place.
            sent: The layer's pixels there, as they were sent.
            name: The copy's name.

        Returns:
            The copy's id.

        Raises:
            LayerGone: There is nothing to copy.
        """
        source, document = self._find(layer_id), self._document
        canvas = Bounds(0, 0, document.width(), document.height())
        node = self._twin(source, canvas.union(self.content_bounds(layer_id)))
        box = _box(bounds_canvas)
        edited = document.createNode(name, "paintlayer")
        edited.setColorSpace(*SRGB)
        edited.setPixelData(pixels, *box)
        if _space(node) != SRGB:
            edited.setColorSpace(*_space(node))
        own = bytes(node.pixelData(*box))
        changed = with_changes(own, bytes(edited.pixelData(*box)), before=sent, after=pixels)
        node.setPixelData(changed, *box)
        node.setName(name)
        node.setVisible(True)
        node.setLocked(False)
        source.parentNode().addChildNode(node, source)
        source.setVisible(False)
        document.refreshProjection()
        return _id_of(node)

    def remove(self, layer_id: str) -> None:
        """Takes a layer away, one undo step; one that is gone is let be."""
        try:
            self._find(layer_id).remove()
        except LayerGone:
            return
        self._document.refreshProjection()

    def set_shown(self, layer_id: str, is_shown: bool) -> None:
        """Shows or hides a layer; Krita has no undo step for that.

        Raises:
            LayerGone: The layer was deleted.
        """
        self._find(layer_id).setVisible(is_shown)
        self._document.refreshProjection()

    def activate(self, layer_id: str) -> None:
        """Makes a layer the active one; a closed document or a deleted layer is let be."""
        try:
            node = self._find(layer_id)
        except (DocumentClosed, LayerGone):
            return
        self._document.setActiveNode(node)

    def has_layer(self, layer_id: str) -> bool:
        """Whether the layer is still there."""
        try:
            return self._find(layer_id) is not None
        except LayerGone:
            return False

    def _opened(self) -> Any:
        if not self.is_open:
            raise DocumentClosed("The document was closed meanwhile.")
        return self._document

    def _find(self, layer_id: str) -> Any:
        for node, _ in self._stack(self._opened().rootNode(), is_shown=True):
            if _id_of(node) == layer_id:
                return node
        raise LayerGone("The layer was deleted meanwhile.")

    def _stack(self, parent: Any, *, is_shown: bool) -> Iterator[tuple[Any, bool]]:
        """All layers, bottom first, a group after what is in it, and whether the artist sees it."""
        for node in self._own(parent.childNodes()):
            is_node_shown = is_shown and node.visible()
            if node.type() == "grouplayer":
                yield from self._stack(node, is_shown=is_node_shown)
            yield node, is_node_shown


def active_canvas(application: Any, own: Callable[[list], list]) -> Canvas | None:
    """The document that the artist works on."""
    document = application.activeDocument()
    return None if document is None else Canvas(application, document, own)


def _id_of(node: Any) -> str:
    return str(node.uniqueId().toString())


def _space(node: Any) -> tuple[str, str, str]:
    return node.colorModel(), node.colorDepth(), node.colorProfile()


def _layer(node: Any) -> Layer:
    return Layer(id=_id_of(node), name=node.name())


def _first(nodes: Any, kind: str, *, unless: Collection[str] = ()) -> Layer | None:
    for node in nodes:
        if node.type() == kind and _id_of(node) not in unless:
            return _layer(node)
    return None


def _topmost(siblings: list, layer_id: str, inserted_ids: Collection[str]) -> Any:
    ids = [_id_of(node) for node in siblings]
    place = ids.index(layer_id)
    while place + 1 < len(ids) and ids[place + 1] in inserted_ids:
        place += 1
    return siblings[place]


def _box(bounds: Bounds) -> tuple[int, int, int, int]:
    return bounds.x, bounds.y, bounds.width, bounds.height


def _read(selection: Any, bounds: Bounds) -> bytes:
    return bytes(selection.pixelData(*_box(bounds)))
