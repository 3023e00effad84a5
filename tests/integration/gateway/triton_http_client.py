"""An app of Triton's over HTTP: its own client and nothing of ours, run in `.venv-triton`. Writes what it got, as JSON.

usage: triton_http_client.py HOST:PORT
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

PIXELS = (np.arange(2 * 64, dtype=np.float32) % 17).reshape(2, 8, 8)


def image(*, binary: bool, pixels: Any = PIXELS) -> Any:
    tensor = triton.InferInput("image", list(pixels.shape), "FP32")
    tensor.set_data_from_numpy(pixels, binary_data=binary)
    return tensor


def wanted(*, binary: bool) -> list[Any]:
    return [triton.InferRequestedOutput("probabilities", binary_data=binary)]


def refusals(client: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "unknown model": lambda: client.infer("nobody", [image(binary=True)]),
        "unknown version": lambda: client.infer("digits", [image(binary=True)], model_version="99"),
        "wrong shape": lambda: client.infer("digits", [image(binary=True, pixels=PIXELS[:, :4])]),
        "unknown output": lambda: client.infer(
            "digits", [image(binary=True)], outputs=[triton.InferRequestedOutput("nothing")]
        ),
    }
    told = {}
    for name, ask in asked.items():
        try:
            ask()
        except InferenceServerException as error:
            told[name] = [str(error.status()), str(error.message())]
    return told


def synchronous(address: str) -> dict[str, Any]:
    with triton.InferenceServerClient(address, concurrency=4) as client:
        raw = client.infer("digits", [image(binary=True)], outputs=wanted(binary=True), request_id="mine-1")
        text = client.infer("digits", [image(binary=False)], outputs=wanted(binary=False))
        later = [client.async_infer("digits", [image(binary=True)]) for _ in range(4)]
        return {
            "live": [client.is_server_live(), client.is_server_ready()],
            "model_ready": [client.is_model_ready("digits"), client.is_model_ready("nobody")],
            "server": client.get_server_metadata(),
            "metadata": client.get_model_metadata("digits"),
            "raw": raw.as_numpy("probabilities").tolist(),
            "text": text.as_numpy("probabilities").tolist(),
            "id": raw.get_response()["id"],
            "later": [one.get_result().as_numpy("probabilities").tolist() for one in later],
            "refused": refusals(client),
        }


async def asynchronous(address: str) -> Any:
    async with triton_aio.InferenceServerClient(address) as client:
        answers = await asyncio.gather(*(client.infer("digits", [image(binary=True)]) for _ in range(4)))
        return [answer.as_numpy("probabilities").tolist() for answer in answers]


def main(address: str) -> None:
    found = {"sync": synchronous(address), "aio": asyncio.run(asynchronous(address))}
    found["ours"] = sorted(name for name in sys.modules if name.split(".")[0] in {"serving", "penstock_client"})
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
