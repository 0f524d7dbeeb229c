import pytest

from tests.fakes import gi as fake_gi

START, CANCEL, INSERT, PAUSE, CHECK, CLOSE = 1, 2, 3, 4, 5, -7
Gtk = fake_gi.NAMESPACES["Gtk"]


@pytest.fixture
def open_dialog(plugin, client, picture, desk):
    """Opens the dialog for an artist who does one thing after another, to its end."""
    image, layer = picture
    settings = plugin("settings").Settings(
        points="",
        path=None,
        step_budget=None,
        profile=client.InversionProfile.FAST,
        model="default",
        seen=client.Seen.SELECTION,
    )

    def run(worker, *artist):
        desk.artist = (each() if callable(each) else each for each in artist)
        edit = plugin("layer_edit").LayerEdit(image, [layer])
        dialog = plugin("dialog").DragDialog(edit, settings, worker)
        return dialog, dialog.run()

    return run


def widgets_in(box):
    """All that lies in a box and in the boxes in it, in order."""
    for child in box._children:
        yield child
        yield from widgets_in(child) if hasattr(child, "_children") else ()


@pytest.fixture
def find(desk):
    """Finds what the open dialog has under a name: a button by its label, or what stands beside
    a text."""

    def find_named(name):
        widgets = list(widgets_in(desk.dialogs[-1]._box))
        for widget, next_widget in zip(widgets, [*widgets[1:], None], strict=True):
            if isinstance(widget, Gtk.Button) and widget._name == name:
                return widget
            if isinstance(widget, Gtk.Label) and widget._text == name:
                return next_widget
        raise AssertionError(f"nothing is named {name}")

    return find_named


@pytest.fixture
def progress(desk):
    """What the open dialog's bar shows."""

    def share():
        widgets = widgets_in(desk.dialogs[-1]._box)
        return next(each._share for each in widgets if isinstance(each, Gtk.ProgressBar))

    return share


@pytest.fixture
def look(desk):
    """Notes what the dialog shows before the artist's next act."""
    seen = []

    def look_then(response):
        def act():
            window = desk.dialogs[-1]
            labels = [each for each in widgets_in(window._box) if isinstance(each, Gtk.Label)]
            texts = [each._text for each in labels]
            seen.append((" ".join(texts), dict(window._sensitive)))
            return response

        return act

    return seen, look_then


def test_start_inserts_after_progress_and_gives_the_layer(
    open_dialog, picture, scripted_worker, finished
):
    _, layer = open_dialog(scripted_worker(finished), START, INSERT)
    assert picture[0].get_layers()[0] is layer


def test_buttons_follow_the_model(open_dialog, look, client, scripted_worker, finished):
    seen, then = look
    step = client.DragProgress(0, 9, (client.Point(4, 5),), 3.0)
    dragging = [client.StateChanged(client.EditState.DRAGGING), step]
    worker = scripted_worker(dragging, finished)
    open_dialog(worker, then(START), then(CANCEL), then(INSERT), then(CLOSE))
    on = [{key for key, is_on in sensitive.items() if is_on} for _, sensitive in seen]
    assert on == [
        {START, CHECK, CLOSE},
        {PAUSE, CANCEL, CLOSE},
        {START, CHECK, INSERT, CLOSE},
        {START, CHECK, CLOSE},
    ]
    assert "of at most 9" in seen[1][0]
    assert "Inserted" in seen[3][0]
    assert worker.cancels == 1


def test_what_is_missing_is_said_and_start_is_off(open_dialog, look, picture, scripted_worker):
    picture[0]._paths.clear()
    seen, then = look
    open_dialog(scripted_worker(), then(CLOSE))
    text, sensitive = seen[0]
    assert "no points yet" in text
    assert not sensitive[START]


def test_pairs_that_are_drawn_show(open_dialog, look, picture, scripted_worker):
    seen, then = look
    picture[0]._paths[0]._strokes.append(([(3.0, 4.0), (5.0, 5.0)], False))
    open_dialog(scripted_worker(), then(CLOSE))
    assert "2 pairs drawn" in seen[0][0]


def test_a_failure_is_said(open_dialog, look, client, scripted_worker):
    seen, then = look
    failed = [
        client.Failed("No bridge.", "Start one."),
        client.StateChanged(client.EditState.FAILED),
    ]
    open_dialog(scripted_worker(failed), START, then(CLOSE))
    assert "No bridge. Start one." in seen[0][0]


def test_pause_becomes_resume_and_back(open_dialog, look, client, scripted_worker, desk):
    _, then = look
    states = client.EditState.DRAGGING, client.EditState.PAUSED
    worker = scripted_worker(*([client.StateChanged(state)] for state in states))
    labels = []

    def press():
        labels.append(desk.dialogs[-1]._buttons[PAUSE]._name)
        return PAUSE

    open_dialog(worker, START, press, press, then(CLOSE))
    assert labels == ["_Pause", "_Resume"]
    assert worker.asked == [("pause",), ("resume",)]


