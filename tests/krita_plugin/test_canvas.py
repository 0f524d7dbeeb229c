"""Which layers are taken, what is read and how a layer is inserted, with a fake Krita."""

import pytest

from tests.fakes import krita


@pytest.fixture
def canvas(plugin, picture):
    """The picture as the plug-in sees it."""
    return plugin("canvas").active_canvas(picture.application, list)


@pytest.fixture
def client(plugin):
    """The client's names, from the plug-in's own copy."""
    return plugin("_vendor.bridge_client")


def id_of(node):
    """A layer's id."""
    return node.uniqueId().toString()


def names_at_hand(canvas, inserted_ids=()):
    """The names of the layer to edit and of the layer with the arrows."""
    at_hand = canvas.layers_at_hand(inserted_ids)
    return tuple(layer and layer.name for layer in (at_hand.source, at_hand.lines))


def test_no_document_is_no_canvas(plugin):
    assert plugin("canvas").active_canvas(krita.Krita(), list) is None


def test_on_the_vector_layer_the_paint_layer_below_is_edited(canvas, picture):
    picture.document.setActiveNode(picture.arrows)
    assert names_at_hand(canvas) == ("portrait", "arrows")


def test_an_active_paint_layer_is_edited_with_the_vector_layer_above(canvas, picture):
    picture.document.setActiveNode(picture.wall)
    assert names_at_hand(canvas) == ("wall", "arrows")


def test_hidden_layers_are_passed_over(canvas, picture):
    picture.portrait.setVisible(False)
    picture.document.setActiveNode(picture.arrows)
    assert names_at_hand(canvas) == ("wall", "arrows")


def test_layers_of_a_hidden_group_are_passed_over(canvas, picture):
    group = picture.document.createNode("group", "grouplayer")
    picture.root.addChildNode(group, picture.portrait)
    picture.paint_layer("inside", (0, 0, 4, 4), parent=group)
    picture.document.setActiveNode(picture.arrows)
    assert names_at_hand(canvas) == ("inside", "arrows")
    group.setVisible(False)
    assert names_at_hand(canvas) == ("portrait", "arrows")


def test_our_own_result_is_edited_only_when_it_is_chosen(canvas, picture):
    ours = picture.paint_layer("portrait dragged", (12, 6, 4, 4))
    ours.remove()
    picture.root.addChildNode(ours, picture.portrait)
    picture.document.setActiveNode(picture.arrows)
    assert names_at_hand(canvas, {id_of(ours)}) == ("portrait", "arrows")
    picture.document.setActiveNode(ours)
    assert names_at_hand(canvas, {id_of(ours)}) == ("portrait dragged", "arrows")


@pytest.mark.parametrize(
    ("kind", "words"), [("grouplayer", "Choose a paint layer"), ("filllayer", "Choose")]
)
def test_another_kind_of_layer_is_refused_in_words(canvas, picture, kind, words):
    node = picture.document.createNode("other", kind)
    picture.root.addChildNode(node, None)
    picture.document.setActiveNode(node)
    assert canvas.layers_at_hand().problem.startswith(words)


def test_without_a_vector_layer_one_is_asked_for(canvas, picture):
    picture.arrows.remove()
    picture.document.setActiveNode(picture.portrait)
    at_hand = canvas.layers_at_hand()
    assert at_hand.source.name == "portrait"
    assert "vector layer above" in at_hand.problem


def test_a_vector_layer_at_the_bottom_has_nothing_to_edit(canvas, picture):
    picture.wall.remove()
    picture.portrait.remove()
    picture.document.setActiveNode(picture.arrows)
    assert "no visible paint layer" in canvas.layers_at_hand().problem


def test_no_selection_is_none(canvas, client):
    assert canvas.selection_bounds() is None
    assert canvas.editable_mask(client.Bounds(0, 0, 8, 8)) is None


