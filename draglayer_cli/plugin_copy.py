"""Copies a plug-in with the client in it into a host's folder, whole or not at all."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import bridge_client
from bridge_client.json_codec import from_json
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `draglayer install` put into a plug-in's folder."""

    version: str
    sha256: dict[str, str]  # path below the folder, with slashes → digest of the content


def read_manifest(target: Path) -> Manifest:
    """The manifest in a plug-in's folder.

    Raises:
        OSError: It can't be read.
        ValueError: It is no manifest, or names files that are not below the folder.
    """
    manifest = from_json((target / MANIFEST_NAME).read_bytes(), Manifest)
    home = target.resolve()
    for name in manifest.sha256:
        # The parent, because a file that is a link is a listed file like any other.
        if home not in ((target / name).parent.resolve() / "x").parents or ".." in Path(name).parts:
            raise ValueError(f"{name} is not below the plug-in's folder")
    return manifest


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


def remove_plugin(host: HostName, plugins: Path) -> list[Path] | None:
    """Takes the plug-in out of the host's folder: only files that the manifest lists.

    Args:
        host: Whose plug-in.
        plugins: The host's folder for plug-ins.

    Returns:
        What was left because somebody else put it there; None where no plug-in of ours is.

    Raises:
        InstallError: The plug-in is not ours, or can't be removed.
    """
    layout, target = LAYOUTS[host], plugins / LAYOUTS[host].folder
    if not target.exists() and not target.is_symlink():
        return None
    _refuse_foreign(target)
    try:
        listed = [target / name for name in (*read_manifest(target).sha256, MANIFEST_NAME)]
        for path in [*listed, *target.rglob("__pycache__/*.pyc")]:
            path.unlink(missing_ok=True)
        for name in layout.extra_files:
            (plugins / name).unlink(missing_ok=True)
        folders = [target, *(path for path in target.rglob("*") if path.is_dir())]
        for folder in sorted(folders, reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
    except ValueError as error:
        raise InstallError(f"{target} has a damaged list of files: remove it by hand.") from error
    except OSError as error:
        reason = error.strerror or "it can't be written"
        raise InstallError(f"The plug-in can't be taken out of {plugins}: {reason}.") from error
    return _files(target)


def find_damage(host: HostName, plugins: Path) -> str | None:
    """What is wrong with the plug-in in this folder, as the end of a sentence; "" where it is as
    `copy_plugin` made it from this installation, None where it is not installed."""
    target = plugins / LAYOUTS[host].folder
    if not (target / MANIFEST_NAME).is_file():
        return None
    try:
        manifest = read_manifest(target)
        if manifest.version != bridge_client.__version__:
            return f"is of version {manifest.version}, not {bridge_client.__version__}"
        for name, digest in manifest.sha256.items():
            if hashlib.sha256((target / name).read_bytes()).hexdigest() != digest:
                return f"has a changed file ({name})"
    except (OSError, ValueError) as error:
        return f"has a file that is missing or can't be read ({type(error).__name__})"
    return ""


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
    manifest = Manifest(version=bridge_client.__version__, sha256=digests)
    text = json.dumps(asdict(manifest), indent=1)
    (fresh / MANIFEST_NAME).write_text(text, encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
