"""Bearer tokens at a real gateway that asks an issuer for its keys: over REST, over gRPC, and while time goes by."""

import http.client
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest

from serving.access.tokens import LEEWAY_SECONDS
from serving.backends.tensorflow_messages import message_module
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.access.issuer import Issuer, running_issuer
from tests.issuer_parts import AUDIENCE, claims, jwk, jwks, token
from tests.processes import GatewayProcess, StartGateway, penstock

BOUND_SECONDS = 60.0
BODY = b'{"instances": [1.0, 2.0]}'
SCOPE = "penstock:predict penstock:read penstock:model:doubles"
Predict = message_module("tensorflow_serving.apis.predict_pb2")
PREDICT = "/tensorflow.serving.PredictionService/Predict"
FLOAT = 1


@dataclass(frozen=True)
class Guarded:
    """A gateway that knows an issuer and a file of keys."""

    gateway: GatewayProcess
    issuer: Issuer
    file: Path
    key: str

    def token(self, *, lasts_seconds: float = 300.0, **changed: object) -> str:
        """As the gateway sees it: the leeway that it gives is taken off."""
        expires_at = time.time() + lasts_seconds - LEEWAY_SECONDS
        said = claims(**{"iss": self.issuer.url, "exp": expires_at, "scope": SCOPE, **changed})
        return token(said, kind="ec", algorithm="ES256").decode()

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(urlsplit(self.gateway.url).netloc, timeout=BOUND_SECONDS)
        try:
            yield connection
        finally:
            connection.close()

    def healthy(self) -> dict[str, str]:
        found = re.findall(r'penstock_credentials_healthy\{source="(\w+)"\} (\S+)', self.gateway.get("/metrics"))
        return dict(found)


@pytest.fixture(scope="module")
def guarded(start_gateway_session: StartGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    publish_in_miniature(folder / "models", doubles_manifest())
    key = penstock("keys", "new", "shop", "--file", str(folder / "keys.toml")).stdout.strip()
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("ec")))
        gateway = start_gateway_session(
            *("--backend", "in_memory", "--models", str(folder / "models")),
            PENSTOCK_TOKEN_ISSUER=issuer.url,
            PENSTOCK_TOKEN_AUDIENCE=AUDIENCE,
            PENSTOCK_API_KEYS=str(folder / "keys.toml"),
            PENSTOCK_OPEN_METRICS="true",
            PENSTOCK_POLL_SECONDS="0.05",
        )
        here = Guarded(gateway, issuer, folder / "keys.toml", key)
        until(lambda: here.healthy() == {"keys": "1.0", "tokens": "1.0"})
        yield here


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < deadline


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
