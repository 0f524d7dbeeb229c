import pytest

from tests.fakes import gi as fake_gi


@pytest.fixture
def slider(plugin):
    """A slider from 0 to 12 that stands at 7, and what it has asked for."""
    asked = []
    made = plugin("widgets").Slider(12, lambda number, most: f"{number} of {most}", asked.append)
    made.show(7, 12)
    return made, asked


def test_a_hand_on_the_slider_asks_once_for_each_number(slider):
    made, asked = slider
    for value in (7.3, 6.8, 6.2, 5.0):
        made.scale.set_value(value)
    assert asked == [6, 5]


def test_what_is_shown_does_not_ask(slider):
    made, asked = slider
    made.show(2, 5)  # the shorter range alone would move it to 5
    assert (made.scale.get_value(), asked) == (2, [])


def test_a_number_is_read_with_the_one_at_the_end(slider):
    made, _ = slider
    made.show(2, 5)
    assert made.scale._text() == "2 of 5"


def test_a_hand_that_comes_back_to_what_is_shown_asks_for_it_again(slider):
    made, asked = slider
    made.scale.set_value(3)
    made.scale.set_value(7)
    assert asked == [3, 7]


def test_a_tip_that_stays_is_set_once(plugin):
    button = fake_gi.NAMESPACES["Gtk"].Button()
    for text in ("", "Why not.", "Why not.", "", ""):
        plugin("widgets").set_tip(button, text)
    assert (button.get_tooltip_text(), button._tooltips_set) == (None, 2)