def test_a_selection_of_width_0_is_none(canvas, picture):
    picture.document.setSelection(krita.Selection())
    assert canvas.selection_bounds() is None


def test_a_selection_of_the_whole_canvas_is_none(canvas, picture):
    picture.select(0, 0, 40, 30)
    assert canvas.selection_bounds() is None


def test_a_soft_selection_of_the_whole_canvas_stays_one(canvas, picture, client):
    picture.select(0, 0, 40, 30, value=128)
    assert canvas.selection_bounds() == client.Bounds(0, 0, 40, 30)


def test_the_mask_is_the_selection_in_the_window_with_its_soft_values(canvas, picture, client):
    picture.select(2, 1, 2, 1, value=77)
    assert canvas.editable_mask(client.Bounds(1, 0, 4, 2)) == bytes([0, 0, 0, 0, 0, 77, 77, 0])


def test_pixels_outside_the_layer_are_transparent(canvas, picture, client):
    pixels = canvas.pixels(id_of(picture.wall), client.Bounds(-1, 0, 2, 1))
    assert pixels == bytes([0, 0, 0, 0, 10, 20, 30, 255])


def test_lines_are_read_from_a_duplicate(canvas, picture):
    (pair,) = canvas.drawn_lines(id_of(picture.arrows)).pairs
    assert (pair.handle.x, pair.handle.y, pair.target.x, pair.target.y) == (12, 8, 20, 8)


def test_broken_shapes_are_said_in_words(canvas, picture, client):
    krita.draw(picture.arrows, "<path d='M0'/>")
    with pytest.raises(client.ClientError, match="could not be read"):
        canvas.drawn_lines(id_of(picture.arrows))


def insert(canvas, client, above, inserted_ids=()):
    """Inserts a 2 x 1 layer."""
    return canvas.insert(
        bytes(8),
        client.Bounds(3, 4, 2, 1),
        name="new",
        above_id=above,
        inserted_ids=inserted_ids,
    )


def test_a_layer_is_inserted_right_above_the_edited_one_and_undone_at_once(canvas, picture, client):
    steps = len(picture.document._undo_steps)
    insert(canvas, client, id_of(picture.wall))
    assert picture.names() == ["wall", "new", "portrait", "arrows"]
    assert len(picture.document._undo_steps) == steps + 1
    krita.undo(picture.document)
    assert picture.names() == ["wall", "portrait", "arrows"]


def test_a_second_result_comes_above_the_first(canvas, picture, client):
    first = insert(canvas, client, id_of(picture.wall))
    second = insert(canvas, client, id_of(picture.wall), {first})
    ids = [id_of(node) for node in picture.root.childNodes()]
    assert ids[1:3] == [first, second]


def test_where_the_edited_layer_is_gone_the_result_comes_on_top(canvas, picture, client):
    gone = id_of(picture.portrait)
    picture.portrait.remove()
    insert(canvas, client, gone)
    assert picture.names() == ["wall", "arrows", "new"]


def test_pixels_that_do_not_fill_the_bounds_are_refused(canvas, picture, client):
    with pytest.raises(ValueError, match="fill"):
        canvas.insert(bytes(7), client.Bounds(0, 0, 2, 1), name="new", above_id=id_of(picture.wall))
    assert "new" not in picture.names()


def test_a_closed_document_is_never_touched(canvas, picture, plugin, client):
    layer_id = id_of(picture.wall)
    krita.close(picture.document)
    assert not canvas.is_open
    canvas.activate(layer_id)
    for call in (
        canvas.layers_at_hand,
        canvas.selection_bounds,
        lambda: canvas.pixels(layer_id, client.Bounds(0, 0, 1, 1)),
        lambda: insert(canvas, client, layer_id),
    ):
        with pytest.raises(plugin("canvas").DocumentClosed):
            call()


