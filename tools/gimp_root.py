#!/usr/bin/env python3
"""Build a Debian 13 folder with GIMP 3.0 in it, and run programs inside.

Debian 12 has GIMP 2.10 without Python, so the tests of the GIMP plug-in bring a newer system
along: one folder, made by mmdebstrap from the Debian mirror that this machine's apt is configured
for. Nothing stays mounted and nothing of the machine itself is changed. Root rights are needed.

    gimp_root.py build          make it, unless it is there; prints the folder
    gimp_root.py path           print the folder
    gimp_root.py run [--bind FOLDER]... [--env NAME=VALUE]... -- COMMAND...

The folder lies under $DRAGLAYER_GIMP_CACHE, else under $XDG_CACHE_HOME/draglayer.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
# What the suite's GIMP depends on comes along; nothing else is needed: the X server, the window
# manager and the mouse are the host's, which the root shares by its network namespace.
PACKAGES = ("gimp",)

# proc and an empty /tmp are mounted for the programs; every bind keeps its path, so that one string
# names a file on both sides. All mounts live in a private namespace: they end with the command, and
# a later `rm -r` of the root can never reach the machine's own folders.
ENTER = """
root=$1; shift
mount -t proc proc "$root/proc"
mount -t tmpfs tmp "$root/tmp"
while [ "$1" != -- ]; do
    mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift
done
shift
exec chroot "$root" "$@"
"""


class RootError(Exception):
    """The root cannot be had; the message is one sentence for a person."""


def cache_folder() -> Path:
    """Folder that holds the root: ours by environment variable, else the user's cache."""
    named = os.environ.get("DRAGLAYER_GIMP_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "draglayer"


def root_folder() -> Path:
    """Where the finished root lies, or will lie."""
    return cache_folder() / f"gimp-{SUITE}"


def debian_mirror() -> str:
    """Address of the Debian archive in this machine's own apt sources.

    Raises:
        RootError: apt has no Debian source, for example on another distribution.
    """
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(RELEASE)|$(REPO_URI)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in listed.splitlines():
        origin, release, address = line.split("|", 2)
        # bookworm, not bookworm-security: the security archive has its own tree.
        if origin == "Debian" and "-" not in release:
            return address
    raise RootError("apt has no Debian source here; run `apt-get update`, or add one.")


def host_acquire_settings() -> str:
    """How this machine's apt fetches (proxy, certificates, date checks), as an apt.conf text."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    return "".join(
        f"{line}\n"
        for line in dump.splitlines()
        if line.startswith("Acquire::") and not line.startswith("Acquire::IndexTargets")
    )


def check_machine() -> None:
    """Say in one sentence what keeps this machine from building or entering the root."""
    if os.geteuid() != 0:
        raise RootError("GIMP's root needs root rights (mount, chroot); this user has none.")
    for tool in ("unshare", "chroot", "mount"):
        if shutil.which(tool) is None:
            raise RootError(f"GIMP's root needs the program {tool}, which is not installed.")


def mmdebstrap_command(target: Path, apt_conf: Path) -> list[str]:
    """The one command that makes the root: apt's variant, no documentation, no translations."""
    return [
        *("unshare", "--mount", "--propagation", "private"),
        *("mmdebstrap", "--mode=root", "--variant=apt", "--skip=check/qemu"),
        f"--aptopt={apt_conf}",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(target),
        debian_mirror(),
    ]


@contextmanager
def exclusive(cache: Path) -> Iterator[None]:
    """Let one builder work at a time; a second one waits and then finds the root ready."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "gimp-root.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build() -> Path:
    """Make the root unless it is there, and give its folder.

    It is built under another name and renamed when complete: a folder with the final name is a
    whole root, however an earlier build ended.
    """
    check_machine()
    root = root_folder()
    with exclusive(root.parent):
        if root.is_dir():
            return root
        if shutil.which("mmdebstrap") is None:
            raise RootError("GIMP's root is built by mmdebstrap, which is not installed.")
        for stale in root.parent.glob("building-*"):
            # Of a build that was killed: we hold the lock, so nobody works there.
            shutil.rmtree(stale, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix="building-", dir=root.parent))
        try:
            apt_conf = work / "host-apt.conf"
            apt_conf.write_text(host_acquire_settings())
            made = work / "root"
            # stdout is kept for the folder's name: a caller reads it.
            done = subprocess.run(mmdebstrap_command(made, apt_conf), stdout=sys.stderr)
            if done.returncode != 0:
                raise RootError(f"mmdebstrap failed ({done.returncode}); its own words are above.")
            made.rename(root)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return root


def enter_command(binds: list[str], settings: list[str], command: list[str]) -> list[str]:
    """The command line that runs `command` inside the root with nothing of our environment."""
    return [
        *("unshare", "--mount", "--propagation", "private"),
        *("sh", "-e", "-c", ENTER, "sh", str(root_folder())),
        *(str(Path(folder).absolute()) for folder in binds),
        "--",
        *("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", *settings),
        *command,
    ]


def parse_arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("build", help="make the root unless it is there; prints its folder")
    actions.add_parser("path", help="print the root's folder")
    run = actions.add_parser("run", help="run a command inside the root")
    run.add_argument("--bind", action="append", default=[], help="folder seen inside, same path")
    run.add_argument("--env", action="append", default=[], help="NAME=VALUE for the command")
    run.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Do what the command line says; 2 and one sentence when it cannot be done."""
    arguments = parse_arguments(words)
    try:
        if arguments.action == "run":
            command = [word for word in arguments.command[:1] if word != "--"]
            command += arguments.command[1:]
            build()
            line = enter_command(arguments.bind, arguments.env, command)
            # The command takes this process's place: its exit code and signals are the caller's.
            os.execvp(line[0], line)
        root = build() if arguments.action == "build" else root_folder()
    except RootError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write(f"{root}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
