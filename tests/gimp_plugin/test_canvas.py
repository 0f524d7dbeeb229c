import pytest

from tests.fakes import gi as fake_gi

Gimp = fake_gi.NAMESPACES["Gimp"]


def test_the_window_is_clear_outside_the_layer(plugin, client, picture):
    image, layer = picture
    read = plugin("canvas").read_pixels(image, layer, client.Bounds(0, 3, 4, 1))
    assert read == bytes(8) + bytes((9, 8, 7, 255)) * 2


def test_content_is_where_alpha_is(plugin, client, picture):
    _, layer = picture
    pixels = bytearray(4 * 48)
    pixels[4 * (8 * 1 + 2) + 3] = 1
    pixels[4 * (8 * 4 + 5) + 3] = 200
    layer._pixels = bytes(pixels)
    assert plugin("canvas").content_bounds(layer) == client.Bounds(4, 4, 4, 4)


def test_an_empty_layer_has_no_content(plugin, picture):
    _, layer = picture
    layer._pixels = bytes(4 * 48)
    assert plugin("canvas").content_bounds(layer).is_empty


def test_the_selection_is_the_mask_and_nothing_selected_is_none(plugin, client, picture):
    image, _ = picture
    window = client.Bounds(-1, 0, 3, 1)
    assert plugin("canvas").read_selection(image, window) is None
    image._selection._pixels = bytes([0, 120]) + bytes(16 * 12 - 2)
    assert plugin("canvas").read_selection(image, window) == bytes([0, 0, 120])
    assert plugin("canvas").selection_bounds(image) == client.Bounds(1, 0, 1, 1)


def test_a_closed_stroke_is_no_pair_and_that_is_told(plugin):
    path = Gimp.Path([([(1.0, 1.0), (2.0, 2.0)], True)])
    drawn = plugin("canvas").drawn_pairs(path)
    assert drawn.pairs == () and "closed" in drawn.remark


def test_a_stroke_of_one_anchor_is_a_pin(plugin, client):
    path = Gimp.Path([([(1.0, 2.0)], False)])
    drawn = plugin("canvas").drawn_pairs(path)
    assert drawn.pairs == (client.PointPair(client.Point(1.0, 2.0), client.Point(1.0, 2.0)),)
    assert drawn.remark == ""


def test_the_result_is_one_undo_step_above_its_source(plugin, client, picture):
    image, layer = picture
    before, steps = layer._pixels, image._undo_steps
    pixels = bytes((1, 2, 3, 200)) * 6
    result = client.LayerResult(client.Bounds(5, 4, 3, 2), pixels, "rgba8")
    made = plugin("canvas").insert_result(image, layer, result, sent=bytes(24))
    assert image.get_layers() == [made, layer]
    assert (made._place, made._size, made._pixels) == ((5, 4), (3, 2), pixels)
    assert image._undo_steps == steps + 1
    assert layer._pixels == before


def test_the_undo_group_ends_even_when_inserting_fails(plugin, client, picture):
    image, layer = picture
    broken = client.LayerResult(client.Bounds(5, 4, 3, 2), None, "rgba8")
    with pytest.raises(TypeError):
        plugin("canvas").insert_result(image, layer, broken, sent=bytes(24))
    assert image._open_groups == 0


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 layers"), (2, "2 layers")], ids=["none", "two"]
)
def test_not_exactly_one_layer_is_told(plugin, client, picture, count, words):
    image, layer = picture
    with pytest.raises(client.ClientError, match=words):
        plugin("canvas").chosen_layer(image, [layer] * count)


def test_the_facts_of_a_layer_are_told(plugin, client, picture):
    _, layer = picture
    facts = plugin("canvas").layer_facts
    assert facts(layer) == client.LayerFacts()
    layer._opacity, layer._mode = 40.0, Gimp.LayerMode.MULTIPLY
    layer._mask, layer._filters = layer.create_mask(Gimp.AddMaskType.WHITE), [object()]
    layer._composite_mode = Gimp.LayerCompositeMode.CLIP_TO_BACKDROP
    assert facts(layer) == client.LayerFacts(
        has_normal_blending=False,
        opacity=0.4,
        has_mask=True,
        has_effects=True,
        is_clipped=True,
    )


