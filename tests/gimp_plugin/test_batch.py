import pytest

from tests.fakes import gi as fake_gi

Gimp = fake_gi.NAMESPACES["Gimp"]


@pytest.fixture
def run(plugin, client, picture, desk):
    image, layer = picture
    settings = plugin("settings").Settings(
        points="",
        path=None,
        step_budget=None,
        profile=client.InversionProfile.FAST,
        model="default",
        seen=client.Seen.SELECTION,
    )

    def run_with(worker):
        edit = plugin("layer_edit").LayerEdit(image, [layer])
        return plugin("batch").run(edit, settings, worker)

    return run_with


def test_the_edit_runs_to_its_new_layer(run, client, picture, desk, scripted_worker, finished):
    worker = scripted_worker([], [client.InversionProgress(9, 10, 0.5)], finished)
    layer = run(worker)
    assert picture[0].get_layers()[0] is layer
    assert desk.progress == sorted(desk.progress)
    assert desk.progress[-1] == 1.0
    assert desk.timers == {}


def test_how_well_the_model_draws_the_picture_is_said(run, client, desk, scripted_worker, finished):
    match = client.Match(share=0.5, level=client.MatchLevel.POOR, sentence="It cannot.")
    run(scripted_worker([client.MatchMeasured(match)], finished))
    assert "It cannot." in desk.messages


def test_a_failed_edit_is_its_sentence_and_inserts_nothing(
    run, client, picture, desk, scripted_worker
):
    failed = [
        client.Failed("No bridge.", "Start one."),
        client.StateChanged(client.EditState.FAILED),
    ]
    with pytest.raises(client.ClientError, match="No bridge") as caught:
        run(scripted_worker(failed))
    assert caught.value.hint == "Start one."
    assert len(picture[0].get_layers()) == 1
    assert desk.timers == {}


def test_a_stroke_that_is_no_pair_is_said(run, picture, desk, scripted_worker, finished):
    picture[0]._paths[0]._strokes.append(([(1.0, 1.0), (2.0, 1.0)], True))
    run(scripted_worker(finished))
    assert any("leave them open" in text for text in desk.messages)


def test_nothing_is_sent_without_a_pair(run, client, picture, scripted_worker):
    picture[0]._paths.clear()
    worker = scripted_worker()
    with pytest.raises(client.ClientError, match="no points yet"):
        run(worker)
    assert worker.requests == []
