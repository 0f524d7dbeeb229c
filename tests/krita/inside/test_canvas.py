"""Pixels, selection, layers and insertion with the real Krita."""

import pytest
from draglayer_krita._vendor.bridge_client import Bounds, LayerFacts
from draglayer_krita.canvas import Canvas, DocumentClosed, LayerGone
from draglayer_krita.qt import own
from krita import Krita, Selection

BOX = (4, 3, 2, 2)
# Blue, green, red, alpha: a colour of sRGB, black, white, and one that is half transparent.
COLOURS = bytes((0, 128, 255, 255, 0, 0, 0, 255, 255, 255, 255, 255, 40, 90, 200, 128))
GREYS = bytes((77, 77, 77, 255, 0, 0, 0, 255, 255, 255, 255, 255, 200, 200, 200, 128))


def id_of(node):
    """A layer's id."""
    return node.uniqueId().toString()


def canvas_of(document):
    """The plug-in's view of a document."""
    return Canvas(Krita.instance(), document, own)


class WithActive:
    """A document with an active node; without a window the real one has none."""

    def __init__(self, document, node):
        self._document, self._node = document, node

    def __getattr__(self, name):
        return getattr(self._document, name)

    def __eq__(self, other):
        return self._document == other

    def activeNode(self):  # noqa: N802
        return self._node


@pytest.mark.parametrize(
    ("model", "depth", "pixels", "tolerance"),
    [
        ("RGBA", "U8", COLOURS, 0),
        ("RGBA", "U16", COLOURS, 1),
        ("RGBA", "F16", COLOURS, 1),
        ("RGBA", "F32", COLOURS, 1),
        ("GRAYA", "U8", GREYS, 3),
        ("GRAYA", "U16", GREYS, 1),
        # Krita's profiles for these lose a little on the way there and back.
        ("CMYKA", "U8", COLOURS, 32),
        ("LABA", "U16", COLOURS, 12),
    ],
)
def test_pixels_of_any_colour_mode_come_as_8_bit_srgb(desk, model, depth, pixels, tolerance):
    document = desk.document(model, depth)
    node = desk.layer(document, "layer", pixels, BOX)
    read = canvas_of(document).pixels(id_of(node), Bounds(*BOX))
    assert len(read) == len(pixels)
    assert max(abs(a - b) for a, b in zip(read, pixels, strict=True)) <= tolerance


@pytest.mark.parametrize(("model", "depth"), [("RGBA", "U8"), ("RGBA", "F32"), ("CMYKA", "U8")])
def test_reading_changes_nothing(desk, model, depth):
    document = desk.document(model, depth)
    node = desk.layer(document, "layer", COLOURS, BOX)
    before = bytes(node.pixelData(*BOX))
    canvas_of(document).pixels(id_of(node), Bounds(*BOX))
    assert bytes(node.pixelData(*BOX)) == before
    assert (node.colorModel(), node.colorDepth()) == (model, depth)
    assert not document.modified()
    assert [child.name() for child in document.rootNode().childNodes()] == ["layer"]


def test_outside_the_layer_pixels_are_transparent_even_off_the_canvas(desk):
    document = desk.document()
    node = desk.layer(document, "layer", COLOURS, (0, 0, 2, 2))
    read = canvas_of(document).pixels(id_of(node), Bounds(-1, -1, 4, 3))
    rows = [read[start : start + 16] for start in range(0, 48, 16)]
    assert rows[0] == bytes(16)
    assert rows[1] == bytes(4) + COLOURS[:8] + bytes(4)


def test_a_layer_that_was_moved_is_read_at_canvas_places(desk):
    document = desk.document()
    node = desk.layer(document, "layer", COLOURS, (0, 0, 2, 2))
    node.move(7, 9)
    canvas = canvas_of(document)
    assert canvas.content_bounds(id_of(node)).shifted(-7, -9) == Bounds(0, 0, 2, 2)
    assert canvas.pixels(id_of(node), Bounds(7, 9, 2, 2)) == COLOURS


@pytest.mark.parametrize(("model", "depth"), [("RGBA", "U8"), ("RGBA", "U16")])
def test_a_layer_with_a_mask_is_read_as_the_artist_sees_it(desk, model, depth):
    document = desk.document(model, depth)
    node = desk.layer(document, "layer", COLOURS, BOX)
    invert = Krita.instance().filter("invert")
    everything = Selection()
    everything.select(0, 0, 40, 30, 255)
    node.addChildNode(document.createFilterMask("mask", invert, everything), None)
    document.waitForDone()
    document.refreshProjection()
    read = canvas_of(document).pixels(id_of(node), Bounds(*BOX))
    assert read[4:8] == bytes((255, 255, 255, 255))
    assert canvas_of(document).facts(id_of(node)) == LayerFacts(has_mask=True)