def dragged(client, finished, **history):
    """The events of a drag that ends, and where the edit stands then."""
    return [client.HistoryChanged(client.HistoryState(**history)), *finished]


def test_a_drag_that_has_ended_is_gone_through(
    open_dialog, look, find, client, scripted_worker, finished
):
    seen, then = look
    worker = scripted_worker(
        dragged(client, finished, undo_depth=1), dragged(client, finished, redo_depth=1)
    )

    def undo():
        find("_Undo drag")._click()
        return then(PAUSE)()

    def redo():
        names = "_Drag on", "_Undo drag", "_Redo drag", "Amount", "Step"
        assert [name for name in names if find(name)._is_sensitive] == ["_Redo drag"]
        find("_Redo drag")._click()
        return CLOSE

    open_dialog(worker, START, undo, redo)
    assert worker.asked == [("undo",), ("redo",)]
    assert not seen[0][1][INSERT]


def test_the_slider_weakens_and_strengthens_and_shows_what_is(
    open_dialog, find, client, scripted_worker, finished
):
    worker = scripted_worker(
        dragged(client, finished, undo_depth=1),
        dragged(client, finished, undo_depth=1, amount=0.5),
    )
    values = []

    def slide():
        amount = find("Amount")
        for percent in (70, 40):
            amount.set_value(percent)
            assert amount._is_sensitive
        return PAUSE

    def look_at_it():
        values.append(find("Amount").get_value())
        return CLOSE

    open_dialog(worker, START, slide, look_at_it)
    assert worker.asked == [("show", 0.7), ("show", 0.4)]
    assert values == [50]


def test_a_drag_is_gone_through_step_by_step(open_dialog, find, client, scripted_worker, finished):
    worker = scripted_worker(
        dragged(client, finished, undo_depth=1, position=12, last_position=12),
        dragged(client, finished, undo_depth=1, position=5, last_position=12),
        dragged(client, finished, undo_depth=1, position=3, last_position=3),
    )
    texts = []

    def note():
        texts.append(find("Step")._text())

    def slide():
        note()
        find("Step").set_value(5)
        return PAUSE

    def look_on():
        note()
        return PAUSE

    open_dialog(worker, START, slide, look_on, look_on)
    assert worker.asked == [("show", 5)]
    assert texts == ["12 of 12", "5 of 12", "3 of 3"]


def test_a_drag_without_steps_has_none_to_go_through(
    open_dialog, find, client, scripted_worker, finished
):
    def look_at_it():
        assert find("Amount")._is_sensitive
        assert not find("Step")._is_sensitive
        return CLOSE

    open_dialog(scripted_worker(dragged(client, finished, undo_depth=1)), START, look_at_it)


def checked(client):
    """The events of a check that finds the drawn pair hard to follow."""
    pair = client.PointPair(client.Point(4, 5), client.Point(7.5, 6))
    hint = client.HandleHint(
        confidence=0.05,
        is_trackable=False,
        best_place_canvas=client.Point(6, 5),
        best_confidence=0.9,
    )
    found = client.HandlesChecked((pair,), (hint,))
    return [found, client.StateChanged(client.EditState.DONE)]


def test_points_are_looked_at_before_a_drag(open_dialog, look, progress, client, scripted_worker):
    seen, then = look
    shares = []
    worker = scripted_worker(checked(client))

    def look_at_it():
        shares.append(progress())
        return then(START)()

    open_dialog(worker, CHECK, look_at_it, CLOSE)
    assert "(4, 5) is hard to follow; one at (6, 5) would be easier" in seen[0][0]
    assert shares == [0.0]
    assert worker.requests == worker.checks


def test_points_of_an_open_edit_are_looked_at_where_it_stands(
    open_dialog, look, picture, client, scripted_worker, finished
):
    seen, then = look
    worker = scripted_worker(dragged(client, finished, undo_depth=1), [])

    def draw_another():
        picture[0]._paths[0]._strokes[:] = [([(5.0, 5.0), (7.0, 6.0)], False)]
        return CHECK

    open_dialog(worker, START, then(PAUSE), draw_another, then(CANCEL))
    ((name, pairs),) = worker.asked
    assert (name, pairs[0].handle) == ("check_on", client.Point(5.0, 5.0))
    assert worker.checks == []
    assert not seen[0][1][CHECK]  # those were just dragged


def test_a_check_keeps_what_can_be_inserted(
    open_dialog, picture, client, scripted_worker, finished
):
    worker = scripted_worker(
        dragged(client, finished, undo_depth=1), [client.StateChanged(client.EditState.DONE)]
    )

    def draw_another():
        picture[0]._paths[0]._strokes[:] = [([(5.0, 5.0), (7.0, 6.0)], False)]
        return PAUSE

    _, layer = open_dialog(worker, START, draw_another, CHECK, INSERT)
    assert picture[0].get_layers() == [layer, picture[1]]


