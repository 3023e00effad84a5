"""The gRPC port at both ends of a gateway's life: taken when it starts, drained when it stops."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from serving.grpc import inference_pb2 as messages
from tests.processes import GatewayProcess, StartGateway

CLIENTS = 4


def test_a_taken_port_is_one_clear_line(
    gateway: GatewayProcess, trained_models: Path, start_gateway: StartGateway
) -> None:
    port = gateway.grpc_address.rsplit(":", 1)[1]
    reason = f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another with --grpc-port"
    with pytest.raises(AssertionError, match=reason):
        start_gateway("--models", str(trained_models), "--grpc-port", port)


def test_stop_under_load_answers_everything_it_took(start_gateway: StartGateway, trained_models: Path) -> None:
    gateway = start_gateway("--models", str(trained_models))
    answered = threading.Semaphore(0)
    request = messages.ModelInferRequest(model_name="digits")
    request.inputs.add(name="image", datatype="FP32", shape=[1, 8, 8]).contents.fp32_contents.extend([0.0] * 64)

    def ask_until_refused(_: int) -> grpc.StatusCode:
        with grpc.insecure_channel(gateway.grpc_address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            ask = channel.unary_unary(
                "/inference.GRPCInferenceService/ModelInfer",
                request_serializer=messages.ModelInferRequest.SerializeToString,
                response_deserializer=messages.ModelInferResponse.FromString,
            )
            try:
                while True:
                    assert ask(request, timeout=30).model_name == "digits"
                    answered.release()
            except grpc.RpcError as refused:
                return refused.code()

    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(ask_until_refused, number) for number in range(CLIENTS)]
        for _ in range(10 * CLIENTS):
            assert answered.acquire(timeout=30)
        exit_code = gateway.stop()
        ends = {future.result() for future in asking}
    assert exit_code == 0
    # A call that gRPC had received and not yet handed over is cancelled by gRPC itself: refused, not lost.
    assert ends <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
