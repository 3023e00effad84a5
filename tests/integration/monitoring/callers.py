"""Requests of every protocol, good and bad, with a count of what was answered."""

import http.client
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import numpy as np

from serving.backends.tensorflow_messages import message_module
from serving.grpc import inference_pb2 as inference
from tests.processes import GatewayProcess

Predict = message_module("tensorflow_serving.apis.predict_pb2")
PREDICT, INFER = "/tensorflow.serving.PredictionService/Predict", "/inference.GRPCInferenceService/ModelInfer"
PROTOCOLS = ("rest_v1", "rest_v2", "grpc_tfs", "grpc_v2")


class Caller:
    """One connection of each kind to a gateway; asks with one row of one tensor, filled with one number. For one
    thread.
    """

    def __init__(self, gateway: GatewayProcess, tensor: str, *shape: int) -> None:
        """`shape` is that of a row."""
        self._http = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)
        own = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.insecure_channel(gateway.grpc_address, options=own)
        self._tensor, self._shape, self._size = tensor, (1, *shape), math.prod(shape)
        self.answers: Counter[tuple[str, str]] = Counter()
        """By protocol and code, those of requests whose answer came."""

    def rest(self, path: str, body: object, protocol: str, **headers: str) -> str:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._http.request("POST", path, json.dumps(body), given)
            answer = self._http.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            return "lost"
        self.answers[protocol, str(answer.status)] += 1
        return str(answer.status)

    def rest_v1(self, model: str, end: str = "", *, value: float = 1.0, signature: str = "", **headers: str) -> str:
        rows = np.full(self._shape, value).tolist()
        body = {"instances": rows, **({"signature_name": signature} if signature else {})}
        return self.rest(f"/v1/models/{model}{end}:predict", body, "rest_v1", **headers)

    def rest_v2(self, model: str, end: str = "", *, value: float = 1.0, **headers: str) -> str:
        data = [value] * self._size
        tensor = {"name": self._tensor, "datatype": "FP32", "shape": self._shape, "data": data}
        return self.rest(f"/v2/models/{model}{end}/infer", {"inputs": [tensor]}, "rest_v2", **headers)

    def grpc_tfs(
        self,
        model: str,
        *,
        value: float = 1.0,
        rows: int = 1,
        version: int = 0,
        label: str = "",
        signature: str = "",
    ) -> str:
        request = Predict.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = model, signature
        if version:
            request.model_spec.version.value = version
        if label:
            request.model_spec.version_label = label
        tensor = request.inputs[self._tensor]
        tensor.dtype = 1
        for size in (rows, *self._shape[1:]):
            tensor.tensor_shape.dim.add(size=size)
        tensor.float_val.append(value)
        return self._call(PREDICT, request.SerializeToString(), "grpc_tfs")

    def grpc_v2(self, model: str, version: str = "", *, value: float = 1.0) -> str:
        request = inference.ModelInferRequest(model_name=model, model_version=version)
        tensor = request.inputs.add(name=self._tensor, datatype="FP32", shape=self._shape)
        tensor.contents.fp32_contents.extend([value] * self._size)
        return self._call(INFER, request.SerializeToString(), "grpc_v2")

    def _call(self, method: str, request: bytes, protocol: str) -> str:
        code = "OK"
        try:
            self._channel.unary_unary(method)(request, timeout=60)
        except grpc.RpcError as refused:
            code = refused.code().name
            if refused.trailing_metadata() is None or not _is_answer(refused):
                return "lost"
        self.answers[protocol, code] += 1
        return code

    def close(self) -> None:
        self._http.close()
        self._channel.close()


def _is_answer(error: Any) -> bool:
    """Whether the gateway itself answered, and no connection broke: its errors carry the request's id."""
    return any(key == "x-request-id" for key, _ in error.trailing_metadata())


@contextmanager
def asking_on(*callers: Callable[[], object]) -> Iterator[None]:
    """While the block lasts, each is called again and again, in a thread of its own."""
    ended = threading.Event()

    def ask(call: Callable[[], object]) -> None:
        while not ended.is_set():
            call()

    with ThreadPoolExecutor(len(callers)) as pool:
        asking = [pool.submit(ask, call) for call in callers]
        try:
            yield
        finally:
            ended.set()
            with suppress(TimeoutError):
                for each in asking:
                    each.result(60)
