"""BridgeServer: binds, serves with waitress, is found by its file, and stops in the right order."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server

from bridge_client.exit_codes import ExitCode
from bridge_client.messages import PROTOCOL_VERSION, DiscoveryRecord
from bridge_client.presence import count_editors
from bridge_server import discovery
from bridge_server.access import Access, make_token
from bridge_server.app import create_app
from bridge_server.bridge import Bridge
from bridge_server.clocks import AwakeClock
from bridge_server.config import MIB, BridgeConfig
from bridge_server.engine_port import EnginePool
from bridge_server.housekeeping import Housekeeper

_log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_BACKLOG = 64
_DRAIN_S = 0.5


def bind_loopback() -> socket.socket:
    """A listening socket on a free port of 127.0.0.1.

    Ours and not waitress's, because waitress sets SO_REUSEADDR, with which another program may
    take the port over on Windows. No fixed port: fixed ones clash and are squatted on.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind((LOOPBACK, 0))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class BridgeServer:
    """One bridge on one socket; ``run`` serves until ``ask_stop``."""

    def __init__(self, config: BridgeConfig, pool: EnginePool) -> None:
        """Args: limits and folder, and the engine. Nothing is opened before ``run``."""
        self.bridge = Bridge(
            config,
            pool,
            clock=AwakeClock(),
            on_shutdown=self.ask_stop,
            on_device_lost=self._leave_lost_device,
        )
        self.is_worker_stopped = True
        self.exit_code = ExitCode.STOPPED
        self._config = config
        self._housekeeper = Housekeeper(self._keep, self._stop, interval_s=config.housekeeping_s)
        self._sockets: dict[int, Any] = {}  # waitress's own map of what it polls
        self._server: Any = None
        self._is_closing = False

    def ask_stop(self) -> None:
        """Stop soon; may be called from any thread, from a signal handler, and twice."""
        self._housekeeper.ask_stop()

    def run(self, on_listening: Callable[[str], None] = lambda url: None) -> None:
        """Serve until a stop is asked for; then leave no thread, socket or file behind.

        Args:
            on_listening: called with the URL once the discovery file is there.

        Raises:
            BridgeAlreadyRuns: another bridge holds the runtime folder.
            BridgeHangs: another bridge holds it and does not answer.
            UnsafeFolder: others may write into it.
            OSError: it cannot be written.
        """
        folder = self._config.runtime_folder
        discovery.prepare_folder(folder)
        with ExitStack() as stack:
            stack.enter_context(discovery.single_instance(folder))
            listener = stack.enter_context(bind_loopback())
            port: int = listener.getsockname()[1]
            token = make_token()
            self._open_server(
                listener,
                Access(
                    token=token,
                    port=port,
                    max_json_bytes=self._config.max_json_bytes,
                    max_body_bytes=self._config.max_body_bytes,
                ),
            )
            stack.callback(self._close_server)
            record = DiscoveryRecord(
                api=PROTOCOL_VERSION,
                url=f"http://{LOOPBACK}:{port}",
                pid=os.getpid(),
                instance_id=self.bridge.instance_id,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                token=token,
            )
            # After bind: who reads the file finds an open port; early calls wait in the backlog.
            stack.callback(discovery.remove_discovery, folder, record.instance_id)
            discovery.write_discovery(folder, record)
            self.bridge.start()
            self._housekeeper.start()
            stack.callback(self._housekeeper.join)
            stack.callback(self._housekeeper.ask_stop)
            _log.info("The bridge listens on port %d.", port)
            on_listening(record.url)
            self._serve()
        _log.info("The bridge has stopped.")

    def _open_server(self, listener: socket.socket, access: Access) -> None:
        config = self._config
        above_every_body = config.max_body_bytes + MIB
        self._server = create_server(
            create_app(self.bridge, access),
            map=self._sockets,
            sockets=[listener],
            # An open stream holds a thread, and waitress's own queue of requests has no bound.
            threads=8 + 2 * config.max_streams,
            # Reads on while a view runs, so that a reader who left is seen within a heartbeat.
            channel_request_lookahead=1,
            # Beyond these waitress writes bodies to temporary files: slower, and pixels on disk.
            recv_bytes=MIB,
            inbuf_overflow=above_every_body,
            outbuf_overflow=config.max_result_bytes,
            max_request_body_size=config.max_body_bytes,
            channel_timeout=config.connection_timeout_s,
            cleanup_interval=max(1, config.connection_timeout_s // 4),
            ident="",
            clear_untrusted_proxy_headers=True,
        )

    def _serve(self) -> None:
        # Not the server's own run(): that one ends only by an exception and then waits five seconds
        # for threads that streams still hold.
        while not self._is_closing:
            wasyncore.loop(timeout=1.0, map=self._sockets, count=1)
        # Replies and stream ends that the stop caused still have to reach their readers.
        deadline_s = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline_s and any(map(_is_busy, self._channels())):
            wasyncore.loop(timeout=0.02, map=self._sockets, count=1)

    def _keep(self) -> None:
        self.bridge.expire()
        reason = reason_to_end(self._config, self.bridge.quiet_s())
        if reason:
            _log.info("%s", reason)
            self.ask_stop()

    def _leave_lost_device(self) -> None:
        _log.error("The device is lost: the bridge ends, and the next client starts it anew.")
        self.exit_code = ExitCode.DEVICE_LOST
        self.ask_stop()

    def _stop(self) -> None:
        # First, so that from now on clients start another bridge, which waits for this one's end.
        discovery.remove_discovery(self._config.runtime_folder, self.bridge.instance_id)
        self.is_worker_stopped = self.bridge.stop()
        self._is_closing = True
        self._server.pull_trigger()

    def _close_server(self) -> None:
        # Channels first: that frees the threads that wait for a slow reader.
        for channel in self._channels():
            channel.handle_close()
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _channels(self) -> list[HTTPChannel]:
        polled = list(self._sockets.values())
        return [each for each in polled if isinstance(each, HTTPChannel)]


def reason_to_end(config: BridgeConfig, quiet_s: float) -> str:
    """Why a bridge that heard nothing for so long should end; empty when it should stay."""
    if config.idle_exit_s is not None and quiet_s >= config.idle_exit_s:
        return "Nobody used the bridge for long: it ends."
    is_lingering = config.linger_s is not None and quiet_s >= config.linger_s
    if is_lingering and count_editors(config.runtime_folder) == 0:
        return "The last editor has gone: the bridge ends."
    return ""


def _is_busy(channel: HTTPChannel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


@contextmanager
def stop_signals(server: BridgeServer) -> Iterator[None]:
    """SIGINT, SIGTERM (and Ctrl-Break on Windows) stop the server; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Signals can be handled in the main thread only.")
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}

    def handle(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)
        server.ask_stop()

    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
