"""Versions that a model server takes up and drops while 8 clients ask a gateway in front of it: nobody fails."""

from datetime import UTC, datetime
from pathlib import Path

from serving.model_store.labels import set_label
from serving.model_store.prune import prune
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import clients_asking, golden_instance, publish_again, until

MODEL, ROUNDS = "digits", 4


def fronted(start_gateway: StartGateway, models: Path) -> GatewayProcess:
    behind = start_gateway("--models", str(models))
    return start_gateway(
        *("--models", str(models), "--backend", "tfserving", "--tfserving-addresses", behind.grpc_address)
    )


def live(gateway: GatewayProcess) -> set[int]:
    states = gateway.get(f"/v1/models/{MODEL}")["model_version_status"]
    return {int(each["version"]) for each in states if each["state"] == "AVAILABLE"}


def test_the_newest_version_takes_over_from_one_that_its_server_drops(
    start_gateway: StartGateway, own_models: Path
) -> None:
    front = fronted(start_gateway, own_models)
    with clients_asking(front.url, MODEL, golden_instance(own_models, MODEL)) as asking:
        for _ in range(ROUNDS):
            version = publish_again(own_models, MODEL)
            until(lambda version=version: live(front) == {version})  # type: ignore[misc] # bound at once
    answers = [answer for answers in asking.answers for answer in answers]
    assert len({answer.version for answer in answers}) == ROUNDS + 1


def test_a_labels_version_takes_over_from_one_that_its_server_drops(
    start_gateway: StartGateway, own_models: Path
) -> None:
    set_label(own_models, MODEL, "stable", 1, by="test", reason="", now=datetime.now(UTC))
    front = fronted(start_gateway, own_models)
    with clients_asking(front.url, MODEL, golden_instance(own_models, MODEL), (None, "stable")) as asking:
        for _ in range(ROUNDS):
            version = publish_again(own_models, MODEL)
            until(lambda version=version: version in live(front))  # type: ignore[misc] # bound at once
            set_label(own_models, MODEL, "stable", version, by="test", reason="", now=datetime.now(UTC))
            prune(own_models, MODEL, keep=1, by="test", reason="", now=datetime.now(UTC))
            until(lambda version=version: live(front) == {version})  # type: ignore[misc] # bound at once
    answers = [answer for answers in asking.answers for answer in answers]
    assert len({answer.version for answer in answers}) == ROUNDS + 1
