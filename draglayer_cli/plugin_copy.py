"""Copies a plug-in with the client in it into a host's folder, whole or not at all."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bridge_client
from bridge_client.launcher import LAUNCHER_FILE_NAME
from draglayer_cli.hosts import HostName

MANIFEST_NAME = "installed-by-draglayer.json"
_VENDOR = "_vendor"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", _VENDOR)


class InstallError(Exception):
    """The plug-in can't be put there; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginLayout:
    """How a host's plug-in is laid out below the host's plug-in folder."""

    folder: str
    package: str  # below the folder: the package that holds _vendor
    extra_files: tuple[str, ...] = ()  # beside the folder
    executable: str = ""


LAYOUTS: dict[HostName, PluginLayout] = {
    "krita": PluginLayout(
        folder="draglayer_krita", package=".", extra_files=("draglayer_krita.desktop",)
    ),
    "gimp": PluginLayout(folder="draglayer", package="draglayer_gimp", executable="draglayer.py"),
}


def plugin_source(host: HostName) -> Path:
    """The plug-in's files: within the wheel, or of the checkout that this module is part of.

    Raises:
        InstallError: Neither is there.
    """
    here = Path(__file__).parent
    for source in (here / "plugins" / host, here.parent / f"{host}_plugin"):
        if (source / LAYOUTS[host].folder).is_dir():
            return source
    raise InstallError("This installation of draglayer carries no plug-ins: install it again.")


def copy_plugin(host: HostName, plugins: Path, *, interpreter: str | None) -> Path:
    """Puts the plug-in into the host's folder, in place of an older one of ours.

    Args:
        host: Whose plug-in.
        plugins: The host's folder for plug-ins, made where it is missing.
        interpreter: What starts the bridge; None records none.

    Returns:
        The plug-in's folder.

    Raises:
        InstallError: Something that is not ours is in the way, or the folder can't be written.
    """
    layout, source = LAYOUTS[host], plugin_source(host)
    target = plugins / layout.folder
    _refuse_foreign(target)
    try:
        plugins.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that putting it in place is a rename; a leading dot hides it.
        with tempfile.TemporaryDirectory(prefix=".draglayer-", dir=plugins) as temporary:
            fresh = Path(temporary) / "new"
            _fill(fresh, source, layout, interpreter)
            _swap_in(fresh, target, Path(temporary) / "old")
            for name in layout.extra_files:
                shutil.copyfile(source / name, plugins / name)
    except OSError as error:
        reason = error.strerror or "it can't be written"
        raise InstallError(f"The plug-in can't be put into {plugins}: {reason}.") from error
    return target


def _refuse_foreign(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not (target / MANIFEST_NAME).is_file()):
        raise InstallError(
            f"{target} was not put there by `draglayer install`: move it away, then try again."
        )


def _swap_in(fresh: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _fill(fresh: Path, source: Path, layout: PluginLayout, interpreter: str | None) -> None:
    shutil.copytree(source / layout.folder, fresh, ignore=_LEFT_OUT)
    package = fresh / layout.package
    # The client that is imported here is the one that the bridge of this installation speaks to.
    client = Path(bridge_client.__file__).parent
    shutil.copytree(client, package / _VENDOR / client.name, ignore=_LEFT_OUT)
    if interpreter is not None:
        record = json.dumps({"interpreter": interpreter})
        (package / LAUNCHER_FILE_NAME).write_text(record, encoding="utf-8")
    if layout.executable:
        # GIMP leaves out, without a word, what is not executable; an unpacked wheel may not be.
        path = fresh / layout.executable
        path.chmod(path.stat().st_mode | 0o111)
    files = {path.relative_to(fresh).as_posix(): path for path in _files(fresh)}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    manifest = {"version": bridge_client.__version__, "sha256": digests}
    (fresh / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
