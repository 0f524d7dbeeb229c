"""bridge.json: where a running bridge is found. Both ends take folder and name from here.

The folder is the user's runtime folder as platformdirs gives it, written again with the standard
library because the plug-ins have nothing else.
"""

import os
import re
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .json_codec import from_json
from .messages import DiscoveryRecord, is_identifier
from .transport import LOOPBACK

DISCOVERY_FILE_NAME = "bridge.json"
RUNTIME_DIR_VARIABLE = "DRAGLAYER_RUNTIME_DIR"
MAX_DISCOVERY_BYTES = 4096

_URL = re.compile(rf"http://{re.escape(LOOPBACK)}:([0-9]{{1,5}})/?", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,128}", re.ASCII)


def runtime_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of the discovery file, which need not exist.

    Args:
        environment: Variables to go by; the process's where None.
    """
    variables = os.environ if environment is None else environment
    if variables.get(RUNTIME_DIR_VARIABLE):
        return Path(variables[RUNTIME_DIR_VARIABLE])
    if sys.platform == "win32":
        local = variables.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(local) / "Temp" / "draglayer"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "TemporaryItems" / "draglayer"
    return _unix_runtime_folder(variables) / "draglayer"


def _unix_runtime_folder(variables: Mapping[str, str]) -> Path:
    if variables.get("XDG_RUNTIME_DIR"):
        return Path(variables["XDG_RUNTIME_DIR"])
    session = Path(f"/run/user/{os.getuid()}")
    if os.access(session, os.W_OK):
        return session
    return Path(tempfile.gettempdir()) / f"runtime-{os.getuid()}"


def read_discovery_file(folder: Path) -> DiscoveryRecord | None:
    """What the file in this folder says; None where there is none that we may trust.

    A file that another user could have written, a broken one and one that points anywhere but at
    loopback count as none: the bridge that wrote it is not ours.
    """
    path = folder / DISCOVERY_FILE_NAME
    try:
        with path.open("rb") as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            body = file.read(MAX_DISCOVERY_BYTES + 1)
        record = from_json(body, DiscoveryRecord, max_bytes=MAX_DISCOVERY_BYTES)
    except (OSError, ValueError):
        return None
    is_sound = (
        record_port(record) is not None
        and _TOKEN.fullmatch(record.token) is not None
        and is_identifier(record.instance_id)
    )
    return record if is_sound else None


def record_port(record: DiscoveryRecord) -> int | None:
    """The loopback port that the record points at; None where it points elsewhere."""
    match = _URL.fullmatch(record.url)
    port = int(match[1]) if match else 0
    return port if 0 < port < 1 << 16 else None


def _is_private(status: os.stat_result) -> bool:
    # Windows has no owner in st_uid; there the profile's folder protects the file.
    if sys.platform == "win32":
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