OLD, NEW = bytes((9, 8, 7, 255)), bytes((1, 2, 3, 40))


def replace(plugin, client, picture, **options):
    """Replaces the second of two pixels at (4, 5)."""
    form = client.ResultForm.REPLACEMENT
    result = client.LayerResult(client.Bounds(4, 5, 2, 1), OLD + NEW, "rgba8", form)
    return plugin("canvas").insert_result(*picture, result, sent=OLD + OLD, **options)


def test_a_replacement_is_one_undo_step_above_its_source_which_is_hidden(plugin, client, picture):
    image, layer = picture
    layer._opacity, layer._mode, layer._is_locked = 40.0, Gimp.LayerMode.MULTIPLY, True
    layer._is_visibility_locked = True
    before, steps = layer._pixels, image._undo_steps
    made = replace(plugin, client, picture)
    assert image.get_layers() == [made, layer] and image._undo_steps == steps + 1
    assert (made.get_name(), made._opacity, made._mode) == (
        "portrait dragged",
        40.0,
        Gimp.LayerMode.MULTIPLY,
    )
    assert made.get_visible() and not layer.get_visible() and layer.get_lock_visibility()
    assert layer._pixels == before
    assert made._pixels == OLD * (8 * 2 + 3) + NEW + OLD * (48 - 8 * 2 - 4)


def test_a_replacement_shows_what_changed_through_the_mask(plugin, client, picture):
    _, layer = picture
    layer._mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer._mask._pixels = bytes([77]) * 48
    made = replace(plugin, client, picture)
    assert made._mask._pixels == bytes([77] * 19 + [255] + [77] * 28)
    assert layer._mask._pixels == bytes([77]) * 48
    assert not made._is_mask_edited


class TextLayer(Gimp.Layer):
    """Letters, whose `resize` is another one in GIMP too."""

    def resize(self, width, height):
        raise AssertionError("this would set the letters anew")


@pytest.mark.parametrize("kind", [Gimp.Layer, TextLayer])
def test_a_replacement_reaches_over_the_layers_edge(plugin, client, picture, kind):
    picture[1].__class__ = kind
    bounds, form = client.Bounds(1, 3, 3, 1), client.ResultForm.REPLACEMENT
    result = client.LayerResult(bounds, NEW + NEW + OLD, "rgba8", form)
    sent = bytes(4) + OLD + OLD
    made = plugin("canvas").insert_result(*picture, result, sent=sent)
    assert (made._place, made._size) == ((1, 3), (9, 6))
    assert made._pixels[:16] == NEW + NEW + OLD + OLD
    assert made._pixels[36:44] == bytes(4) + OLD


@pytest.mark.parametrize("form", ["patch", "replacement"])
def test_a_second_insert_takes_the_place_of_the_first(plugin, client, picture, form):
    image, layer = picture
    bounds = client.Bounds(4, 5, 2, 1)
    result = client.LayerResult(bounds, NEW + NEW, "rgba8", client.ResultForm(form))
    insert = plugin("canvas").insert_result
    first = insert(image, layer, result, sent=OLD + OLD)
    second = insert(image, layer, result, sent=OLD + OLD, instead_of=first)
    assert image.get_layers() == [second, layer] and second is not first
    third = insert(image, layer, result, sent=OLD + OLD, instead_of=first)  # gone already
    assert image.get_layers() == [second, third, layer]


def test_a_deleted_layer_can_not_be_replaced(plugin, client, picture):
    image, layer = picture
    image.remove_layer(layer)
    with pytest.raises(client.ClientError, match="deleted"):
        replace(plugin, client, picture)
    assert image.get_layers() == [] and image._open_groups == 0


def test_a_group_that_passes_through_can_not_be_replaced(plugin, client, picture):
    _, layer = picture
    plugin("canvas").check_replaceable(layer)
    layer._mode, layer.is_group_layer = Gimp.LayerMode.PASS_THROUGH, lambda: True
    with pytest.raises(client.ClientError, match="passes through"):
        plugin("canvas").check_replaceable(layer)
