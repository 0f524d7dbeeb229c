"""``python -m tests.fakes.serve_fake JSON``: the real server's process over the fake engine.

The JSON names what to change: ``limits`` of the bridge, ``drag_steps``, ``pace_s`` of a step, and
``failure``: at which step of a drag it happens, and with which code.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

from bridge_client.discovery import runtime_folder
from bridge_server.__main__ import serve
from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns
from bridge_server.engine_port import EngineFailure
from tests.fakes.engine import FakeEngine, FakeScript, StepGate

# A bridge that a test left behind must not stay.
LINGER_S = 20.0


class PacedGate(StepGate):
    """A step takes a while, as on a device."""

    def __init__(self, pace_s: float) -> None:
        super().__init__()
        self._pace_s = pace_s
        self._pause = threading.Event()

    def pass_step(self) -> None:
        self._pause.wait(self._pace_s)


def fake_engine(options: dict[str, Any]) -> FakeEngine:
    """The engine that the options ask for."""
    script = FakeScript(drag_steps=options.get("drag_steps", 5))
    if "failure" in options:
        step, code = options["failure"]
        script.fail_drag = (step, EngineFailure(code, "It was meant to fail here."))
    return FakeEngine(script=script, gate=PacedGate(options.get("pace_s", 0.0)))


def main() -> int:
    logging.basicConfig(level=logging.DEBUG)
    options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    limits = {"linger_s": LINGER_S, **options.get("limits", {})}
    config = BridgeConfig(runtime_folder=Path(runtime_folder()), **limits)
    try:
        return serve(config, fake_engine(options))
    except BridgeAlreadyRuns:
        return 0


if __name__ == "__main__":
    sys.exit(main())
