"""``python -m bridge_server``: the bridge as the editors start it; only here logging is set up."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

from bridge_client.discovery import runtime_folder
from bridge_client.exit_codes import ExitCode
from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns, CannotStart
from bridge_server.engine_port import EnginePool
from bridge_server.logs import log_file, log_folder
from bridge_server.pools.thread import ThreadPool
from bridge_server.serving import BridgeServer, stop_signals

# An artist who closes GIMP's dialog and opens it again soon should find the engine loaded.
LINGER_S = 5 * 60.0
IDLE_EXIT_S = 60 * 60.0

_log = logging.getLogger("bridge_server")


def main() -> int:
    """Serve the editors until stopped, or until none of them needs it.

    Returns:
        One of ``ExitCode``.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config = BridgeConfig(
        runtime_folder=runtime_folder(), linger_s=LINGER_S, idle_exit_s=IDLE_EXIT_S
    )
    try:
        return serve(config, ThreadPool())
    except BridgeAlreadyRuns as error:
        _log.info("%s", error)  # the editors have what they asked for
        return ExitCode.STOPPED


def serve(
    config: BridgeConfig,
    pool: EnginePool,
    on_listening: Callable[[str], None] = lambda url: None,
) -> ExitCode:
    """Serve in this process until stopped, with signals and a log file.

    Args:
        config: limits and folder.
        pool: the engine.
        on_listening: called with the URL once the bridge can be found.

    Raises:
        BridgeAlreadyRuns: another bridge serves.
    """
    server = BridgeServer(config, pool)
    with log_file(log_folder()):
        try:
            with stop_signals(server):
                server.run(on_listening)
        except BridgeAlreadyRuns:
            raise
        except CannotStart as error:
            _log.error("%s", error)
            return error.exit_code
        except OSError as error:
            _log.error("The runtime folder is not usable: %s.", error.strerror or error)
            return ExitCode.FOLDER_UNUSABLE
        except Exception:  # the process's outermost border: without a terminal only the log is left
            _log.exception("The bridge failed.")
            raise
        if not server.is_worker_stopped:
            _leave_at_once(server.exit_code)
    return server.exit_code


def _leave_at_once(exit_code: int) -> None:
    """End the process while a step in native code goes on.

    The interpreter's own way out would tear modules down under that thread, which can crash.
    """
    logging.shutdown()
    os._exit(exit_code)


if __name__ == "__main__":
    sys.exit(main())
