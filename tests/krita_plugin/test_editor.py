"""What the buttons do, with a fake Krita and a worker that only remembers."""

import functools

import pytest

from tests.fakes import krita


class RememberingWorker:
    """A worker without thread and bridge."""

    def __init__(self):
        self.requests, self.cancel_count = [], 0
        self.further_drags, self.changes = [], []
        self.checked, self.further_checks = [], []

    def start(self, request):
        """Remembers the request."""
        self.requests.append(request)

    def cancel(self):
        """Counts."""
        self.cancel_count += 1

    def drag_on(self, pairs, step_budget):
        """Remembers what is dragged, and for how many steps."""
        self.further_drags.append((pairs, step_budget))

    def check(self, request):
        """Remembers the request."""
        self.checked.append(request)

    def check_on(self, pairs):
        """Remembers what is looked at."""
        self.further_checks.append(pairs)

    def set_pairs(self, pairs):
        """Remembers what a drag shall go on with."""
        self.changes.append(pairs)


@pytest.fixture
def client(plugin):
    """The client's names, from the plug-in's own copy."""
    return plugin("_vendor.bridge_client")


@pytest.fixture
def worker():
    """The worker of the editor."""
    return RememberingWorker()


@pytest.fixture
def editor(plugin, client, picture, worker):
    """The editor of the picture, whose artist is on the vector layer."""
    picture.document.setActiveNode(picture.arrows)
    return plugin("editor").LayerEditor(
        model=client.EditModel(),
        worker=worker,
        read_canvas=functools.partial(plugin("canvas").active_canvas, picture.application, list),
        settings=plugin("settings").Settings(picture.application),
        later=picture.document._due.append,
    )


def finish(editor, client, reason="reached", form="patch"):
    """The worker brings a 2 x 1 result at (12, 8), after one drag."""
    bounds = client.Bounds(12, 8, 2, 1)
    result = client.LayerResult(bounds, bytes(8), "bgra8", client.ResultForm(form))
    history = client.HistoryChanged(client.HistoryState(undo_depth=1))
    done = client.StateChanged(client.EditState.DONE)
    editor.take([history, client.ResultReady(result, reason), done])


def enter(editor, client, state):
    """The worker says how far it is."""
    editor.take([client.StateChanged(client.EditState(state))])


def answer(editor, client, *, is_trackable=True):
    """The worker tells what a check of the model's pairs found."""
    hints = tuple(
        client.HandleHint(
            confidence=0.5,
            is_trackable=is_trackable,
            best_place_canvas=pair.handle.shifted(2, 1),
            best_confidence=0.9,
        )
        for pair in editor.model.pairs
    )
    found = client.HandlesChecked(editor.model.pairs, hints)
    editor.take([found, client.StateChanged(client.EditState.DONE)])


def test_start_sends_the_window_its_pixels_the_mask_and_the_pairs(editor, picture, worker, client):
    picture.select(10, 5, 16, 16)
    editor.start()
    (request,) = worker.requests
    assert request.window_canvas == client.Bounds(10, 5, 16, 16)
    assert request.pixels == bytes((10, 20, 30, 255)) * 256
    assert (request.pixel_order, request.mask) == ("bgra8", bytes([255]) * 256)
    (pair,) = request.pairs
    assert (pair.handle, pair.target) == (client.Point(12, 8), client.Point(20, 8))
    assert editor.model.is_busy


def test_without_a_selection_the_layers_content_is_sent_without_a_mask(editor, worker, client):
    editor.start()
    (request,) = worker.requests
    assert (request.window_canvas, request.mask) == (client.Bounds(10, 5, 16, 16), None)


def test_the_artists_step_budget_is_sent(editor, worker):
    editor.settings.step_budget = 7
    editor.start()
    assert worker.requests[0].step_budget == 7


def test_the_artists_profile_is_sent(editor, worker, client):
    editor.settings.profile = client.InversionProfile.BALANCED
    editor.start()
    assert worker.requests[0].profile is client.InversionProfile.BALANCED


def test_a_model_that_sees_the_layer_gets_it_whole_and_the_selection_as_the_mask(
    editor, picture, worker, client
):
    picture.select(11, 7, 4, 3)
    editor.settings.seen = client.Seen.LAYER
    editor.start()
    (request,) = worker.requests
    assert request.window_canvas == client.Bounds(10, 5, 16, 16)
    row = bytes([0] + [255] * 4 + [0] * 11)
    assert request.mask == bytes(2 * 16) + 3 * row + bytes(11 * 16)
    assert request.result_form == "patch"


