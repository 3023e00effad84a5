"""Runs the gateway as a server: this process, one event loop, until a signal ends it.

Knows uvicorn and signals; what is served is `serving/app.py`'s.
"""

import asyncio
import functools
import gc
import logging
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import uvicorn
import uvloop
from fastapi import FastAPI

from serving.app import create_app, process_name
from serving.catalog import CatalogView
from serving.connections.answer_bytes import DefaultHeaders
from serving.connections.descriptors import REST_PART, connections_within, raise_descriptor_limit
from serving.connections.limits import ConnectionLimits
from serving.connections.port_certificates import certificates_of
from serving.connections.watch import Watch
from serving.errors import BackendUnavailable
from serving.gateway import Gateway
from serving.heaps import share_heaps
from serving.known_heads import KnownHeads
from serving.listening import bound_socket, log_to_stderr
from serving.model_server.control_path import control_listener, worker_path
from serving.observability.ledger import Ledger
from serving.settings import Settings
from serving.welcome import welcome
from serving.whole_response import WholeResponseProtocol

GC_THRESHOLD = 50_000
"""Objects made before a young collection: requests make few cycles, and a collection every 700 objects costs more."""

DISMISS_SECONDS = 0.1
"""As often as uvicorn looks whether all connections are gone."""
LATE_SECONDS = 4.0
"""Beyond the drain, for closing the models: a disk that hangs holds the thread that reads it, and the process."""
TOO_LATE = b"penstock serve: all that was taken is answered, and closing does not end; does a disk hang?\n"
_log = logging.getLogger(__name__)


