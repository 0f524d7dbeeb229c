"""Puts bridge_client into the plug-ins: a link for development, a copy or a ZIP for a release.

    python tools/stage_plugins.py --link           bridge_client appears in the checkout's plug-ins
    python tools/stage_plugins.py --copy FOLDER    FOLDER/krita and FOLDER/gimp, complete
    python tools/stage_plugins.py --zip FOLDER     one ZIP for each host, as a person installs it

The wheel's build hook (`hatch_build.py`) takes the list of files from here, so what a wheel carries
and what this script makes are the same.
"""

import argparse
import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
CLIENT = "bridge_client"
VENDOR = "_vendor"
_LEFT_OUT = ("__pycache__", VENDOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One host's plug-in: its folder in the checkout, and the package that uses the client."""

    source: str
    package: str


PLUGINS = {
    "krita": Plugin(source="krita_plugin", package="draglayer_krita"),
    "gimp": Plugin(source="gimp_plugin", package="draglayer/draglayer_gimp"),
}


def plugin_files(root: Path, host: str) -> dict[PurePosixPath, Path]:
    """The staged plug-in's files: place in the host's plug-in folder → file of the checkout."""
    plugin = PLUGINS[host]
    files = _files_below(root / plugin.source)
    vendored = PurePosixPath(plugin.package) / VENDOR / CLIENT
    client = {vendored / place: path for place, path in _files_below(root / CLIENT).items()}
    return {**files, **client}


def _files_below(folder: Path) -> dict[PurePosixPath, Path]:
    return {
        PurePosixPath(path.relative_to(folder).as_posix()): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in _LEFT_OUT for part in path.relative_to(folder).parts)
    }


def copy_plugin(root: Path, host: str, target: Path) -> None:
    """Writes the staged plug-in into the folder, which is made anew."""
    if target.exists():
        shutil.rmtree(target)
    for place, path in plugin_files(root, host).items():
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        # With its mode: GIMP runs only what is executable.
        shutil.copy(path, target / place)


def link_client(root: Path, host: str) -> None:
    """Links the client into the checkout's own plug-in; git ignores the link."""
    plugin = PLUGINS[host]
    vendor = root / plugin.source / plugin.package / VENDOR
    vendor.mkdir(exist_ok=True)
    link = vendor / CLIENT
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)
    link.symlink_to(os.path.relpath(root / CLIENT, vendor), target_is_directory=True)


def zip_plugin(root: Path, host: str, path: Path) -> None:
    """Writes the staged plug-in as a ZIP."""
    files = plugin_files(root, host)
    folders = {parent for place in files for parent in place.parents if parent.name}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        # Krita 5.1 refuses a plug-in ZIP without entries for its folders.
        for folder in sorted(folders):
            archive.mkdir(folder.as_posix())
        for place, source in files.items():
            archive.write(source, place.as_posix())


def main(arguments: list[str]) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(description="Put bridge_client into the plug-ins.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--link", action="store_true", help="link it into the checkout")
    action.add_argument("--copy", type=Path, metavar="FOLDER", help="write whole plug-ins there")
    action.add_argument("--zip", type=Path, metavar="FOLDER", help="write one ZIP for each host")
    chosen = parser.parse_args(arguments)
    for host in PLUGINS:
        if chosen.link:
            link_client(ROOT, host)
        elif chosen.copy:
            copy_plugin(ROOT, host, chosen.copy / host)
        else:
            zip_plugin(ROOT, host, chosen.zip / f"draglayer-{host}.zip")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
