import pytest


def edit_of(plugin, picture):
    image, layer = picture
    return plugin("layer_edit").LayerEdit(image, [layer])


def settings(plugin, client, step_budget=None):
    return plugin("settings").Settings(
        points="",
        path=None,
        step_budget=step_budget,
        profile=client.InversionProfile.INSTANT,
        model="default",
    )


def drawn(plugin, picture):
    canvas = plugin("canvas")
    return canvas.drawn_pairs(canvas.selected_path(picture[0])).pairs


def test_the_request_holds_the_window_the_mask_and_the_pairs(plugin, client, picture):
    image, _ = picture
    image._selection._pixels = bytes(16 * 5 + 4) + b"\xff" * 4 + bytes(16 * 12 - 16 * 5 - 8)
    pairs = drawn(plugin, picture)
    request = edit_of(plugin, picture).request(pairs, settings(plugin, client, 12))
    assert request.window_canvas.contains_bounds(client.Bounds(4, 5, 4, 1))
    assert request.mask.count(b"\xff") == 4
    assert len(request.pixels) == 4 * len(request.mask)
    assert (request.pairs, request.step_budget, request.pixel_order) == (pairs, 12, "rgba8")
    assert request.profile is client.InversionProfile.INSTANT


def test_nothing_selected_sends_no_mask(plugin, client, picture):
    pairs = drawn(plugin, picture)
    assert edit_of(plugin, picture).request(pairs, settings(plugin, client)).mask is None


def test_without_a_pair_there_is_no_request_but_a_sentence(plugin, client, picture):
    with pytest.raises(client.ClientError, match="no points yet"):
        edit_of(plugin, picture).request((), settings(plugin, client))


@pytest.mark.parametrize("gone", [0, 1], ids=["image", "layer"])
def test_what_was_closed_meanwhile_is_told(plugin, client, picture, gone):
    edit = edit_of(plugin, picture)
    pairs = drawn(plugin, picture)
    picture[gone]._is_valid = False
    with pytest.raises(client.ClientError, match="gone"):
        edit.request(pairs, settings(plugin, client))


def test_a_result_goes_in_once(plugin, client, picture, finished):
    edit = edit_of(plugin, picture)
    for event in finished:
        edit.model.apply(event)
    edit.insert()
    assert len(picture[0].get_layers()) == 2
    with pytest.raises(client.ClientError):
        edit.insert()