def run_gateway(settings: Settings, say: Callable[[str], object], ledger: Ledger | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; then stop accepting, finish what is in, and return. `say` is told once the first
    models are loaded. One of several workers counts in `ledger`, and takes connections only from then on: until then
    the port's others answer.

    Raises BackendUnavailable when the address is taken or the models' runtime cannot be loaded.
    """
    share_heaps()
    log_to_stderr(settings.log_level, settings.log_format, process_name(ledger))
    listener = None if settings.workers > 1 else _listeners(settings)
    path = settings.control_socket
    if path is not None and ledger is not None:
        path = worker_path(path, ledger.board.number)
    with control_listener(path) if path else nullcontext() as control:
        _run(settings, create_app(settings, ledger=ledger, control=control), listener, say)


def _run(settings: Settings, app: FastAPI, listener: socket.socket | None, say: Callable[[str], object]) -> None:
    gateway: Gateway = app.state.gateway
    config = uvicorn.Config(
        app.state.front,
        loop="uvloop",
        http=functools.partial(  # type: ignore[arg-type]  # any maker of protocols
            WholeResponseProtocol,
            heads=KnownHeads(),
            default=DefaultHeaders(),
            watch=Watch(connection_limits(settings)),
        ),
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )
    certificates = certificates_of(settings)
    tls = Tls(certificates.context(), settings.head_timeout_seconds) if certificates else None
    server = _Server(gateway, config, tls)
    # uvicorn raises the signal that ended it once more, for a handler from before it: this one, since stopping is
    # exit 0; and a signal that comes before uvicorn listens to them must not be lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # It warns of every form that is none: a line in the log for whoever sends one, who is told so anyway.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for every time that an issuer's keys are fetched
    host, port = listener.getsockname()[:2] if listener else (settings.host, settings.port)

    def on_live(view: CatalogView) -> None:
        say(welcome(view, f"{'https' if tls else 'http'}://{_address(host, port)}", _address(host, gateway.grpc.port)))

    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(_serve(server, listener, settings, on_live))
    finally:
        with suppress(RuntimeError):  # it waits for its pool, which has nothing to do, by a thread that may not be had
            runner.close()


def connection_limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        max_head_bytes=settings.max_head_bytes,
        max_headers=settings.max_headers,
        max_target_bytes=settings.max_target_bytes,
        head_seconds=settings.head_timeout_seconds,
        pace_bytes_per_second=settings.pace_bytes_per_second,
        pace_window_seconds=settings.pace_window_seconds,
        keep_alive_seconds=settings.keep_alive_seconds,
        max_connections=connections_within(
            raise_descriptor_limit(), settings.max_connections, REST_PART, "max_connections"
        ),
        max_connections_per_address=settings.max_connections_per_address,
    )


@dataclass(frozen=True, slots=True)
class Tls:
    """Of REST's port."""

    context: ssl.SSLContext
    handshake_seconds: float


class _Server(uvicorn.Server):
    """Both protocols drain at the same time, with the same grace; uvicorn alone would do one and then the other."""

    def __init__(self, gateway: Gateway, config: uvicorn.Config, tls: Tls | None) -> None:
        super().__init__(config)
        self.gateway = gateway
        self._tls = tls
        self._closing = False
        self._draining = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Without uvicorn's own listening, which knows no time for a handshake."""
        threading.Thread(target=self._bound, name="penstock-bound", daemon=True).start()
        await super().startup([])
        for listener in sockets or []:
            await self.listen(listener)

    async def listen(self, listener: socket.socket) -> None:
        """Take connections from `listener` too, as uvicorn does from those it starts with."""
        protocol = functools.partial(
            self.config.http_protocol_class,
            config=self.config,  # type: ignore[call-arg]  # uvicorn types it as a bare asyncio.Protocol
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        server = await asyncio.get_running_loop().create_server(
            protocol,
            sock=listener,
            backlog=self.config.backlog,
            ssl=self._tls.context if self._tls else None,
            ssl_handshake_timeout=self._tls.handshake_seconds if self._tls else None,
        )
        self.servers.append(server)
        if self._closing:
            server.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing = True
        self._draining.set()
        _log.info("draining: no new connections, requests under way are answered", extra={"event": "draining"})
        dismissing = asyncio.create_task(self._dismiss())
        await asyncio.gather(self.gateway.grpc.stop(), super().shutdown(sockets))
        dismissing.cancel()
        _log.info("drained", extra={"event": "drained"})

    def _bound(self) -> None:
        """In a thread that is there from the start: a stop at the limit of threads drains and ends, too."""
        self._draining.wait()
        time.sleep((self.config.timeout_graceful_shutdown or 0) + LATE_SECONDS)
        _end_by_force()

    async def _dismiss(self) -> None:
        """Uvicorn tells the connections it has when the stop begins that this request is their last. One that was being
        accepted in that moment would go on asking until the grace is over, and be refused then.
        """
        while True:
            await asyncio.sleep(DISMISS_SECONDS)
            for connection in list(self.server_state.connections):
                connection.shutdown()


def _end_by_force() -> None:
    """From a thread of its own, for the others may wait for ever."""
    os.write(2, TOO_LATE)
    os._exit(1)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _serve(
    server: _Server, listener: socket.socket | None, settings: Settings, on_live: Callable[[CatalogView], object]
) -> None:
    """`listener` is open from the start; where there is none, the ports are opened once the first models are there."""
    opening = asyncio.create_task(_open(server, None if listener else settings, on_live))
    try:
        await server.serve(sockets=[listener] if listener else [])
    finally:
        opening.cancel()
    if opening.done() and not opening.cancelled():
        opening.result()  # which raises what it raised
    if not server.started:
        raise BackendUnavailable("the gateway could not start; the log says why")


async def _open(server: _Server, late: Settings | None, on_live: Callable[[CatalogView], object]) -> None:
    """Once the first models are loaded: set the garbage collector up for the long run, open the ports of a `late`
    gateway, and say so.
    """
    gateway = server.gateway
    await gateway.settled.wait()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    if late:
        try:
            await gateway.grpc.start()
            await server.listen(bound_socket(late.host, late.port, "--port", shared=True))
        except BaseException:
            server.should_exit = True
            raise
    if gateway.started.is_set():
        on_live(gateway.catalog.view)


def _listeners(settings: Settings) -> socket.socket:
    """REST's. gRPC opens its own, and says less when it fails."""
    listener = bound_socket(settings.host, settings.port, "--port")
    bound_socket(settings.host, settings.grpc_port, "--grpc-port").close()
    return listener