def test_a_deleted_layer_is_said_in_words(canvas, picture, plugin, client):
    gone = id_of(picture.portrait)
    picture.portrait.remove()
    assert not canvas.has_layer(gone)
    with pytest.raises(plugin("canvas").LayerGone, match="deleted"):
        canvas.pixels(gone, client.Bounds(0, 0, 1, 1))


def blended(node):
    """Every property of a layer that is not as it comes."""
    node.setOpacity(120)
    node.setBlendingMode("multiply")
    node.setInheritAlpha(True)
    node.setAlphaLocked(True)
    node.setColorLabel(3)
    node.setLayerStyleFromAsl("a shadow")


def test_the_facts_of_a_layer_are_told(canvas, picture, client):
    layer_id = id_of(picture.portrait)
    assert canvas.facts(layer_id) == client.LayerFacts()
    blended(picture.portrait)
    picture.portrait.addChildNode(picture.document.createNode("mask", "filtermask"), None)
    assert canvas.facts(layer_id) == client.LayerFacts(
        has_normal_blending=False,
        opacity=120 / 255,
        has_mask=True,
        has_effects=True,
        is_clipped=True,
    )


OLD, NEW = bytes((10, 20, 30, 255)), bytes((1, 2, 3, 40))


def replace(canvas, client, layer_id):
    """Replaces the second of two pixels at (12, 8)."""
    return canvas.replace(
        layer_id, OLD + NEW, client.Bounds(12, 8, 2, 1), sent=OLD + OLD, name="new"
    )


def node_of(picture, layer_id):
    return next(node for node in picture.root.childNodes() if id_of(node) == layer_id)


@pytest.mark.parametrize("has_mask", [False, True])
def test_a_replacement_is_the_layer_with_other_pixels_and_all_its_properties(
    canvas, picture, client, has_mask
):
    blended(picture.portrait)
    picture.portrait.setLocked(True)
    if has_mask:
        picture.portrait.addChildNode(picture.document.createNode("mask", "filtermask"), None)
    new = node_of(picture, replace(canvas, client, id_of(picture.portrait)))
    assert (new.name(), new.locked(), new.childNodes()) == ("new", False, [])
    assert (new.opacity(), new.blendingMode(), new.inheritAlpha()) == (120, "multiply", True)
    assert (new.alphaLocked(), new.colorLabel(), new.layerStyleToAsl()) == (True, 3, "a shadow")
    assert new.pixelData(10, 5, 16, 16) == OLD * 51 + NEW + OLD * 204
    assert picture.portrait.pixelData(10, 5, 16, 16) == OLD * 256


def test_what_was_painted_meanwhile_is_kept(canvas, picture, client):
    twin, painted = picture.portrait.duplicate(), bytes((7, 7, 7, 255))
    twin.setPixelData(painted + painted, 12, 8, 2, 1)
    picture.root.addChildNode(twin, None)
    new = node_of(picture, replace(canvas, client, id_of(twin)))
    assert new.pixelData(12, 8, 2, 1) == painted + NEW


def test_a_replacement_stands_above_the_layer_which_is_hidden(canvas, picture, client):
    steps = len(picture.document._undo_steps)
    new = node_of(picture, replace(canvas, client, id_of(picture.portrait)))
    assert picture.names() == ["wall", "portrait", "new", "arrows"]
    assert new.visible() and not picture.portrait.visible()
    assert len(picture.document._undo_steps) == steps + 1


def test_where_the_edited_layer_is_gone_nothing_is_replaced(canvas, picture, plugin, client):
    gone = id_of(picture.portrait)
    picture.portrait.remove()
    with pytest.raises(plugin("canvas").LayerGone):
        replace(canvas, client, gone)
    assert picture.names() == ["wall", "arrows"]


def test_removing_what_is_gone_is_let_be(canvas, picture):
    layer_id = id_of(picture.portrait)
    canvas.remove(layer_id)
    canvas.remove(layer_id)
    assert picture.names() == ["wall", "arrows"]
