"""What `draglayer doctor` looks at in Krita and GIMP: is the plug-in there, whole and able?"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import bridge_client
from bridge_client.json_codec import JsonMismatch, from_json
from bridge_client.launcher import LAUNCHER_FILE_NAME, LauncherRecord
from draglayer_cli.findings import Finding
from draglayer_cli.hosts import HostFolder, HostName, Machine, has_only_old_gimp
from draglayer_cli.install import FINDERS, PROBE_TIMEOUT_S, PROGRAM_NAMES
from draglayer_cli.kritarc import is_plugin_enabled
from draglayer_cli.plugin_copy import LAYOUTS, find_damage

_VERSION_CODE = "import bridge_client, bridge_server; print(bridge_client.__version__)"


def check_hosts(machine: Machine) -> Iterator[Finding]:
    """Looks at every folder in which this user's programs look for plug-ins."""
    installed = 0
    for host, find in FINDERS.items():
        try:
            folders = find(machine)
        except OSError as error:
            text = f"{PROGRAM_NAMES[host]}'s folders can't be read: {error.strerror}."
            yield Finding("wrong", text, "Give yourself the right to read them.")
            continue
        if not folders:
            yield _no_host(host, machine)
        for folder in folders:
            findings = list(_check_folder(folder))
            installed += len(findings) > 1 or findings[0].verdict != "note"
            yield from findings
    if not installed:
        advice = "Type `draglayer install krita` or `draglayer install gimp`."
        yield Finding("wrong", "The plug-in is in none of your programs.", advice)


def _no_host(host: HostName, machine: Machine) -> Finding:
    if host == "gimp" and has_only_old_gimp(machine):
        return Finding("note", "There is only GIMP 2 here; draglayer needs GIMP 3.0 or later.")
    return Finding("note", f"{PROGRAM_NAMES[host]} was not found for this user.")


def _check_folder(folder: HostFolder) -> Iterator[Finding]:
    name = f"{PROGRAM_NAMES[folder.host]} ({folder.variant})"
    again = f"Type `draglayer install {folder.host}`."
    damage = find_damage(folder.host, folder.plugins)
    if damage is None:
        yield Finding("note", f"{name} does not have the plug-in.", again)
        return
    if damage:
        yield Finding("wrong", f"The plug-in of {name} {damage}.", again)
        return
    yield Finding("ok", f"{name} has the plug-in of this version, unchanged.")
    if folder.is_sandboxed:
        yield Finding("note", f"{name} runs in a sandbox.", "Start `draglayer serve` first.")
    else:
        yield _starter(folder, name, again)
    if folder.settings is not None:
        yield _ticked(folder.settings, name)


def _starter(folder: HostFolder, name: str, again: str) -> Finding:
    layout = LAYOUTS[folder.host]
    recorded = folder.plugins / layout.folder / layout.package / LAUNCHER_FILE_NAME
    try:
        interpreter = from_json(recorded.read_bytes(), LauncherRecord).interpreter
    except (OSError, JsonMismatch):
        advice = f"Start `draglayer serve` before you drag. Or: {again}"
        return Finding("note", f"The plug-in of {name} can't start the bridge by itself.", advice)
    version = _installed_version(interpreter)
    if version != bridge_client.__version__:
        text = f"The Python that {name}'s plug-in starts the bridge with has no draglayer of"
        return Finding("wrong", f"{text} version {bridge_client.__version__}.", again)
    return Finding("ok", f"The plug-in of {name} can start the bridge.")


def _installed_version(interpreter: str) -> str:
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", _VERSION_CODE],
            cwd=Path(interpreter).parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _ticked(settings: Path, name: str) -> Finding:
    if is_plugin_enabled(settings, LAYOUTS["krita"].folder):
        return Finding("ok", f"The plug-in is ticked in {name}.")
    advice = "Tick Draglayer in Settings > Configure Krita > Python Plugin Manager; restart Krita."
    return Finding("wrong", f"The plug-in is not ticked in {name}.", advice)
