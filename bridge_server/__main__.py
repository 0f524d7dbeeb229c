"""``python -m bridge_server``: the bridge as a process; the only file that configures logging."""

from __future__ import annotations

import logging
import os
import sys

from bridge_client.discovery import runtime_folder
from bridge_server.config import BridgeConfig
from bridge_server.discovery import BridgeAlreadyRuns, UnsafeFolder
from bridge_server.pools.thread import ThreadPool
from bridge_server.serving import BridgeServer, stop_signals

EXIT_USAGE = 2


def main() -> int:
    """Serve until stopped.

    Returns:
        0 after a stop, and when a bridge runs already, because then the editors have what they
        asked for; 2 when the runtime folder cannot be used.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    log = logging.getLogger("bridge_server")
    config = BridgeConfig(runtime_folder=runtime_folder())
    server = BridgeServer(config, ThreadPool())
    try:
        with stop_signals(server):
            server.run()
    except BridgeAlreadyRuns as error:
        log.info("%s", error)
        return 0
    except (UnsafeFolder, OSError) as error:
        log.error("%s", error)
        return EXIT_USAGE
    leave_if_stuck(server)
    return 0


def leave_if_stuck(server: BridgeServer) -> None:
    """End the process at once when a step in native code outlasted the stop.

    The interpreter's own way out would tear modules down under that thread, which can crash.
    """
    if not server.is_worker_stopped:
        logging.shutdown()
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
