"""The whole protocol by a gateway whose models run elsewhere, and by one that only makes answers up."""

import re
from pathlib import Path

from serving.model_store.labels import read_labels
from serving.model_store.traffic import NO_TRAFFIC, read_traffic
from tests.integration.promotion.conftest import Promote
from tests.processes import GatewayProcess, StartGateway, penstock
from tests.swaps import clients_asking, golden_instance

STEPS = [
    *("checksums", "loaded", "batch sizes", "golden examples", "mirrored requests"),
    *("label stable", "answering", "watch"),
]


def fronted(start_gateway: StartGateway, models: Path) -> GatewayProcess:
    """A gateway before one of the same directory, which stands in for TensorFlow Serving."""
    behind = start_gateway("--models", str(models))
    return start_gateway(
        *("--models", str(models), "--backend", "tfserving", "--tfserving-addresses", behind.grpc_address)
    )


def test_a_model_server_behind_the_gateway_takes_every_step_and_a_roll_back_under_load(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote
) -> None:
    front = fronted(start_gateway, pinned_models)
    with clients_asking(front.url, "digits", golden_instance(pinned_models, "digits"), (None, "stable")) as asking:
        printed, _ = promote(front, 2, "--shadow", "10", "--most-different", "0", "--watch", "1.5")
        rolled = penstock("models", "rollback", "digits", "--models", str(pinned_models), "--gateway", front.url)
    print(printed, rolled.stdout)  # noqa: T201 - figures for whoever looks
    assert re.findall(r"\d/8 ([a-z ]+) \.\.\. (?:ok|not checked) ", printed) == STEPS
    assert "1, 2, 4, 8, 16, 32, 64 rows" in printed
    assert re.search(r"^answering with version 1 after \d\.\d s$", rolled.stdout, re.MULTILINE)
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    assert read_traffic(pinned_models, "digits") == NO_TRAFFIC
    for answers in asking.answers:
        assert {answer.version for answer in answers} <= {1, 2}
        assert answers[-1].version == 1


def test_what_the_model_server_cannot_load_or_answers_otherwise_leaves_the_label(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote
) -> None:
    front = fronted(start_gateway, pinned_models)
    with clients_asking(front.url, "digits", golden_instance(pinned_models, "digits")) as asking:
        refusals = {version: promote(front, version, code=1)[1] for version in (4, 5)}
    assert "golden example 1 of 1 is answered otherwise" in refusals[4]
    assert "the gateway cannot load it" in refusals[5]
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    assert {answer.version for answers in asking.answers for answer in answers} == {1}


def test_made_up_answers_are_promoted_to_by_nobody_and_rolled_back_from_at_once(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote
) -> None:
    gateway = start_gateway("--models", str(pinned_models), "--backend", "in_memory")
    with clients_asking(gateway.url, "digits", golden_instance(pinned_models, "digits")):
        assert "golden example 1 of 4 is answered otherwise" in promote(gateway, 2, code=1)[1]
        assert read_labels(pinned_models, "digits") == {"stable": 1}
        place = ("--models", str(pinned_models))
        penstock("models", "promote", "digits", "2", "--offline", *place)
        rolled = penstock("models", "rollback", "digits", *place, "--gateway", gateway.url)
    assert re.search(r"^answering with version 1 after \d\.\d s$", rolled.stdout, re.MULTILINE)
