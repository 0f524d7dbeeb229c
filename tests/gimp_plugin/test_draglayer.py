from tests.fakes import gi as fake_gi

Gimp = fake_gi.NAMESPACES["Gimp"]
SCRIPT = Gimp.RunMode.NONINTERACTIVE


def run(plugin, image, drawables, config=None):
    return plugin("draglayer").run(Gimp.Procedure(), SCRIPT, image, drawables, config, None)


def test_what_a_person_can_mend_is_an_error_with_its_sentence(plugin, desk):
    status, error = run(plugin, None, [])
    assert status is Gimp.PDBStatusType.EXECUTION_ERROR
    assert str(error).startswith("No image is open")


def test_our_own_mistake_is_an_error_too_and_its_traceback_is_printed(
    plugin, desk, picture, capsys
):
    image, layer = picture
    status, error = run(plugin, image, [layer], config=None)
    assert status is Gimp.PDBStatusType.EXECUTION_ERROR
    assert "failed" in str(error)
    assert "AttributeError" in capsys.readouterr().err


def test_a_run_gives_its_layer_back(plugin, picture):
    _, layer = picture
    status, given = plugin("draglayer").succeeded(Gimp.Procedure(), layer)
    assert status is Gimp.PDBStatusType.SUCCESS
    assert given is layer
