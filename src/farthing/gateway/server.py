"""Runs the gateway: sockets, TLS, worker processes, signals. A stop finishes the streams under way, then the ledger."""

import logging
import math
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import wait

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from farthing.gateway.asgi import Build, Gateway
from farthing.gateway.logs import set_up_logs
from farthing.gateway.protocol import BoundedProtocol
from farthing.settings import LogSettings, ServerSettings, Settings

KEEP_ALIVE_S = 75
log = logging.getLogger("farthing.gateway")


class BoundedConfig(Config):
    """uvicorn's configuration, with our protocol and our logs, in each worker process."""

    def __init__(self, gateway: Gateway, server: ServerSettings, logs: LogSettings) -> None:
        self._server, self._logs = server, logs
        super().__init__(
            gateway, host=server.host, port=server.port, workers=server.workers, http=BoundedProtocol, ws="none",
            lifespan="on", loop="auto", log_config=None, access_log=False, server_header=False, date_header=False,
            proxy_headers=False, limit_concurrency=server.max_connections, timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(server.shutdown_grace_s), backlog=2048,
            ssl_certfile=server.tls_cert or None, ssl_keyfile=server.tls_key or None,
        )  # fmt: skip

    def configure_logging(self) -> None:
        set_up_logs(self._logs)
        BoundedProtocol.header_timeout_s = self._server.header_timeout_s
        BoundedProtocol.body_timeout_s = self._server.body_timeout_s
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=_stop_after, args=[parent.sentinel], name="parent", daemon=True).start()


def serve(settings: Settings, build: Build, announce: Callable[[str], None]) -> None:
    """Serve until a signal stops it; `announce` hears the gateway's URL. Raises OSError with the address if it cannot be
    listened on."""
    config = BoundedConfig(Gateway(build), settings.server, settings.logs)
    with listen(settings.server) as listener:
        url = address(settings.server, listener)
        announce(url)
        log.info("gateway is listening", extra={"url": url, "workers": settings.server.workers})
        if settings.server.workers == 1:
            Server(config).run(sockets=[listener])
            return
        # Each worker counts for itself; the Prometheus client adds them up from files.
        with tempfile.TemporaryDirectory(prefix="farthing-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            Multiprocess(config, [listener]).run()


def _stop_after(parent: int) -> None:
    """In a worker: stop when the process that started it is gone, or nobody could have the address again."""
    wait([parent])
    os.kill(os.getpid(), signal.SIGTERM)


def listen(server: ServerSettings) -> socket.socket:
    """A socket bound to the settings' address. Raises OSError that names it."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.socket(family=family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((server.host, server.port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"cannot listen on {server.host}:{server.port}: {(error.strerror or str(error)).lower()}"
        ) from None
    listener.set_inheritable(True)
    return listener


def address(server: ServerSettings, listener: socket.socket) -> str:
    """The gateway's URL."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{'https' if server.tls_cert else 'http'}://{host}:{listener.getsockname()[1]}"