def test_a_soft_selection_stays_soft(desk):
    document = desk.document(width=60, height=50)
    selection = Selection()
    selection.select(20, 15, 20, 20, 255)
    selection.feather(4)
    document.setSelection(selection)
    canvas = canvas_of(document)
    bounds = canvas.selection_bounds()
    assert bounds.contains_bounds(Bounds(20, 15, 20, 20))
    editable_mask = canvas.editable_mask(bounds)
    assert editable_mask == bytes(
        selection.pixelData(bounds.x, bounds.y, bounds.width, bounds.height)
    )
    assert len(set(editable_mask)) > 20


@pytest.mark.parametrize("values", [None, Selection], ids=["none", "empty"])
def test_nothing_selected_means_everything(desk, values):
    document = desk.document()
    if values is not None:
        document.setSelection(values())
    assert canvas_of(document).selection_bounds() is None


def test_everything_selected_means_everything(desk):
    document = desk.document()
    everything = Selection()
    everything.select(0, 0, 40, 30, 255)
    document.setSelection(everything)
    assert canvas_of(document).selection_bounds() is None


def test_a_selection_over_the_edge_keeps_its_bounds(desk):
    document = desk.document()
    selection = Selection()
    selection.select(30, 20, 20, 20, 255)
    document.setSelection(selection)
    canvas = canvas_of(document)
    assert canvas.selection_bounds().x == 30
    assert canvas.editable_mask(Bounds(29, 20, 2, 1)) == bytes((0, 255))


def test_the_layers_at_hand_are_found_in_groups(desk):
    document = desk.document()
    wall = desk.layer(document, "wall", COLOURS, BOX)
    group = document.createGroupLayer("group")
    document.rootNode().addChildNode(group, None)
    inside = document.createNode("inside", "paintlayer")
    group.addChildNode(inside, None)
    arrows = document.createVectorLayer("arrows")
    document.rootNode().addChildNode(arrows, None)

    def names(active):
        at_hand = canvas_of(WithActive(document, active)).layers_at_hand()
        return tuple(layer and layer.name for layer in (at_hand.source, at_hand.lines))

    assert names(arrows) == ("inside", "arrows")
    assert names(wall) == ("wall", "arrows")
    group.setVisible(False)
    assert names(arrows) == ("wall", "arrows")
    assert names(group) == (None, None)


def test_a_vector_layer_without_shapes_has_no_lines(desk):
    document = desk.document()
    arrows = document.createVectorLayer("arrows")
    document.rootNode().addChildNode(arrows, None)
    lines = canvas_of(document).drawn_lines(id_of(arrows))
    assert (lines.pairs, lines.other_count) == ((), 0)


@pytest.mark.parametrize(
    ("model", "depth"), [("RGBA", "U8"), ("RGBA", "U16"), ("GRAYA", "U8"), ("CMYKA", "U8")]
)
def test_a_result_is_inserted_above_its_layer_and_shows(desk, model, depth):
    document = desk.document(model, depth)
    white = bytes((255, 255, 255, 255)) * 1200
    source = desk.layer(document, "source", white, (0, 0, 40, 30))
    desk.layer(document, "above", bytes(16), BOX)
    canvas = canvas_of(document)
    before, composite = source_bytes(source), bytes(document.pixelData(0, 10, 40, 20))
    black = bytes((0, 0, 0, 255)) * 4
    new_id = canvas.insert(black, Bounds(*BOX), name="new", above_id=id_of(source))
    document.waitForDone()
    names = [node.name() for node in document.rootNode().childNodes()]
    assert names == ["source", "new", "above"]
    assert canvas.pixels(new_id, Bounds(*BOX)) == black
    assert canvas.content_bounds(new_id) == Bounds(*BOX)
    assert source_bytes(source) == before
    assert bytes(document.pixelData(0, 10, 40, 20)) == composite
    shown, untouched = (bytes(document.pixelData(x, 3, 1, 1)) for x in (4, 7))
    assert shown != untouched


def source_bytes(node):
    """All of a layer on the canvas, in its own colour space."""
    return bytes(node.pixelData(0, 0, 40, 30))


DEPTHS = [
    *(("RGBA", depth) for depth in ("U8", "U16", "F16", "F32")),
    ("GRAYA", "U8"),
    ("GRAYA", "U16"),
    ("CMYKA", "U8"),
    ("CMYKA", "U16"),
    ("LABA", "U16"),
]
SOFT = bytes((31 * place) % 251 for place in range(4 * 20 * 12))  # any colour, any opacity
SOFT_BOX = (6, 5, 20, 12)


def inverted(node, document):
    """Gives a layer a mask that turns its colours round."""
    everything = Selection()
    everything.select(0, 0, 40, 30, 255)
    invert = Krita.instance().filter("invert")
    node.addChildNode(document.createFilterMask("mask", invert, everything), None)
    document.waitForDone()
    document.refreshProjection()


