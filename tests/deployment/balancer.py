"""nginx before gateways, as a Service of Kubernetes is, and callers who never stop asking it."""

import contextlib
import os
import queue
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from serving.grpc import inference_pb2
from tests.processes import GatewayProcess

SECONDS = 60.0
"""A bound on waiting for events, far beyond what they take."""
CONFIG = """\
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream gateways {{
    {servers}
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;  # a request that fails is seen, not sent elsewhere
      add_header X-Gateway $upstream_addr always;
    }}
  }}
  upstream grpc_gateways {{
    {grpc_servers}
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{grpc_port} http2;
    keepalive_requests 100000;
    location / {{
      grpc_pass grpc://grpc_gateways;
      grpc_next_upstream off;
      add_header X-Gateway $upstream_addr always;  # a call's initial metadata
    }}
  }}
}}
"""


def rest_address(gateway: GatewayProcess) -> str:
    return gateway.url.removeprefix("http://")


@dataclass
class Balancer:
    """nginx as a process; `route` tells it which gateways there are, as a cluster does when endpoints change."""

    program: str
    folder: Path
    port: int
    grpc_port: int
    process: subprocess.Popen[bytes] | None = None

    def route(self, gateways: Sequence[GatewayProcess]) -> None:
        """Requests and calls from now on go to `gateways`; those under way are finished where they are."""
        servers = " ".join(f"server {rest_address(each)} max_fails=0;" for each in gateways)
        grpc_servers = " ".join(f"server {each.grpc_address} max_fails=0;" for each in gateways)
        user = "user root;" if os.geteuid() == 0 else ""
        path = self.folder / "nginx.conf"
        path.write_text(
            CONFIG.format(
                user=user,
                folder=self.folder,
                servers=servers,
                port=self.port,
                grpc_servers=grpc_servers,
                grpc_port=self.grpc_port,
            )
        )
        if self.process is None:
            self.process = subprocess.Popen([self.program, "-p", self.folder, "-c", path], stderr=subprocess.DEVNULL)
            self._wait_for_port(self.process)
        else:
            self.process.send_signal(signal.SIGHUP)

    def _wait_for_port(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
        raise AssertionError((self.folder / "error.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS)


class CallFailed(Exception):
    pass


def ask_rest(url: str, body: bytes) -> str:
    """Each time by a new connection."""
    request = urllib.request.Request(url, body)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - loopback
            answer.read()
            return str(answer.headers["X-Gateway"])
    except urllib.error.HTTPError as refused:
        raise CallFailed(f"{refused.headers['X-Gateway']}: {refused.code} {refused.read().decode()}") from refused
    except OSError as error:
        raise CallFailed(str(error)) from error


def ask_grpc(channel: grpc.Channel, request: inference_pb2.ModelInferRequest) -> str:
    """By the connection that the channel has, or makes anew when it is told to."""
    infer = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=inference_pb2.ModelInferRequest.SerializeToString,
        response_deserializer=inference_pb2.ModelInferResponse.FromString,
    )
    try:
        _, call = infer.with_call(request, timeout=SECONDS)
    except grpc.RpcError as error:
        raise CallFailed(str(error)) from error
    return str(dict(call.initial_metadata())["x-gateway"])


@dataclass
class Callers:
    """Threads that ask the same again and again. `ask_once` returns who answered (host:port), or raises CallFailed."""

    ask_once: Callable[[], str]
    failures: list[str] = field(default_factory=list)
    _answered: "queue.Queue[str]" = field(default_factory=queue.Queue)
    _over: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, gateways: Sequence[str], answers: int) -> None:
        """Returns once each of `gateways` has answered so many times from now on, and each answer was one of theirs."""
        while not self._answered.empty():
            self._answered.get()
        counted: Counter[str] = Counter()
        while any(counted[gateway] < answers for gateway in gateways) and not self.failures:
            counted[self._answered.get(timeout=SECONDS)] += 1

    def ask(self) -> None:
        while not self._over.is_set():
            try:
                self._answered.put(self.ask_once())
            except CallFailed as failed:
                self.failures.append(str(failed))

    @contextlib.contextmanager
    def asking(self, threads: int) -> Iterator[None]:
        """In this time they ask; `failures` is whole at its end."""
        running = [threading.Thread(target=self.ask) for _ in range(threads)]
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in running:
                thread.join(SECONDS)
