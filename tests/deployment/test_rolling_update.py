"""A rolling update rehearsed with processes: gateways behind a balancer are replaced as Kubernetes replaces pods.

Under load, REST and gRPC, nothing is lost as long as what the manifests promise holds: a new pod gets requests once it
is ready, an old one is taken out of the endpoints, waits (preStop), gets SIGTERM, and is over before its grace is.
"""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.deployment.choice import Choice, layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.grpc import inference_pb2
from tests.deployment.balancer import Balancer, Callers, ask_grpc, ask_rest, rest_address
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import GatewayProcess, StartGateway

BODY = b'{"instances": [{"x": 1.0}]}'
CALLERS = 4


@pytest.fixture
def models(tmp_path: Path) -> Path:
    publish_in_miniature(tmp_path / "models", doubles_manifest())
    return tmp_path / "models"


@pytest.fixture
def balancer(program: Callable[[str], str], tmp_path: Path) -> Iterator[Balancer]:
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], other.getsockname()[1]
    folder = tmp_path / "nginx"
    folder.mkdir()
    made = Balancer(program("nginx"), folder, *ports)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def manifest() -> Any:
    """The gateway's Deployment and its settings, as the overlay `cpu` has them."""
    objects = evaluate(*layered(read_manifests(), Choice("cpu")))
    named = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    return named["Deployment", "gateway"], named["ConfigMap", "penstock-config"]["data"]


def test_a_rolling_update_loses_no_request_and_no_call(
    manifest: Any, models: Path, balancer: Balancer, start_gateway: StartGateway
) -> None:
    deployment, config = manifest
    pod = deployment["spec"]["template"]["spec"]
    (container,) = (each for each in pod["containers"] if each["name"] == "gateway")
    pre_stop_seconds = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    ready = container["readinessProbe"]["httpGet"]["path"]
    settings = {"PENSTOCK_BACKEND": "in_memory", "PENSTOCK_DRAIN_SECONDS": config["PENSTOCK_DRAIN_SECONDS"]}

    def pod_started() -> GatewayProcess:
        started = start_gateway("--models", str(models), **settings)
        assert started.get(ready)
        return started

    old, kept = pod_started(), pod_started()
    balancer.route([old, kept])
    url = f"http://127.0.0.1:{balancer.port}/v1/models/doubles:predict"
    with grpc.insecure_channel(f"127.0.0.1:{balancer.grpc_port}") as channel:
        rest, calls = Callers(partial(ask_rest, url, BODY)), Callers(partial(ask_grpc, channel, infer_request()))

        def both_answered_by(*gateways: GatewayProcess) -> None:
            rest.wait_for([rest_address(each) for each in gateways], 50)
            calls.wait_for([each.grpc_address for each in gateways], 50)

        with rest.asking(CALLERS), calls.asking(CALLERS):
            both_answered_by(old, kept)
            new = pod_started()  # maxSurge 1, maxUnavailable 0: it is ready before an old one goes
            balancer.route([old, kept, new])
            both_answered_by(new)

            begun = time.monotonic()
            balancer.route([kept, new])  # a pod that is terminating is no endpoint any more
            subprocess.run(["sleep", str(pre_stop_seconds)], check=True)
            assert old.stop() == 0
            assert time.monotonic() - begun < pod["terminationGracePeriodSeconds"], "SIGKILL would have come first"
            both_answered_by(kept, new)
    assert rest.failures == []
    assert calls.failures == []


def infer_request() -> inference_pb2.ModelInferRequest:
    request = inference_pb2.ModelInferRequest(model_name="doubles")
    row = request.inputs.add(name="x", datatype="FP32", shape=[1])
    row.contents.fp32_contents.append(1.0)
    return request