def test_beyond_the_canvas_nothing_may_move(editor, picture, worker, client):
    picture.document.setActiveNode(picture.wall)
    picture.select(10, 5, 16, 16)
    editor.settings.seen = client.Seen.LAYER
    editor.start()
    (request,) = worker.requests
    assert request.window_canvas == client.Bounds(0, -5, 40, 40)
    assert request.mask[: 10 * 40] == bytes(10 * 40)
    assert request.mask.count(b"\xff") == 16 * 16


def test_the_arrows_of_now_are_dragged_on_after_an_insert(editor, picture, worker, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    editor.drag_on()
    assert worker.further_drags == []
    krita.draw(picture.arrows, '<path d="M14 9L20 9"/>')
    editor.settings.step_budget = 7
    editor.drag_on()
    (pair,) = editor.model.pairs
    assert pair.handle == client.Point(14, 9)
    assert worker.further_drags == [((pair,), 7)]


def test_the_next_result_is_told_of_and_the_notice_of_the_last_insert_gone(editor, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    editor.model.mark_showing()
    finish(editor, client, "shown")
    assert editor.status_text == "This is the edit as it is shown."


def test_check_takes_what_start_would_take_and_says_what_it_found(editor, worker, client):
    editor.check()
    assert worker.requests == [] and editor.model.is_busy
    answer(editor, client, is_trackable=False)
    said = "The point at (12, 8) is hard to follow; one at (14, 9) would be easier."
    assert editor.status_text == said
    editor.start()
    assert worker.checked == worker.requests


def test_check_after_a_drag_looks_at_the_arrows_of_now_in_the_open_edit(
    editor, picture, worker, client
):
    editor.start()
    finish(editor, client)
    editor.insert()
    editor.check()
    assert worker.further_checks == []
    krita.draw(picture.arrows, '<path d="M14 9L20 9"/>')
    editor.check()
    ((pair,),) = worker.further_checks
    assert (pair.handle, worker.checked) == (client.Point(14, 9), [])
    answer(editor, client)
    assert editor.status_text == "Every point can be followed."


def test_a_check_leaves_what_was_inserted_of_the_open_edit_to_be_replaced(editor, picture, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    krita.draw(picture.arrows, '<path d="M14 9L20 9"/>')
    editor.check()
    answer(editor, client)
    editor.drag_on()
    finish(editor, client)
    editor.insert()
    assert picture.names().count("portrait dragged") == 1


def test_a_failure_after_an_insert_is_said_in_its_notices_place(editor, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    editor.model.mark_moving()
    failed = client.Failed("No bridge.", "Start it.")
    editor.take([failed, client.StateChanged(client.EditState.FAILED)])
    assert editor.status_text == "No bridge. Start it."


def test_without_a_line_check_does_nothing_and_the_model_says_why(editor, picture, worker):
    krita.draw(picture.arrows, "")
    editor.check()
    assert worker.checked == []
    assert "Draw a line" in editor.model.why_not_check


def test_what_would_be_taken_is_said_before_start(editor, picture):
    picture.select(10, 5, 16, 16)
    krita.draw(picture.arrows, '<path d="M12 8L20 8"/><rect/><path d="M1 1L1 2"/>')
    editor.look()
    assert editor.input_text.splitlines() == [
        "Layer: portrait",
        "Arrows: 1, pins: 1 on arrows",
        "May move: the selection, 16 × 16 px",
        "1 × left out: no straight line and no circle",
    ]
    assert editor.model.can_start


def test_a_plain_opaque_layer_asks_for_a_patch(editor, worker):
    editor.start()
    assert worker.requests[0].result_form == "patch"


def test_a_blended_layer_asks_for_a_replacement(editor, picture, worker):
    picture.portrait.setOpacity(100)
    editor.start()
    assert worker.requests[0].result_form == "replacement"


def test_what_shines_through_in_the_selection_asks_for_a_replacement(editor, picture, worker):
    picture.select(8, 5, 10, 10)
    editor.start()
    assert worker.requests[0].result_form == "replacement"


def test_without_a_picture_start_does_nothing_and_says_why(editor, picture, worker):
    krita.close(picture.document)
    editor.start()
    assert worker.requests == []
    assert editor.input_text == "Open a picture."


def test_without_a_line_start_does_nothing_and_says_why(editor, picture, worker):
    krita.draw(picture.arrows, "")
    editor.start()
    assert worker.requests == []
    assert "Draw a line" in editor.input_text


def test_unreadable_shapes_are_said_in_words(editor, picture):
    krita.draw(picture.arrows, "<path d='M0'/>")
    editor.look()
    assert "could not be read" in editor.input_text


def test_while_the_layer_is_sent_the_canvas_is_let_be(editor, picture, worker):
    editor.start()
    krita.draw(picture.arrows, "")
    editor.look()
    assert (len(editor.model.pairs), worker.changes) == (1, [])


@pytest.mark.parametrize("state", ["queued", "inverting", "dragging", "paused"])
def test_a_drag_goes_on_with_its_lines_as_they_are_now(editor, picture, worker, client, state):
    editor.start()
    enter(editor, client, state)
    editor.look()
    assert worker.changes == []
    krita.draw(picture.arrows, '<path d="M12 8L22 9"/><circle cx="15" cy="12"/>')
    for _ in range(2):
        editor.look()
    (pairs,) = worker.changes
    assert [pair.target for pair in pairs] == [client.Point(22, 9), client.Point(15, 12)]
    assert "Arrows: 1, pins: 1 on arrows" in editor.input_text


def test_a_drag_on_goes_on_with_the_lines_that_it_took(editor, picture, worker, client):
    editor.start()
    finish(editor, client)
    others = picture.document.createVectorLayer("others")
    picture.root.addChildNode(others, None)
    krita.draw(others, '<path d="M14 9L20 9"/>')
    picture.document.setActiveNode(others)
    editor.drag_on()
    enter(editor, client, "dragging")
    krita.draw(picture.arrows, '<path d="M12 8L22 9"/>')
    editor.look()
    assert worker.changes == []
    krita.draw(others, '<path d="M14 9L22 9"/>')
    editor.look()
    assert worker.changes == [(client.PointPair(client.Point(14, 9), client.Point(22, 9)),)]


def test_a_drag_keeps_to_its_own_lines_wherever_the_artist_is(editor, picture, worker, client):
    editor.start()
    enter(editor, client, "dragging")
    picture.application.createDocument(40, 30, "another", "RGBA", "U8", "", 72.0)
    picture.document.setActiveNode(picture.wall)
    editor.look()
    assert worker.changes == []
    krita.draw(picture.arrows, '<path d="M12 8L22 9"/>')
    editor.look()
    assert [pair.target for pair in editor.model.pairs] == [client.Point(22, 9)]
    assert worker.changes == [editor.model.pairs]


def test_a_drag_whose_lines_are_gone_or_broken_keeps_what_it_has(editor, picture, worker, client):
    editor.start()
    enter(editor, client, "dragging")
    krita.draw(picture.arrows, "<path d='M0'/>")
    editor.look()
    picture.arrows.remove()
    editor.look()
    krita.close(picture.document)
    editor.look()
    assert (len(editor.model.pairs), worker.changes) == (1, [])


def test_a_check_that_runs_keeps_to_the_lines_it_took(editor, picture, worker, client):
    editor.check()
    enter(editor, client, "checking")
    krita.draw(picture.arrows, '<path d="M12 8L22 9"/>')
    editor.look()
    assert (editor.model.pairs, worker.changes) == (worker.checked[0].pairs, [])


def test_cancel_reaches_the_worker_once(editor, worker):
    editor.controls.cancel()
    editor.start()
    editor.controls.cancel()
    editor.controls.cancel()
    assert worker.cancel_count == 1


def test_insert_adds_one_layer_above_the_edited_one(editor, picture, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    assert picture.names() == ["wall", "portrait", "portrait dragged", "arrows"]
    assert picture.portrait.visible()
    editor.insert()
    assert len(picture.names()) == 4
    assert editor.status_text == "Inserted above “portrait”."


@pytest.mark.parametrize("form", ["patch", "replacement"])
def test_a_second_insert_of_an_edit_takes_the_firsts_place(editor, picture, client, form):
    editor.start()
    for reason in ("reached", "shown"):
        first = picture.root.childNodes()[2]
        finish(editor, client, reason, form)
        editor.insert()
        assert picture.names() == ["wall", "portrait", "portrait dragged", "arrows"]
    assert picture.root.childNodes()[2] is not first
    assert picture.portrait.visible() == (form == "patch")


def test_the_next_edit_leaves_the_first_ones_patch(editor, picture, client):
    for _ in range(2):
        editor.start()
        finish(editor, client)
        editor.insert()
    assert picture.names().count("portrait dragged") == 2


def test_a_replacement_hides_the_layer_and_is_what_is_edited_next(editor, picture, client):
    editor.start()
    finish(editor, client, form="replacement")
    editor.insert()
    assert editor.status_text == "Inserted in place of “portrait”, which is hidden now."
    krita.pass_tick(picture.document)
    editor.look()
    assert editor.input_text.startswith("Layer: portrait dragged\n")
    assert not picture.portrait.visible()


def test_who_was_on_the_replaced_layer_is_on_its_replacement(editor, picture, client):
    picture.document.setActiveNode(picture.portrait)
    editor.start()
    finish(editor, client, form="replacement")
    editor.insert()
    krita.pass_tick(picture.document)
    assert picture.document.activeNode().name() == "portrait dragged"


def test_undo_of_a_replacement_shows_the_layer_again(editor, picture, client):
    editor.start()
    finish(editor, client, form="replacement")
    editor.insert()
    krita.undo(picture.document)
    editor.look()
    assert picture.portrait.visible()


def test_undo_of_a_second_insert_brings_the_first_replacement_back(editor, picture, client):
    editor.start()
    for reason in ("reached", "shown"):
        finish(editor, client, reason, "replacement")
        editor.insert()
    seen = []
    for _ in range(3):
        krita.undo(picture.document)
        editor.look()
        seen.append((picture.names().count("portrait dragged"), picture.portrait.visible()))
    assert seen == [(2, False), (1, False), (0, True)]


def test_the_artists_own_eye_is_let_be(editor, picture, client):
    editor.start()
    finish(editor, client, form="replacement")
    editor.insert()
    picture.portrait.setVisible(True)
    editor.look()
    assert picture.portrait.visible()


def test_a_replacement_in_a_closed_document_is_forgotten(editor, picture, client):
    editor.start()
    finish(editor, client, form="replacement")
    editor.insert()
    krita.close(picture.document)
    editor.look()
    editor.look()


def test_a_deleted_layer_can_not_be_replaced(editor, picture, plugin, client):
    editor.start()
    picture.portrait.remove()
    finish(editor, client, form="replacement")
    with pytest.raises(plugin("canvas").LayerGone, match="deleted"):
        editor.insert()
    assert editor.model.can_insert


def test_the_artist_stays_on_his_layer(editor, picture, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    krita.pass_tick(picture.document)
    assert picture.document.activeNode() is picture.arrows


def test_after_an_insert_the_same_layer_is_edited_again(editor, picture, worker, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    krita.pass_tick(picture.document)
    editor.look()
    assert editor.input_text.startswith("Layer: portrait\n")


def test_the_layer_that_was_started_is_the_one_inserted_above(editor, picture, client):
    editor.start()
    picture.document.setActiveNode(picture.wall)
    finish(editor, client)
    editor.look()
    editor.insert()
    assert picture.names().index("portrait dragged") == picture.names().index("portrait") + 1


def test_a_deleted_layer_is_said_in_words_and_the_result_comes_on_top(editor, picture, client):
    editor.start()
    picture.portrait.remove()
    finish(editor, client)
    editor.insert()
    assert picture.names()[-1] == "portrait dragged"
    assert "deleted meanwhile" in editor.status_text


def test_a_closed_document_is_said_in_words(editor, picture, plugin, client):
    editor.start()
    krita.close(picture.document)
    finish(editor, client)
    with pytest.raises(plugin("canvas").DocumentClosed, match="was closed"):
        editor.insert()


def test_a_document_closed_in_the_tick_after_the_insert_is_let_be(editor, picture, client):
    editor.start()
    finish(editor, client)
    editor.insert()
    krita.close(picture.document)
    krita.pass_tick(picture.document)


def test_a_failure_is_shown_until_the_next_start(editor, client):
    editor.start()
    editor.take(
        [client.Failed("No bridge.", "Start it."), client.StateChanged(client.EditState.FAILED)]
    )
    editor.look()
    assert editor.status_text == "No bridge. Start it."
    editor.start()
    assert "No bridge" not in editor.status_text
