import pytest

from tests.fakes import gi as fake_gi

Pixbuf = fake_gi.NAMESPACES["GdkPixbuf"].Pixbuf


def mark(client, handle, target, **said):
    return client.PairMark(handle=handle, target=target, is_pin=handle == target, **said)


def test_handle_and_target_are_marked_where_they_are(plugin, client, desk):
    preview = plugin("preview")
    window = client.Bounds(100, 50, 32, 32)
    pair = mark(client, client.Point(116, 66), client.Point(124, 66))
    side = preview.SIDE_PX
    preview.with_marks(Pixbuf(side, side), window, [pair])
    target, _, handle = desk.fills[-3:]
    assert handle[1:] == (160 - 3, 160 - 3)
    assert target[1:] == (240 - 3, 160 - 3)
    assert handle[0] != target[0]


def test_a_pin_is_one_hollow_mark(plugin, client, desk):
    preview = plugin("preview")
    place = client.Point(116, 66)
    picture = Pixbuf(preview.SIDE_PX, preview.SIDE_PX)
    window = client.Bounds(100, 50, 32, 32)
    preview.with_marks(picture, window, [mark(client, place, place)])
    colours = [colour for colour, *_ in desk.fills]
    assert len(colours) == 3 and colours[0] == colours[2] != colours[1]


def test_a_mark_on_the_edge_is_cut_off_and_one_outside_is_left_out(plugin, client, desk):
    preview = plugin("preview")
    window = client.Bounds(0, 0, 32, 32)
    edge, inside = client.Point(0, 32), client.Point(9, 9)
    picture = Pixbuf(preview.SIDE_PX, preview.SIDE_PX)
    preview.with_marks(picture, window, [mark(client, edge, inside)])
    assert desk.fills[-1][1:] == (0, preview.SIDE_PX - 3)
    count = len(desk.fills)
    outside = client.Point(-90, -90)
    preview.with_marks(picture, window, [mark(client, outside, outside)])
    assert len(desk.fills) == count


def test_a_handle_that_may_be_lost_and_an_easier_place_have_their_own_colours(plugin, client, desk):
    preview = plugin("preview")
    handle, target, easier = client.Point(16, 16), client.Point(24, 16), client.Point(8, 16)
    picture, window = Pixbuf(preview.SIDE_PX, preview.SIDE_PX), client.Bounds(0, 0, 32, 32)
    preview.with_marks(picture, window, [mark(client, handle, target)])
    sure = desk.fills[-1]
    preview.with_marks(
        picture, window, [mark(client, handle, target, is_sure=False, easier=easier)]
    )
    *_, unsure, _rim, ring, _hole = desk.fills
    assert unsure[1:] == sure[1:] and ring[1:] == (80 - 3, 160 - 3)
    assert len({sure[0], unsure[0], ring[0]}) == 3


@pytest.mark.parametrize("place", [(0, 0, 32, 32), (5, 7, 3, 3), (31, 31, 1, 1)])
def test_the_result_lies_at_its_place(plugin, client, desk, place):
    preview = plugin("preview")
    bounds = client.Bounds(*place)
    result = client.LayerResult(bounds, bytes(4 * bounds.width * bounds.height), "rgba8")
    picture = Pixbuf(preview.SIDE_PX, preview.SIDE_PX)
    shown = preview.with_result(picture, client.Bounds(0, 0, 32, 32), result)
    assert shown._layers == [tuple(10 * number for number in place)]
    assert picture._layers == []


def test_an_empty_result_shows_nothing(plugin, client):
    preview = plugin("preview")
    result = client.LayerResult(client.Bounds(3, 3, 0, 0), b"", "rgba8")
    picture = Pixbuf(preview.SIDE_PX, preview.SIDE_PX)
    assert preview.with_result(picture, client.Bounds(0, 0, 32, 32), result)._layers == []
