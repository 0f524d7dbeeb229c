"""The plug-in's settings in Krita's store."""

import pytest

from tests.fakes import krita


@pytest.fixture
def application():
    """A Krita of its own."""
    return krita.Krita()


@pytest.fixture
def settings(plugin, application):
    """Settings in its store."""
    return plugin("settings").Settings(application)


def test_without_a_setting_the_engine_decides(settings):
    assert settings.step_budget is None


def test_a_setting_outlives_the_plug_in(plugin, application, settings):
    settings.step_budget = 40
    assert plugin("settings").Settings(application).step_budget == 40
    settings.step_budget = None
    assert plugin("settings").Settings(application).step_budget is None


@pytest.mark.parametrize(
    ("name", "key", "kind", "default", "chosen"),
    [
        ("profile", "profile", "InversionProfile", "fast", "instant"),
        ("seen", "modelSees", "Seen", "selection", "layer"),
    ],
)
def test_a_choice_outlives_the_plug_in(
    plugin, application, settings, name, key, kind, default, chosen
):
    choices = getattr(plugin("_vendor.bridge_client"), kind)
    assert getattr(settings, name) is choices(default)
    setattr(settings, name, choices(chosen))
    assert getattr(plugin("settings").Settings(application), name) is choices(chosen)
    application.writeSetting("draglayer", key, "sluggish")
    assert getattr(settings, name) is choices(default)


@pytest.mark.parametrize("text", ["0", "-3", "1001", "many", "9" * 5000, "\u0663"])
def test_a_spoiled_setting_counts_as_none(application, settings, text):
    application.writeSetting("draglayer", "stepBudget", text)
    assert settings.step_budget is None
