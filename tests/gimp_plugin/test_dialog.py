import pytest

START, CANCEL, INSERT, CLOSE = 1, 2, 3, -7


@pytest.fixture
def open_dialog(plugin, picture, desk):
    """Opens the dialog for an artist who does one thing after another, to its end."""
    image, layer = picture
    settings = plugin("settings").Settings(points="", path=None, step_budget=None, model="default")

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
    assert on == [{START, CLOSE}, {CANCEL, CLOSE}, {START, INSERT, CLOSE}, {START, CLOSE}]
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
