import pytest

START, CANCEL, INSERT, PAUSE, CLOSE = 1, 2, 3, 4, -7


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


@pytest.fixture
def look(desk):
    """Notes what the dialog shows before the artist's next act."""
    seen = []

    def look_then(response):
        def act():
            window = desk.dialogs[-1]
            texts = [getattr(child, "_text", "") for child in window._box._children]
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
    assert on == [{START, CLOSE}, {PAUSE, CANCEL, CLOSE}, {START, INSERT, CLOSE}, {START, CLOSE}]
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


@pytest.fixture
def history_widgets(desk):
    """The open dialog's widgets that go on from a drag: drag on, undo, redo, amount."""

    def find():
        box = desk.dialogs[-1]._box
        _, amount = box._children[-3]._children
        return *box._children[-4]._children, amount

    return find


@pytest.fixture
def choices(desk):
    """The open dialog's boxes: what the model sees, and how long reading it may take."""
    return lambda: [row._children[1] for row in desk.dialogs[-1]._box._children[-2:]]


def dragged(client, finished, **history):
    """The events of a drag that ends, and where the edit stands then."""
    return [client.HistoryChanged(client.HistoryState(**history)), *finished]


def test_a_drag_that_has_ended_is_gone_through(
    open_dialog, look, history_widgets, client, scripted_worker, finished
):
    seen, then = look
    worker = scripted_worker(
        dragged(client, finished, undo_depth=1), dragged(client, finished, redo_depth=1)
    )

    def undo():
        history_widgets()[1]._click()
        return then(PAUSE)()

    def redo():
        assert [widget._is_sensitive for widget in history_widgets()] == [False, False, True, False]
        history_widgets()[2]._click()
        return CLOSE

    open_dialog(worker, START, undo, redo)
    assert worker.asked == [("undo",), ("redo",)]
    assert not seen[0][1][INSERT]


def test_the_slider_weakens_and_strengthens_and_shows_what_is(
    open_dialog, history_widgets, client, scripted_worker, finished
):
    worker = scripted_worker(
        dragged(client, finished, undo_depth=1),
        dragged(client, finished, undo_depth=1, amount=0.5),
    )
    values = []

    def slide():
        amount = history_widgets()[3]
        for percent in (70, 40):
            amount.set_value(percent)
            assert amount._is_sensitive
        return PAUSE

    def look_at_it():
        values.append(history_widgets()[3].get_value())
        return CLOSE

    open_dialog(worker, START, slide, look_at_it)
    assert worker.asked == [("show", 0.7), ("show", 0.4)]
    assert values == [50]


def test_other_pairs_are_dragged_on(
    open_dialog, picture, history_widgets, client, scripted_worker, finished
):
    worker = scripted_worker(dragged(client, finished, undo_depth=1), [])

    def draw_another():
        assert not history_widgets()[0]._is_sensitive
        picture[0]._paths[0]._strokes[:] = [([(5.0, 5.0), (7.0, 6.0)], False)]
        return PAUSE

    def drag_on():
        history_widgets()[0]._click()
        return CLOSE

    open_dialog(worker, START, draw_another, drag_on)
    ((name, pairs, step_budget),) = worker.asked
    assert (name, step_budget) == ("drag_on", None)
    assert pairs[0].handle == client.Point(5.0, 5.0)


def test_the_profile_that_was_chosen_is_sent_and_kept(
    open_dialog, choices, client, scripted_worker
):
    worker = scripted_worker()

    def choose():
        _, box = choices()
        assert box.get_active_id() == "fast"
        box.set_active_id("instant")
        return START

    dialog, _ = open_dialog(worker, choose, CLOSE)
    assert worker.requests[0].profile is client.InversionProfile.INSTANT
    assert dialog.settings.profile is client.InversionProfile.INSTANT


def test_what_the_model_shall_see_is_what_is_sent_and_kept(
    open_dialog, choices, client, scripted_worker, picture
):
    picture[0]._selection._pixels = bytes(16 * 5 + 4) + b"\xff" * 4 + bytes(16 * 12 - 16 * 5 - 8)
    worker = scripted_worker()

    def choose():
        box, _ = choices()
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