def test_the_check_button_says_what_it_does_or_why_not(
    open_dialog, desk, picture, client, scripted_worker
):
    tips = []

    def note(response):
        tips.append(desk.dialogs[-1]._buttons[CHECK]._tooltip)
        return response

    def wipe():
        picture[0]._paths.clear()
        return note(PAUSE)

    open_dialog(scripted_worker(), wipe, lambda: note(CLOSE))
    assert tips[0] == client.CHECK_HINT
    assert "no points yet" in tips[1]


def test_other_pairs_are_dragged_on(open_dialog, picture, find, client, scripted_worker, finished):
    worker = scripted_worker(dragged(client, finished, undo_depth=1), [])

    def draw_another():
        assert not find("_Drag on")._is_sensitive
        picture[0]._paths[0]._strokes[:] = [([(5.0, 5.0), (7.0, 6.0)], False)]
        return PAUSE

    def drag_on():
        find("_Drag on")._click()
        return CLOSE

    open_dialog(worker, START, draw_another, drag_on)
    ((name, pairs, step_budget),) = worker.asked
    assert (name, step_budget) == ("drag_on", None)
    assert pairs[0].handle == client.Point(5.0, 5.0)


@pytest.mark.parametrize("state", ["INVERTING", "DRAGGING", "PAUSED"])
def test_a_running_drag_goes_on_with_what_is_drawn(
    open_dialog, look, picture, client, scripted_worker, state
):
    seen, then = look
    strokes = picture[0]._paths[0]._strokes
    worker = scripted_worker([client.StateChanged(client.EditState[state])])

    def draw_another():
        strokes.append(([(3.0, 4.0), (5.0, 5.0)], False))
        return PAUSE

    open_dialog(worker, START, draw_another, then(CANCEL))
    (pairs,) = [told[1] for told in worker.asked if told[0] == "set_pairs"]
    assert [pair.handle for pair in pairs] == [client.Point(4, 5), client.Point(3, 4)]
    assert "2 pairs drawn" in seen[0][0]


def lose_path(image):
    image._paths[0]._is_valid = False


def close_stroke(image):
    image._paths[0]._strokes.append(([(3.0, 4.0), (5.0, 5.0)], True))


def choose_no_path(image):
    image._paths.clear()


def close_image(image):
    image._is_valid = False


@pytest.mark.parametrize("act", [lose_path, close_stroke, choose_no_path, close_image])
def test_what_cannot_be_read_leaves_a_running_drag_as_it_is(
    open_dialog, picture, client, scripted_worker, act
):
    worker = scripted_worker([client.StateChanged(client.EditState.DRAGGING)])

    def meddle():
        act(picture[0])
        return PAUSE

    open_dialog(worker, START, meddle, CLOSE)
    assert worker.asked == [("pause",)]


def test_the_profile_that_was_chosen_is_sent_and_kept(open_dialog, find, client, scripted_worker):
    worker = scripted_worker()

    def choose():
        box = find("Reading")
        assert box.get_active_id() == "fast"
        box.set_active_id("instant")
        return START

    dialog, _ = open_dialog(worker, choose, CLOSE)
    assert worker.requests[0].profile is client.InversionProfile.INSTANT
    assert dialog.settings.profile is client.InversionProfile.INSTANT


def test_what_the_model_shall_see_is_what_is_sent_and_kept(
    open_dialog, find, client, scripted_worker, picture
):
    picture[0]._selection._pixels = bytes(16 * 5 + 4) + b"\xff" * 4 + bytes(16 * 12 - 16 * 5 - 8)
    worker = scripted_worker()

    def choose():
        box = find("Model sees")
        assert box.get_active_id() == "selection"
        box.set_active_id("layer")
        return START

    dialog, _ = open_dialog(worker, choose, CLOSE)
    assert worker.requests[0].window_canvas == client.Bounds(2, 2, 8, 8)
    assert worker.requests[0].mask.count(b"\xff") == 4
    assert dialog.settings.seen is client.Seen.LAYER


def test_pins_are_counted_apart(open_dialog, look, picture, scripted_worker):
    seen, then = look
    picture[0]._paths[0]._strokes.append(([(3.0, 4.0)], False))
    open_dialog(scripted_worker(), then(CLOSE))
    assert "1 pair and 1 pin drawn" in seen[0][0]


def test_an_image_closed_before_insert_is_said(
    open_dialog, look, picture, scripted_worker, finished
):
    seen, then = look

    def close_image():
        picture[0]._is_valid = False
        return INSERT

    _, layer = open_dialog(scripted_worker(finished), START, close_image, then(CLOSE))
    assert layer is None
    assert "closed" in seen[0][0]


def test_closing_leaves_no_timer(open_dialog, desk, scripted_worker):
    _, layer = open_dialog(scripted_worker(), CLOSE)
    assert layer is None
    assert desk.timers == {}