@pytest.mark.parametrize("has_mask", [False, True], ids=["bare", "masked"])
@pytest.mark.parametrize(("model", "depth"), DEPTHS)
def test_a_replacement_changes_not_one_byte_but_where_it_differs(desk, model, depth, has_mask):
    document = desk.document(model, depth)
    wall = bytes((255, 200, 120, 255)) * 1200
    desk.layer(document, "wall", wall, (0, 0, 40, 30))
    source = desk.layer(document, "source", SOFT, SOFT_BOX)
    source.setOpacity(180)
    source.setBlendingMode("multiply")
    if has_mask:
        inverted(source, document)
    document.refreshProjection()
    canvas, box = canvas_of(document), (7, 6, 10, 8)
    sent = canvas.pixels(id_of(source), Bounds(*box))
    edited = bytearray(sent)
    for place in (0, 37, 79):
        edited[4 * place : 4 * place + 4] = bytes((128, 128, 128, 255))
    native, shown = pixels_of(source), pixels_of(document)
    new_id = canvas.replace(id_of(source), bytes(edited), Bounds(*box), sent=sent, name="new")
    document.waitForDone()
    assert [node.name() for node in document.rootNode().childNodes()] == ["wall", "source", "new"]
    assert not source.visible() and pixels_of(source) == native
    pairs = zip(shown, pixels_of(document), strict=True)
    differing = {place for place, (before, after) in enumerate(pairs) if before != after}
    assert differing == {40 * (6 + place // 10) + 7 + place % 10 for place in (0, 37, 79)}
    new = canvas.pixels(new_id, Bounds(7, 6, 1, 1))
    assert max(abs(a - b) for a, b in zip(new, edited[:4], strict=True)) <= 32


def pixels_of(node):
    """The pixels of a layer or document on the canvas, in its own colour space."""
    content = bytes(node.pixelData(0, 0, 40, 30))
    size = len(content) // 1200
    return [content[size * place : size * (place + 1)] for place in range(1200)]


def test_a_replacement_keeps_the_layers_properties(desk):
    document = desk.document()
    for has_mask in (False, True):
        source = desk.layer(document, "source", SOFT, SOFT_BOX)
        source.setOpacity(180)
        source.setBlendingMode("multiply")
        source.setInheritAlpha(True)
        source.setColorLabel(3)
        if has_mask:
            inverted(source, document)
        canvas, box = canvas_of(document), Bounds(*SOFT_BOX)
        sent = canvas.pixels(id_of(source), box)
        new_id = canvas.replace(id_of(source), sent, box, sent=sent, name="new")
        new = next(n for n in document.rootNode().childNodes() if id_of(n) == new_id)
        assert (new.opacity(), new.blendingMode()) == (180, "multiply")
        assert (new.inheritAlpha(), new.colorLabel(), new.childNodes()) == (True, 3, [])
        assert canvas.facts(new_id).is_clipped
        canvas.remove(new_id)
        document.waitForDone()
        assert not canvas.has_layer(new_id)


def test_a_result_over_the_canvas_edge_is_kept_whole(desk):
    document = desk.document()
    source = desk.layer(document, "source", COLOURS, BOX)
    canvas = canvas_of(document)
    new_id = canvas.insert(COLOURS, Bounds(-1, -1, 2, 2), name="new", above_id=id_of(source))
    assert canvas.pixels(new_id, Bounds(-1, -1, 2, 2)) == COLOURS


def test_a_result_in_a_group_stays_in_the_group(desk):
    document = desk.document()
    group = document.createGroupLayer("group")
    document.rootNode().addChildNode(group, None)
    source = document.createNode("source", "paintlayer")
    group.addChildNode(source, None)
    canvas_of(document).insert(COLOURS, Bounds(*BOX), name="new", above_id=id_of(source))
    assert [node.name() for node in group.childNodes()] == ["source", "new"]


def test_a_deleted_layer_and_a_closed_document_are_said_in_words(desk):
    document = desk.document()
    node = desk.layer(document, "layer", COLOURS, BOX)
    canvas, layer_id = canvas_of(document), id_of(node)
    node.remove()
    document.waitForDone()
    with pytest.raises(LayerGone):
        canvas.pixels(layer_id, Bounds(*BOX))
    document.setModified(False)
    document.close()
    assert not canvas.is_open
    with pytest.raises(DocumentClosed):
        canvas.pixels(layer_id, Bounds(*BOX))


def test_deep_and_print_documents_are_known(desk):
    assert not canvas_of(desk.document()).is_deeper_than_8_bit_rgb
    assert canvas_of(desk.document("RGBA", "U16")).is_deeper_than_8_bit_rgb
    assert canvas_of(desk.document("CMYKA", "U8")).is_deeper_than_8_bit_rgb
