"""Build hook: puts both plug-ins, each with bridge_client in it, into the wheel.

They lie under `draglayer_cli/plugins/`, where `draglayer install` finds them.
"""

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StagePlugins(BuildHookInterface[Any]):
    """Adds the staged plug-ins to the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is written.

        An editable install has none: there `draglayer install` takes the checkout's plug-ins.
        """
        if version == "editable":
            return
        root = Path(self.root)
        staging = _load(root / "tools" / "stage_plugins.py")
        # Really staged, not listed file by file: hatchling gives one file one place, and the
        # client's files have two.
        self._folder = tempfile.TemporaryDirectory(prefix="draglayer-plugins-")
        for host in staging.PLUGINS:
            staged = Path(self._folder.name) / host
            staging.copy_plugin(root, host, staged)
            build_data["force_include"][str(staged)] = f"draglayer_cli/plugins/{host}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling when the wheel is written."""
        if version != "editable":
            self._folder.cleanup()


def _load(path: Path) -> ModuleType:
    # By its path: a build environment has neither the checkout nor its tools among its modules.
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path.name} can't be loaded")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
