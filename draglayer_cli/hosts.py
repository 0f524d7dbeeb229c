"""Where Krita and GIMP keep the plug-ins of this user, on each system and in each kind of package.

Sources: Krita's manual on resource folders, GIMP's gimpenv.c, and the packages' manifests.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from draglayer_cli.kritarc import read_resource_folder

HostName = Literal["krita", "gimp"]

SANDBOX_WARNING = (
    "This program runs in a sandbox, where the plug-in can't start the bridge and may not find it: "
    "start `draglayer serve` first, or use another package of the program."
)

_GIMP_VERSION = re.compile(r"3\.(\d+)", re.ASCII)
_GIMP_PROGRAM = re.compile(r"gimp(?:-console)?-(\d+\.\d+)(?:\.exe)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the search goes by; a parameter, so that each system can be tested on any other."""

    system: str  # as sys.platform
    home: Path
    environment: Mapping[str, str]

    def folder(self, variable: str, *default: str) -> Path:
        """The folder that the variable names, or the default below the home folder."""
        return Path(self.environment.get(variable) or self.home.joinpath(*default))

    def program_names(self) -> Iterator[str]:
        """File names in the folders of PATH."""
        for entry in self.environment.get("PATH", "").split(":" if self.is_posix else ";"):
            folder = Path(entry)
            if entry and folder.is_dir():
                yield from (path.name for path in folder.iterdir())

    def has_program(self, name: str) -> bool:
        """Whether PATH leads to the program."""
        return shutil.which(name, path=self.environment.get("PATH", "")) is not None

    @property
    def is_posix(self) -> bool:
        """Whether folders and rights are those of Unix."""
        return self.system != "win32"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFolder:
    """One place where a host of this user looks for plug-ins."""

    host: HostName
    variant: str
    plugins: Path  # pykrita/ or plug-ins/; may not exist yet
    settings: Path | None = None  # kritarc
    is_sandboxed: bool = False


def find_krita(machine: Machine) -> list[HostFolder]:
    """Krita's folders of this user, of every package that is there."""
    return [
        _krita_folder(variant, resources, settings)
        for variant, resources, settings, is_there in _krita_places(machine)
        if is_there or resources.is_dir()
    ]


def _krita_folder(variant: str, resources: Path, settings: Path) -> HostFolder:
    # The resource folder can be moved in Krita's own settings.
    moved = read_resource_folder(settings)
    return HostFolder(
        host="krita",
        variant=variant,
        plugins=(moved or resources) / "pykrita",
        settings=settings,
        is_sandboxed=variant in ("Flatpak", "Snap"),
    )


def _krita_places(machine: Machine) -> Iterator[tuple[str, Path, Path, bool]]:
    home, has_krita = machine.home, machine.has_program("krita")
    if machine.system == "win32":
        local = machine.folder("LOCALAPPDATA", "AppData", "Local")
        roaming = machine.folder("APPDATA", "AppData", "Roaming")
        yield "installer", roaming / "krita", local / "kritarc", has_krita
        for package in sorted(local.glob("Packages/49800Krita*")):
            cache = package / "LocalCache"
            yield "Windows Store", cache / "Roaming/krita", cache / "Local/kritarc", True
    elif machine.system == "darwin":
        library = home / "Library"
        application = Path("/Applications/krita.app").is_dir()
        resources = library / "Application Support/krita"
        yield "application", resources, library / "Preferences/kritarc", application
    else:
        data = machine.folder("XDG_DATA_HOME", ".local", "share")
        config = machine.folder("XDG_CONFIG_HOME", ".config")
        yield "Linux package", data / "krita", config / "kritarc", has_krita
        flatpak = home / ".var/app/org.kde.krita"
        yield "Flatpak", flatpak / "data/krita", flatpak / "config/kritarc", flatpak.is_dir()
        snap = home / "snap/krita/current"
        yield "Snap", snap / ".local/share/krita", snap / ".config/kritarc", snap.is_dir()


def find_gimp(machine: Machine) -> list[HostFolder]:
    """GIMP 3's folders of this user: every stable 3.x that is there, of every package."""
    if machine.environment.get("GIMP3_DIRECTORY"):
        # GIMP itself looks nowhere else then.
        plugins = Path(machine.environment["GIMP3_DIRECTORY"]) / "plug-ins"
        return [HostFolder(host="gimp", variant="GIMP3_DIRECTORY", plugins=plugins)]
    found: dict[Path, HostFolder] = {}
    for variant, base in _gimp_places(machine):
        # Sandboxes can show the same folder under two names.
        for profile in sorted(base.glob("3.*")) if base.is_dir() else []:
            if _is_stable_gimp(profile.name):
                found[profile.resolve()] = _gimp_folder(variant, profile)
    if not found and machine.is_posix and machine.system != "darwin":
        base = machine.folder("XDG_CONFIG_HOME", ".config") / "GIMP"
        versions = sorted(filter(_is_stable_gimp, _gimp_versions(machine)), key=_minor)
        found = {base / each: _gimp_folder("Linux package", base / each) for each in versions}
    return list(found.values())


def has_only_old_gimp(machine: Machine) -> bool:
    """Whether GIMP 2 is all there is; its Python, where it has one, is version 2."""
    has_profile = any(any(base.glob("2.*")) for _, base in _gimp_places(machine) if base.is_dir())
    has_program = any(version.startswith("2.") for version in _gimp_versions(machine))
    return (has_profile or has_program) and not find_gimp(machine)


def _gimp_places(machine: Machine) -> Iterator[tuple[str, Path]]:
    home = machine.home
    if machine.system == "win32":
        yield "installer", machine.folder("APPDATA", "AppData", "Roaming") / "GIMP"
        local = machine.folder("LOCALAPPDATA", "AppData", "Local")
        for package in sorted(local.glob("Packages/GIMP.43237*")):
            yield "Windows Store", package / "LocalCache/Roaming/GIMP"
    elif machine.system == "darwin":
        yield "application", home / "Library/Application Support/GIMP"
    else:
        yield "Linux package", machine.folder("XDG_CONFIG_HOME", ".config") / "GIMP"
        yield "Flatpak", home / ".var/app/org.gimp.GIMP/config/GIMP"
        yield "Snap", home / "snap/gimp/current/.config/GIMP"


def _gimp_folder(variant: str, profile: Path) -> HostFolder:
    return HostFolder(
        host="gimp",
        variant=f"{variant}, GIMP {profile.name}",
        plugins=profile / "plug-ins",
        is_sandboxed=variant in ("Flatpak", "Snap"),
    )


def _gimp_versions(machine: Machine) -> set[str]:
    matches = (_GIMP_PROGRAM.fullmatch(name) for name in machine.program_names())
    return {match[1] for match in matches if match}


def _is_stable_gimp(version: str) -> bool:
    # GIMP's odd minor versions are steps on the way to the next even one.
    match = _GIMP_VERSION.fullmatch(version)
    return match is not None and int(match[1]) % 2 == 0


def _minor(version: str) -> int:
    return int(version.split(".")[1])
