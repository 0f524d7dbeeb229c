from pathlib import Path

import pytest

from draglayer_cli.hosts import Machine, find_gimp, find_krita, has_only_old_gimp


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def machine(home: Path, system: str = "linux", **environment: str) -> Machine:
    return Machine(system=system, home=home, environment={"PATH": "", **environment})


def put_program(home: Path, name: str) -> str:
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return str(folder)


def places(found):
    return [(each.variant, each.plugins) for each in found]


KRITA_PLACES = [
    ("linux", ".local/share/krita", "Linux package", ".config/kritarc"),
    ("linux", ".var/app/org.kde.krita/data/krita", "Flatpak", None),
    ("linux", "snap/krita/current/.local/share/krita", "Snap", None),
    ("win32", "AppData/Roaming/krita", "installer", "AppData/Local/kritarc"),
    (
        "win32",
        "AppData/Local/Packages/49800KritaProject.Krita_x/LocalCache/Roaming/krita",
        "Windows Store",
        None,
    ),
    ("darwin", "Library/Application Support/krita", "application", "Library/Preferences/kritarc"),
]


@pytest.mark.parametrize(("system", "resources", "variant", "settings"), KRITA_PLACES)
def test_krita_is_found_in_every_package(home, system, resources, variant, settings):
    (home / resources).mkdir(parents=True)
    found = find_krita(machine(home, system))
    assert places(found) == [(variant, home / resources / "pykrita")]
    if settings is not None:
        assert found[0].settings == home / settings


def test_a_krita_that_never_ran_is_found_by_its_program(home):
    path = put_program(home, "krita")
    (found,) = find_krita(machine(home, PATH=path))
    assert found.plugins == home / ".local/share/krita/pykrita"


def test_krita_goes_by_the_xdg_variables(home):
    (home / "data/krita").mkdir(parents=True)
    variables = {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
    (found,) = find_krita(machine(home, **variables))
    assert (found.plugins, found.settings) == (home / "data/krita/pykrita", home / "config/kritarc")


def test_a_resource_folder_that_was_moved_is_followed(home):
    (home / ".local/share/krita").mkdir(parents=True)
    (home / ".config").mkdir()
    (home / ".config/kritarc").write_text(f"ResourceDirectory={home}/art\n[python]\n")
    (found,) = find_krita(machine(home))
    assert found.plugins == home / "art/pykrita"


def test_a_sandbox_is_told_apart(home):
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    (found,) = find_krita(machine(home))
    assert found.is_sandboxed


def test_without_krita_nothing_is_found(home):
    assert find_krita(machine(home)) == []


GIMP_PLACES = [
    ("linux", ".config/GIMP/3.0", "Linux package, GIMP 3.0"),
    ("linux", ".var/app/org.gimp.GIMP/config/GIMP/3.2", "Flatpak, GIMP 3.2"),
    ("linux", "snap/gimp/current/.config/GIMP/3.0", "Snap, GIMP 3.0"),
    ("win32", "AppData/Roaming/GIMP/3.0", "installer, GIMP 3.0"),
    (
        "win32",
        "AppData/Local/Packages/GIMP.43237_x/LocalCache/Roaming/GIMP/3.0",
        "Windows Store, GIMP 3.0",
    ),
    ("darwin", "Library/Application Support/GIMP/3.0", "application, GIMP 3.0"),
]


@pytest.mark.parametrize(("system", "profile", "variant"), GIMP_PLACES)
def test_gimp_is_found_in_every_package(home, system, profile, variant):
    (home / profile).mkdir(parents=True)
    assert places(find_gimp(machine(home, system))) == [(variant, home / profile / "plug-ins")]


def test_every_stable_gimp_3_is_found_and_no_other(home):
    for version in ("2.10", "3.0", "3.1", "3.2", "4.0"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    versions = [each.plugins.parent.name for each in find_gimp(machine(home))]
    assert versions == ["3.0", "3.2"]


def test_gimps_own_variable_overrides_everything(home):
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    found = find_gimp(machine(home, GIMP3_DIRECTORY=str(home / "elsewhere")))
    assert places(found) == [("GIMP3_DIRECTORY", home / "elsewhere/plug-ins")]


def test_a_gimp_that_never_ran_is_found_by_its_program(home):
    path = put_program(home, "gimp-console-3.0")
    (found,) = find_gimp(machine(home, PATH=path))
    assert found.plugins == home / ".config/GIMP/3.0/plug-ins"


def test_gimp_goes_by_the_xdg_variable(home):
    (home / "config/GIMP/3.2").mkdir(parents=True)
    (found,) = find_gimp(machine(home, XDG_CONFIG_HOME=str(home / "config")))
    assert found.plugins == home / "config/GIMP/3.2/plug-ins"


def test_an_old_gimp_alone_is_recognised(home):
    (home / ".config/GIMP/2.10").mkdir(parents=True)
    assert find_gimp(machine(home)) == [] and has_only_old_gimp(machine(home))
    assert has_only_old_gimp(machine(home / "x", PATH=put_program(home, "gimp-2.10")))


def test_an_old_gimp_beside_a_new_one_does_not_matter(home):
    (home / ".config/GIMP/2.10").mkdir(parents=True)
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    assert not has_only_old_gimp(machine(home))
