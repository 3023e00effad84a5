"""A stand-in for the gateway that speaks its wire over a real socket, for tests of the clients.

Two models as the README shows them: `digits` (8 x 8 images) and `diabetes` (records). `live` is the version of
digits that answers, and may be changed between calls. `override` answers in place of everything else.
"""

import base64
import io
import json
import re
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLError
from typing import Any

import numpy as np

PATH = re.compile(r"/v1/models/(?P<model>\w+)(/versions/(?P<version>\d+)|/labels/\w+)?(?P<call>:predict|/metadata)?")
DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
RECEIPT = 'decode;dur=0.050, queue;dur=0.400, backend;dur=0.900, encode;dur=0.030, batch;desc="17 rows"'
PNG_OF_A_SEVEN = b"\x89PNG the picture of a seven"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    url: str = ""
    live: int = 1
    override: Answer | None = None
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers (in lower case) of every request."""

    def answer(self, path: str, body: bytes) -> Answer:
        if self.override:
            return self.override
        if path == "/v1/models":
            return _json({"models": [{"name": "diabetes", "versions": [1]}, {"name": "digits", "versions": [1, 2]}]})
        match = PATH.fullmatch(path)
        if match is None or match["model"] not in ("digits", "diabetes"):
            return _error(404, f"Could not find any versions of model {path}", "UnknownModel")
        live = self.live if match["model"] == "digits" else 1
        version = int(match["version"] or live)
        if match["call"] == "/metadata":
            return _json(_digits(version) if match["model"] == "digits" else _diabetes(version))
        if match["call"] == ":predict":
            predict = _predict_digits if match["model"] == "digits" else _predict_diabetes
            return predict(_instances(body), version)
        entry = {"version": str(version), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return _json({"model_version_status": [entry]})


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up, or that does not come in, is what some tests are about."""
        if not isinstance(sys.exception(), (ConnectionError, SSLError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # handed on as it came


def serve(stand_in: StandIn) -> ThreadingHTTPServer:
    """A server on a free port of the loopback, ready to be run in a thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            stand_in.asked.append((self.command, self.path, headers))
            answer = stand_in.answer(self.path, body)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = handle_any  # noqa: N815  # the names http.server looks for

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # http.server's own name for it
            """Nothing: pytest shows what matters."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    return server


def _instances(body: bytes) -> list[Any]:
    if body.startswith(b"\x93NUMPY"):
        rows: list[Any] = np.load(io.BytesIO(body)).tolist()
        return rows
    instances: list[Any] = json.loads(body)["instances"]
    return instances


def _predict_digits(instances: list[Any], version: int) -> Answer:
    """A seven for its picture, and for pixels the digit that stands in the first one."""
    digits = []
    for row, instance in enumerate(instances):
        if isinstance(instance, dict):
            if base64.b64decode(instance["b64"]) != PNG_OF_A_SEVEN:
                message = f"{len(instance['b64'])} bytes that are not a whole PNG or JPEG image"
                return _error(400, message, "UndecodableImage", field=f"/instances/{row}")
            digits.append(7)
        else:
            digits.append(int(instance[0][0]))
    rows = [[0.91 if label == digit else 0.01 for label in range(10)] for digit in digits]
    return _predictions(rows, version)


def _predict_diabetes(instances: list[Any], version: int) -> Answer:
    instances = [row if isinstance(row, dict) else dict(zip(DIABETES, row, strict=True)) for row in instances]
    for row, record in enumerate(instances):
        for name, value in record.items():
            if isinstance(value, str):
                message = "a string where a number is expected"
                return _error(400, message, "WrongDtype", field=f"/instances/{row}/{name}")
    return _predictions([[round(100 + record["age"] + record["bmi"], 6)] for record in instances], version)


def _predictions(rows: list[list[float]], version: int) -> Answer:
    headers = {"X-Model-Version": str(version), "X-Request-Id": "r-42", "Server-Timing": RECEIPT}
    return _json({"predictions": rows}, headers)


def _digits(version: int) -> dict[str, Any]:
    """Version 2 writes its labels as words."""
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    labels = words if version == 2 else tuple("0123456789")
    manifest = {
        "description": "handwritten digits",
        "features": [{"kind": "image", "name": "image", "dtype": "float32", "shape": [8, 8]}],
        "outputs": {"task": "classification", "labels": labels},
        "signatures": {"serving_default": {"inputs": [], "outputs": [{"name": "probabilities"}]}},
    }
    return _metadata("digits", version, manifest)


def _diabetes(version: int) -> dict[str, Any]:
    manifest = {
        "features": [{"kind": "number", "name": name, "dtype": "float32"} for name in DIABETES],
        "outputs": {"task": "regression", "target": "progression", "unit": ""},
        "signatures": {"serving_default": {"inputs": [], "outputs": [{"name": "value"}]}},
    }
    return _metadata("diabetes", version, manifest)


def _metadata(model: str, version: int, manifest: dict[str, Any]) -> dict[str, Any]:
    spec = {"name": model, "signature_name": "", "version": str(version)}
    return {"model_spec": spec, "metadata": {"signature_def": {}, "manifest": manifest}}


def _error(status: int, message: str, code: str, field: str = "") -> Answer:
    body = {"error": message, "code": code, "request_id": "r-42"} | ({"field": field} if field else {})
    return Answer(status, json.dumps(body).encode(), {"Retry-After": "2"} if status == 503 else {})


def _json(body: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
