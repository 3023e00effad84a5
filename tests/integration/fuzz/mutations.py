"""Valid requests of every route, and what a careless or hostile client makes of them. Pure: chance is an argument."""

import json
import random
from collections.abc import Callable, Mapping

FORM = b'--x\r\ncontent-disposition: form-data; name="age"\r\n\r\n1\r\n--x--\r\n'
PATHS = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/models",
    "/v1/models/{}",
    "/v1/models/{}/metadata",
    "/v1/models/{}/labels/stable",
    "/v1/models/{}/versions/1/metadata",
    "/v2",
    "/v2/models/{}",
    "/v2/models/{}/config",
    "/v2/models/{}/stats",
    "/v2/models/{}/versions/1/ready",
    "/openapi.json",
    "/",
)
PREDICTIONS = ("/v1/models/{}:predict", "/v1/models/{}/versions/1:predict", "/v1/models/{}/labels/stable:predict")
VALUES: tuple[bytes, ...] = (
    *(b"null", b"true", b"-0.0", b"1e999", b"NaN", b"18446744073709551616", b'""', b'"\\ud800"', b"[]", b"{}"),
    *(b'{"b64": "AA=="}', b"[" * 200, b'{"a":' * 200, b"\xff\xfe", b"\x00", b"9" * 400),
)
HEADERS: tuple[bytes, ...] = (
    b"content-length: 5",
    b"content-length: -1",
    b"content-length: 99999999999999999999",
    b"transfer-encoding: chunked",
    b"transfer-encoding: gzip, chunked",
    b"connection: close",
    b"connection: upgrade\r\nupgrade: websocket",
    b"expect: 100-continue",
    b"content-type: application/x-npy",
    b"content-type: application/octet-stream",
    b"content-type: image/png",
    b"content-type: multipart/form-data; boundary=",
    b"content-type: text/csv",
    b"content-encoding: gzip",
    b"inference-header-content-length: 7",
    b"accept: application/x-ndjson",
    b"x-request-id: " + b"i" * 300,
    b"x-priority: highest",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"x-noise: " + b"n" * 5000,
    b"no colon",
    b": no name",
    b" folded",
    b"\xe9: \xff",
)
METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"BREW")


def request(method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: gateway\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def valid_requests(model: str, instance: object) -> tuple[bytes, ...]:
    """One or more of every route; `instance` is a row of the model, as its callers send it."""
    rows = json.dumps({"instances": [instance, instance]}).encode()
    lines = (json.dumps(instance) + "\n").encode() * 3
    tensor = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1.0]}
    infer = json.dumps({"inputs": [tensor], "outputs": [{"name": "y"}]}).encode()
    examples = json.dumps({"examples": [instance]}).encode()
    return (
        *(request("GET", path.format(model)) for path in PATHS),
        *(request("POST", path.format(model), rows) for path in PREDICTIONS),
        request("POST", PREDICTIONS[0].format(model), lines, "application/x-ndjson"),
        request("POST", PREDICTIONS[0].format(model), b"age\n1\n2\n", "text/csv"),
        request("POST", PREDICTIONS[0].format(model), FORM, "multipart/form-data; boundary=x"),
        request("POST", PREDICTIONS[0].format(model), b"\x93NUMPY\x01\x00v\x00", "application/x-npy"),
        request("POST", f"/v1/models/{model}:classify", examples),
        request("POST", f"/v1/models/{model}:regress", examples),
        request("POST", f"/v2/models/{model}/infer", infer),
        request("POST", f"/v2/models/{model}/versions/1/infer", infer),
        request("POST", "/v2/repository/index", b"{}"),
    )


def once_wrong(model: str) -> tuple[list[bytes], ...]:
    """What was answered wrongly once: two content types, of which routing took the one and reading the other; and bytes
    that are no request behind one whose answer is a file.
    """
    two_types = request("POST", PREDICTIONS[0].format(model), b"1", "text/csv\r\ncontent-type: application/json")
    no_request = b"\r\nthis is no request\r\n\r\n"
    behind = [request("GET", "/healthz"), two_types]  # alone it goes the shorter way, which reads but one of them
    return behind, [request("GET", "/openapi.json"), no_request], [request("GET", "/"), no_request]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` after one to three changes, or as it is."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        data = chance.choice([*CHANGES.values()])(data, chance)
    return data


def _flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _piece(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 2, 8, 40)))


def _without(data: bytes, chance: random.Random) -> bytes:
    start, end = _piece(data, chance)
    return data[:start] + data[end:]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    start, end = _piece(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 3, 100)) + data[end:]


def _with_header(data: bytes, chance: random.Random) -> bytes:
    line, end, rest = data.partition(b"\r\n")
    return line + end + chance.choice(HEADERS) + b"\r\n" + rest


def _with_value(data: bytes, chance: random.Random) -> bytes:
    """Another value somewhere in the body, whose length is said as it is then."""
    head, end, body = data.partition(b"\r\n\r\n")
    start, stop = _piece(body, chance)
    body = body[:start] + chance.choice(VALUES) + body[stop:]
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, b"content-length: %d" % len(body)]) + end + body


def _chunked(data: bytes, chance: random.Random) -> bytes:
    head, end, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    cut = chance.randrange(len(body) + 1)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (body[:cut], body[cut:]) if each)
    return b"\r\n".join([*lines, b"transfer-encoding: chunked"]) + end + chunks + b"0\r\n\r\n"


def _by_another_method(data: bytes, chance: random.Random) -> bytes:
    return chance.choice(METHODS) + b" " + data.partition(b" ")[2]


def _elsewhere(data: bytes, chance: random.Random) -> bytes:
    method, _, rest = data.partition(b" ")
    path, _, rest = rest.partition(b" ")
    ending = chance.choice((b"%00", b"/../..", b"%2e%2e%2f", b"?a=" + b"b" * 3000, b"#x", b"%ff", b"//", b":predict"))
    return b" ".join((method, path + ending, rest))


CHANGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "one byte is another": _flipped,
    "cut short": _cut,
    "a piece is missing": _without,
    "a piece comes again": _doubled,
    "one more header": _with_header,
    "another value": _with_value,
    "in chunks": _chunked,
    "another method": _by_another_method,
    "another path": _elsewhere,
}
