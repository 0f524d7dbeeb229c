import pytest

from tests.fakes import gi as fake_gi


def edit_of(plugin, picture):
    image, layer = picture
    return plugin("layer_edit").LayerEdit(image, [layer])


def settings(plugin, client, step_budget=None, seen="selection"):
    return plugin("settings").Settings(
        points="",
        path=None,
        step_budget=step_budget,
        profile=client.InversionProfile.INSTANT,
        model="default",
        seen=client.Seen(seen),
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


def test_a_model_that_sees_the_layer_gets_it_whole_and_the_selection_as_the_mask(
    plugin, client, picture
):
    image, _ = picture
    image._selection._pixels = bytes(16 * 5 + 4) + b"\xff" * 4 + bytes(16 * 12 - 16 * 5 - 8)
    request = edit_of(plugin, picture).request(
        drawn(plugin, picture), settings(plugin, client, seen="layer")
    )
    assert request.window_canvas == client.Bounds(2, 2, 8, 8)
    assert request.mask == bytes(3 * 8 + 2) + b"\xff" * 4 + bytes(2 + 4 * 8)
    assert request.result_form == "patch"


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


def started(plugin, client, picture):
    """An edit of the picture that was sent to the bridge."""
    edit = edit_of(plugin, picture)
    request = edit.request(drawn(plugin, picture), settings(plugin, client))
    edit.begin(request)
    return edit, request


def bring(edit, client, form="replacement"):
    """The bridge brings a pixel at (4, 5), after which the edit can be inserted."""
    bounds, pixel = client.Bounds(4, 5, 1, 1), bytes((1, 2, 3, 40))
    result = client.LayerResult(bounds, pixel, "rgba8", client.ResultForm(form))
    edit.model.apply(client.ResultReady(result, "reached"))
    edit.model.apply(client.StateChanged(client.EditState.DONE))
    return result


def test_a_plain_opaque_layer_asks_for_a_patch(plugin, client, picture):
    image, _ = picture
    image._selection._pixels = bytes(16 * 5 + 4) + b"\xff" * 4 + bytes(16 * 12 - 16 * 5 - 8)
    assert started(plugin, client, picture)[1].result_form == "patch"


def test_what_shines_through_asks_for_a_replacement(plugin, client, picture):
    # Without a selection all of the square window may move, and the layer fills but a part of it.
    assert started(plugin, client, picture)[1].result_form == "replacement"


def test_a_group_that_nothing_can_replace_is_refused(plugin, client, picture):
    _, layer = picture
    layer._mode = fake_gi.NAMESPACES["Gimp"].LayerMode.PASS_THROUGH
    layer.is_group_layer = lambda: True
    with pytest.raises(client.ClientError, match="passes through"):
        started(plugin, client, picture)


def test_a_replacement_is_what_is_edited_next_and_its_undo_brings_the_layer_back(
    plugin, client, picture
):
    image, layer = picture
    edit, _ = started(plugin, client, picture)
    bring(edit, client)
    replacement = edit.insert()
    assert edit.layer_name == "portrait dragged"
    image.remove_layer(replacement)  # as an undo does
    assert edit.layer_name == "portrait"
    assert image.get_layers() == [layer]


@pytest.mark.parametrize("form", ["patch", "replacement"])
def test_a_second_insert_of_an_edit_takes_the_firsts_place(plugin, client, picture, form):
    image, layer = picture
    edit, _ = started(plugin, client, picture)
    made = []
    for _ in range(2):
        bring(edit, client, form)
        made.append(edit.insert())
    assert image.get_layers() == [made[1], layer] and made[0] is not made[1]


def test_the_next_edit_leaves_the_first_ones_patch(plugin, client, picture):
    edit = edit_of(plugin, picture)
    for _ in range(2):
        edit.begin(edit.request(drawn(plugin, picture), settings(plugin, client)))
        bring(edit, client, "patch")
        edit.insert()
    assert len(picture[0].get_layers()) == 3


def test_a_replaced_window_is_what_was_sent_with_the_result_in_its_place(plugin, client, picture):
    edit, request = started(plugin, client, picture)
    picture[1]._pixels = bytes(4 * 48)  # painted over meanwhile
    result = bring(edit, client)
    window = request.window_canvas
    place = 4 * ((5 - window.y) * window.width + 4 - window.x)
    expected = request.pixels[:place] + result.pixels + request.pixels[place + 4 :]
    assert edit.replaced_pixels(result) == expected


def test_a_request_that_is_not_begun_leaves_the_edit_before_as_it_is(plugin, client, picture):
    image, layer = picture
    edit, _ = started(plugin, client, picture)
    bring(edit, client)
    first = edit.insert()
    edit.request(drawn(plugin, picture), settings(plugin, client))
    bring(edit, client)
    assert image.get_layers() == [edit.insert(), layer] and not first.is_valid()


def test_a_result_goes_in_once(plugin, client, picture, finished):
    edit, _ = started(plugin, client, picture)
    for event in finished:
        edit.model.apply(event)
    edit.insert()
    assert len(picture[0].get_layers()) == 2
    with pytest.raises(client.ClientError):
        edit.insert()
