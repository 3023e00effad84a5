"""Runs a stand-in in a thread of its own, over TLS where a context is given."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.clients.stand_in import StandIn, serve


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    gateway = StandIn()
    with serve(gateway) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            gateway.url = gateway.url.replace("http://", "https://")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield gateway
        server.shutdown()
        thread.join()
