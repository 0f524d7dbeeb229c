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
    made = plugin("canvas").insert_result(image, layer, result)
    assert image.get_layers() == [made, layer]
    assert (made._place, made._size, made._pixels) == ((5, 4), (3, 2), pixels)
    assert image._undo_steps == steps + 1
    assert layer._pixels == before


def test_the_undo_group_ends_even_when_inserting_fails(plugin, client, picture):
    image, layer = picture
    broken = client.LayerResult(client.Bounds(5, 4, 3, 2), None, "rgba8")
    with pytest.raises(TypeError):
        plugin("canvas").insert_result(image, layer, broken)
    assert image._open_groups == 0


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 layers"), (2, "2 layers")], ids=["none", "two"]
)
def test_not_exactly_one_layer_is_told(plugin, client, picture, count, words):
    image, layer = picture
    with pytest.raises(client.ClientError, match=words):
        plugin("canvas").chosen_layer(image, [layer] * count)


def test_a_translucent_or_blending_layer_is_remarked(plugin, picture):
    _, layer = picture
    remark = plugin("canvas").stacking_remark
    assert remark(layer) == ""
    layer._opacity = 40.0
    assert "adds" in remark(layer)
    layer._opacity, layer._mode = 100.0, Gimp.LayerMode.MULTIPLY
    assert "adds" in remark(layer)
