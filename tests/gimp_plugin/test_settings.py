from dataclasses import replace

import pytest

from tests.fakes import gi as fake_gi

Gimp = fake_gi.NAMESPACES["Gimp"]


def config(**values):
    return Gimp.ProcedureConfig(
        {
            "path": None,
            "points": "",
            "step-budget": 0,
            "profile": "fast",
            "model": "",
            "model-sees": "selection",
        }
        | values
    )


def test_points_are_pairs_of_canvas_px(plugin, client):
    (pair,) = plugin("settings").parse_points(" [[1, 2.5, 3, 4]] ")
    assert pair == client.PointPair(client.Point(1, 2.5), client.Point(3, 4))


@pytest.mark.parametrize(
    "text",
    ["no", "3", "null", "[1, 2]", "[[1, 2, 3]]", "[[1, 2, 3, 4, 5]]", '[["a", 1, 2, 3]]', "{}x"]
    + ["[[NaN, 1, 2, 3]]", "[[1e99, 1, 2, 3]]", "[[true, 1, 2, 3]]", "[" * 100_000],
)
def test_other_points_are_told_the_form(plugin, client, text):
    with pytest.raises(client.ClientError, match="four numbers") as caught:
        plugin("settings").parse_points(text)
    assert plugin("settings").POINTS_FORM in caught.value.hint


def test_points_win_over_the_named_path_and_that_over_the_selected_one(plugin, picture):
    image, _ = picture
    named = Gimp.Path([([(0.0, 0.0), (9.0, 9.0)], False)])
    read = plugin("settings").read
    by_points = read(config(points="[[1, 1, 2, 2]]", path=named)).drawn_pairs(image).pairs
    by_name = read(config(path=named)).drawn_pairs(image).pairs
    selected = read(config()).drawn_pairs(image).pairs
    assert [pairs[0].target.x for pairs in (by_points, by_name, selected)] == [2, 9.0, 7.5]


def test_what_is_not_said_is_the_engines_choice(plugin):
    read = plugin("settings").read(config())
    assert (read.step_budget, read.model) == (None, "default")
    assert plugin("settings").read(config(**{"step-budget": 7})).step_budget == 7


def test_what_was_chosen_in_the_dialog_is_there_for_the_next_run(plugin, client):
    settings, chosen = plugin("settings"), client.InversionProfile.BALANCED
    seen, kept = client.Seen.LAYER, config()
    settings.remember(replace(settings.read(kept), profile=chosen, seen=seen), kept)
    assert (settings.read(kept).profile, settings.read(kept).seen) == (chosen, seen)
