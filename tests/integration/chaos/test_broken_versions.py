"""A gateway that starts where the newest versions of a model are broken."""

from pathlib import Path

import pytest

from tests.processes import StartGateway
from tests.swaps import publish_again


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_the_newest_version_that_loads_answers_from_the_start(
    start_gateway: StartGateway, own_models: Path, broken: int
) -> None:
    publish_again(own_models, "digits")
    for _ in range(broken):
        publish_again(own_models, "digits", spoil=lambda staged: staged.saved_model.write_bytes(b"not a SavedModel"))
    gateway = start_gateway("--models", str(own_models), PENSTOCK_POLL_SECONDS="60")
    states = {
        int(each["version"]): (each["state"], bool(each["status"]["error_message"]))
        for each in gateway.get("/v1/models/digits")["model_version_status"]
    }
    assert states == {2: ("AVAILABLE", False), **dict.fromkeys(range(3, 3 + broken), ("END", True))}
