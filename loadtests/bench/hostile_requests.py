"""Requests that no honest caller sends, each wrong in a way of its own and dear to a server that is not careful. Pure.

Whole and well-framed HTTP: what is wrong lies in the path, the headers or the body. Connections that misbehave are
another matter.
"""

from collections.abc import Sequence

from loadtests.bench.dense_model import MODEL, Floats
from loadtests.bench.forms import JSON_TYPE, TFS_PATH, HttpRequest, json_request

DEEP = 30_000
"""Lists within lists: past what any parser by recursion survives."""
DIGITS = 20_000
WIDE_BYTES = 256 * 1024


def hostile_requests(rows: Floats) -> Sequence[HttpRequest]:
    """Around `rows`, which are right. Every one is the caller's fault: 400 to 499, or 503 where nothing is read now."""
    right = json_request(TFS_PATH, rows)
    npy = {"content-type": "application/x-npy"}
    return [
        json_request(TFS_PATH, rows[:, 1:]),
        HttpRequest(TFS_PATH, JSON_TYPE, right.body[:-2]),
        HttpRequest(TFS_PATH, JSON_TYPE, b'{"instances": ' + b"[" * DEEP),
        HttpRequest(TFS_PATH, JSON_TYPE, b'{"instances": [[' + b"9" * DIGITS + b"]]}"),
        HttpRequest(TFS_PATH, JSON_TYPE, b'{"instances": [["' + b"A" * WIDE_BYTES + b'"]]}'),
        HttpRequest(TFS_PATH, JSON_TYPE, right.body.replace(b"[[", b"[[NaN,", 1)),
        HttpRequest(
            TFS_PATH, npy, b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', 'fortran_order': False, 'shape': (9,), }"
        ),
        HttpRequest(f"/v1/models/{MODEL}/versions/999999:predict", JSON_TYPE, right.body),
        HttpRequest("/v1/models/..%2f..%2fetc%2fpasswd:predict", JSON_TYPE, right.body),
        HttpRequest(TFS_PATH, {**JSON_TYPE, "x-request-timeout-ms": "-1e309"}, right.body),
        HttpRequest(TFS_PATH, {**JSON_TYPE, "content-encoding": "gzip"}, b"\x1f\x8b" + bytes(64)),
    ]
