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


def test_the_profile_outlives_the_plug_in(plugin, application, settings):
    profiles = plugin("_vendor.bridge_client").InversionProfile
    assert settings.profile is profiles.FAST
    settings.profile = profiles.INSTANT
    assert plugin("settings").Settings(application).profile is profiles.INSTANT
    application.writeSetting("draglayer", "profile", "sluggish")
    assert settings.profile is profiles.FAST


def test_what_the_model_sees_outlives_the_plug_in(plugin, application, settings):
    seen = plugin("_vendor.bridge_client").Seen
    assert settings.seen is seen.SELECTION
    settings.seen = seen.LAYER
    assert plugin("settings").Settings(application).seen is seen.LAYER
    application.writeSetting("draglayer", "modelSees", "nothing")
    assert settings.seen is seen.SELECTION


@pytest.mark.parametrize("text", ["0", "-3", "1001", "many", "9" * 5000, "\u0663"])
def test_a_spoiled_setting_counts_as_none(application, settings, text):
    application.writeSetting("draglayer", "stepBudget", text)
    assert settings.step_budget is None
