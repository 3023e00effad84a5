"""Every form of a request over a real socket: the same picture, the same patient, the same answer."""

import http.client
import json
import threading
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from serving.contract.manifest import parse_manifest
from tests.processes import GatewayProcess

NPY = "application/x-npy"
DIGITS, DIABETES = "/v1/models/digits:predict", "/v1/models/diabetes:predict"
PIXELS = (np.arange(64, dtype=np.uint8).reshape(8, 8) * 3).astype(np.uint8)


def image(file_format: str, **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, file_format, **options)
    return file.getvalue()


def asked(gateway: GatewayProcess, path: str, body: bytes, **headers: str) -> tuple[bytes, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(gateway.url + path, body, named)  # noqa: S310 - a loopback address
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - a loopback address
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture(scope="module")
def patient(trained_models: Path) -> dict[str, float]:
    manifest = parse_manifest((trained_models / "diabetes" / "1" / "assets.extra" / "manifest.json").read_bytes())
    instance = manifest.golden_examples[0].instance
    assert isinstance(instance, dict)
    return {name: float(str(value)) for name, value in instance.items()}


def test_a_picture_is_the_same_in_every_form(gateway: GatewayProcess) -> None:
    row = (PIXELS.astype(np.float32) * np.float32(16 / 255)).astype(np.float32)[None]
    part = b'--e\r\nContent-Disposition: form-data; name="file"; filename="d.png"\r\n\r\n%s\r\n--e--\r\n' % image("PNG")
    npy = BytesIO()
    np.save(npy, row)
    tensor = {"name": "image", "shape": [1, 8, 8], "datatype": "FP32", "parameters": {"binary_data_size": row.nbytes}}
    head = json.dumps({"inputs": [tensor]}).encode()
    answers = [
        json.loads(asked(gateway, DIGITS, body, content_type=kind)[0])["predictions"][0]
        for kind, body in (
            ("image/png", image("PNG")),
            ("image/webp", image("WEBP", lossless=True)),
            ("multipart/form-data; boundary=e", part),
            (NPY, npy.getvalue()),
            ("application/json", json.dumps({"instances": row.tolist()}).encode()),
        )
    ]
    answer, _ = asked(
        gateway, "/v2/models/digits/infer", head + row.tobytes(), inference_header_content_length=str(len(head))
    )
    answers.append(json.loads(answer)["outputs"][0]["data"])
    binary, headers = asked(
        gateway, DIGITS, npy.getvalue(), content_type="application/x-npy", accept="application/x-npy"
    )
    assert headers["content-type"] == "application/x-npy"
    answers.append(np.load(BytesIO(binary))[0].tolist())
    for found in answers[1:]:
        np.testing.assert_allclose(found, answers[0], rtol=1e-5, atol=1e-7)


def test_a_patient_is_the_same_in_every_form(gateway: GatewayProcess, patient: dict[str, float]) -> None:
    line = ",".join(map(repr, patient.values()))
    ndjson, _ = asked(gateway, DIABETES, json.dumps(patient).encode(), content_type="application/x-ndjson")
    comma, _ = asked(gateway, DIABETES, f"{','.join(patient)}\n{line}\n".encode(), content_type="text/csv")
    regress, _ = asked(gateway, "/v1/models/diabetes:regress", json.dumps({"examples": [patient]}).encode())
    rows, _ = asked(gateway, DIABETES, json.dumps({"instances": [patient]}).encode())
    (wanted,) = json.loads(rows)["predictions"]
    assert json.loads(ndjson) == json.loads(comma) == wanted
    np.testing.assert_allclose(json.loads(regress)["results"], wanted, rtol=1e-6)


def test_a_long_stream_is_answered_in_constant_memory(gateway: GatewayProcess, patient: dict[str, float]) -> None:
    rows, line = 60_000, (",".join(map(repr, patient.values())) + "\n").encode()
    asked(gateway, DIABETES, ",".join(patient).encode() + b"\n" + line * 3000, content_type="text/csv")  # warm
    before = resident_megabytes(gateway.process.pid)
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=60)

    def body() -> Iterator[bytes]:
        yield ",".join(patient).encode() + b"\n"
        for _ in range(rows // 1000):
            yield line * 1000

    sending = threading.Thread(
        target=connection.request, args=("POST", DIABETES, body(), {"content-type": "text/csv"}),
        kwargs={"encode_chunked": True},
    )  # fmt: skip
    sending.start()
    sending.join()
    answer = connection.getresponse()
    answered = answer.read().splitlines()
    connection.close()
    assert (answer.status, len(answered), len(set(answered))) == (200, rows, 1)
    assert resident_megabytes(gateway.process.pid) - before < 100


def resident_megabytes(pid: int) -> float:
    line = next(text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if text.startswith("VmRSS"))
    return int(line.split()[1]) / 1000
