"""A model server that passes everything on to a good one, but for one model's Predict, which it answers oddly."""

import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any, Self

import grpc

from serving.backends.tensorflow_messages import message_module

PREDICT = "/tensorflow.serving.PredictionService/Predict"
MODEL = "digits"


def nonsense(_: Any) -> bytes:
    return b"\xff\xfe\xfd"


def nothing(_: Any) -> bytes:
    return b""


def one_row_less(answer: Any) -> bytes:
    answer.outputs["probabilities"].tensor_shape.dim[0].size -= 1
    return bytes(answer.SerializeToString())


def another_dtype(answer: Any) -> bytes:
    answer.outputs["probabilities"].dtype = 9
    return bytes(answer.SerializeToString())


def another_name(answer: Any) -> bytes:
    answer.outputs["probability"].CopyFrom(answer.outputs.pop("probabilities"))
    return bytes(answer.SerializeToString())


class OddServer(grpc.GenericRpcHandler):  # type: ignore[misc] # gRPC comes without types
    """`spoil` makes an odd answer of a good one; without it the call is taken and never answered."""

    def __init__(self, good: str, spoil: Callable[[Any], bytes] | None) -> None:
        predict = message_module("tensorflow_serving.apis.predict_pb2")
        self._request, self._response = predict.PredictRequest, predict.PredictResponse
        self._good = grpc.insecure_channel(good)
        self._spoil = spoil
        self._ending = threading.Event()
        self.predicts = 0
        self._server = grpc.server(futures.ThreadPoolExecutor(32))
        self._server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.stop(None).wait()
        self._good.close()

    def service(self, details: Any) -> Any:
        def answer(request: bytes, context: Any) -> bytes:
            odd = details.method == PREDICT and self._request.FromString(request).model_spec.name == MODEL
            if odd:
                self.predicts += 1
                if self._spoil is None:
                    self._ending.wait()
            try:
                good: bytes = self._good.unary_unary(details.method)(request, timeout=10.0)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
            return self._spoil(self._response.FromString(good)) if odd and self._spoil else good

        return grpc.unary_unary_rpc_method_handler(answer)
