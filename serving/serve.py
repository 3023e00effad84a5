"""Runs the gateway as a server: one process, one event loop, until a signal ends it.

Knows uvicorn and signals; what is served is `serving/app.py`'s.
"""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
import uvloop

from serving.app import Gateway, create_app
from serving.catalog import CatalogView
from serving.errors import BackendUnavailable
from serving.settings import Settings
from serving.welcome import welcome
from serving.whole_response import WholeResponseProtocol

GC_THRESHOLD = 50_000
"""Objects made before a young collection: requests make few cycles, and a collection every 700 objects costs more."""


def run_gateway(settings: Settings, say: Callable[[str], object]) -> None:
    """Serve until SIGTERM or Ctrl-C; then stop accepting, finish what is in, and return.

    Raises BackendUnavailable when the address is taken or the models' runtime cannot be loaded.
    """
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    listener = _listen(settings.host, settings.port, "--port")
    _listen(settings.host, settings.grpc_port, "--grpc-port").close()  # gRPC opens its own, and says less when it fails
    app = create_app(settings)
    server = _Server(
        app.state.gateway,
        uvicorn.Config(
            app.state.front,
            loop="uvloop",
            http=WholeResponseProtocol,
            ws="none",
            lifespan="on",
            access_log=False,
            proxy_headers=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=int(settings.drain_seconds),
        ),
    )
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    # uvicorn raises the signal that ended it once more, for a handler from before it: ours, since stopping is exit 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # It warns of every form that is none: a line in the log for whoever sends one, who is told so anyway.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            _serve(
                server,
                listener,
                app.state.gateway,
                lambda view: say(welcome(view, url, _grpc_address(host, app.state.gateway))),
            )
        )


class _Server(uvicorn.Server):
    """Both protocols drain at the same time, with the same grace; uvicorn alone would do one and then the other."""

    def __init__(self, gateway: Gateway, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(self._gateway.grpc.stop(), super().shutdown(sockets))


def _grpc_address(host: str, gateway: Gateway) -> str:
    return f"[{host}]:{gateway.grpc.port}" if ":" in host else f"{host}:{gateway.grpc.port}"


async def _serve(
    server: uvicorn.Server, listener: socket.socket, gateway: Gateway, on_live: Callable[[CatalogView], object]
) -> None:
    announcing = asyncio.create_task(_announce(gateway, on_live))
    try:
        await server.serve(sockets=[listener])
    finally:
        announcing.cancel()
    if not server.started:
        raise BackendUnavailable("the gateway could not start; the log says why")


async def _announce(gateway: Gateway, on_live: Callable[[CatalogView], object]) -> None:
    """Once the first models are loaded: say so, and set the garbage collector up for the long run."""
    await gateway.started.wait()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    on_live(gateway.catalog.view)


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = f"cannot listen on {host}:{port}: {error.strerror}; choose another with {option}"
        raise BackendUnavailable(reason) from error
    return listener
