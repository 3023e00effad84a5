"""Bearer tokens at a real gateway that asks an issuer for its keys: over REST, over gRPC, and while time goes by."""

import http.client
from typing import Any

import grpc
import pytest

from serving.backends.tensorflow_messages import message_module
from tests.integration.access.guarded import BOUND_SECONDS, Guarded, until
from tests.processes import GatewayProcess

BODY = b'{"instances": [1.0, 2.0]}'
Predict = message_module("tensorflow_serving.apis.predict_pb2")
PREDICT = "/tensorflow.serving.PredictionService/Predict"
FLOAT = 1


def asked(connection: http.client.HTTPConnection, bearer: str, model: str = "doubles") -> int:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
    connection.request("POST", f"/v1/models/{model}:predict", BODY, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def asked_by_grpc(gateway: GatewayProcess, bearer: str, model: str = "doubles") -> grpc.StatusCode:
    request = Predict.PredictRequest()
    request.model_spec.name = model
    request.inputs["x"].dtype = FLOAT
    request.inputs["x"].tensor_shape.dim.add(size=1)
    request.inputs["x"].float_val.append(1.0)
    with grpc.insecure_channel(gateway.grpc_address) as channel:
        metadata = [("authorization", f"Bearer {bearer}")]
        call = channel.unary_unary(PREDICT)
        try:
            call(request.SerializeToString(), metadata=metadata, timeout=BOUND_SECONDS)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


CASES: dict[str, tuple[dict[str, Any], int, grpc.StatusCode]] = {
    "good": ({}, 200, grpc.StatusCode.OK),
    "another audience": ({"aud": "somebody-else"}, 401, grpc.StatusCode.UNAUTHENTICATED),
    "another issuer": ({"iss": "https://issuer.example.com"}, 401, grpc.StatusCode.UNAUTHENTICATED),
    "expired": ({"exp": 1_700_000_000}, 401, grpc.StatusCode.UNAUTHENTICATED),
    "another model": ({"scope": "penstock:predict penstock:model:others"}, 403, grpc.StatusCode.PERMISSION_DENIED),
    "no model": ({"scope": "penstock:predict"}, 403, grpc.StatusCode.PERMISSION_DENIED),
    "to read only": ({"scope": "penstock:read penstock:model:*"}, 403, grpc.StatusCode.PERMISSION_DENIED),
}


@pytest.mark.parametrize("case", CASES)
def test_a_token_is_judged_alike_by_both_protocols(guarded: Guarded, case: str) -> None:
    changed, status, code = CASES[case]
    bearer = guarded.token(**changed)
    with guarded.connected() as connection:
        assert asked(connection, bearer) == status
        assert asked(connection, bearer) == status  # known by now
    assert asked_by_grpc(guarded.gateway, bearer) is code


def test_a_token_that_expires_ends_in_the_middle_of_a_connection(guarded: Guarded) -> None:
    with guarded.connected() as connection:
        lasts_seconds, first = 1.0, 0
        while first != 200:  # a machine so busy that it was over before it was asked with
            assert lasts_seconds < BOUND_SECONDS
            bearer = guarded.token(lasts_seconds=lasts_seconds)
            first, lasts_seconds = asked(connection, bearer), 2 * lasts_seconds
        socket = connection.sock
        seen = set[int]()

        def refused() -> bool:
            seen.add(asked(connection, bearer))
            return 401 in seen

        until(refused)
        assert seen <= {200, 401}
        assert asked(connection, guarded.token()) == 200
        assert connection.sock is socket


def test_a_key_file_that_breaks_shows_and_locks_nobody_out(guarded: Guarded) -> None:
    good = guarded.file.read_text()
    guarded.file.write_text("no TOML")
    until(lambda: guarded.healthy() == {"keys": "0.0", "tokens": "1.0"})
    with guarded.connected() as connection:
        assert asked(connection, guarded.token()) == 200
        assert asked(connection, guarded.key) == 200
    guarded.file.write_text(good)
    until(lambda: guarded.healthy()["keys"] == "1.0")
