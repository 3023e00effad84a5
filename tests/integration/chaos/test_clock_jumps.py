"""The wall clock of a running gateway jumps a day forth and two back: what waits goes by the monotonic clock, and must
not notice.
"""

import http.client
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from serving.model_store.labels import set_label
from tests.conftest import absent
from tests.integration.chaos.faults.clocks import Clock, clock_library
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import BOUND_SECONDS, clients_asking, golden_instance, publish_again, until

DAY = timedelta(days=1)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    library = clock_library()
    return Clock(library, tmp_path / "time") if library else absent("needs libfaketime (Debian package libfaketime)")


def told(gateway: GatewayProcess) -> datetime:
    """The gateway's own time, by the head of an answer."""
    _, _, headers = gateway.post("/v1/models/digits:predict", b"{}")
    return parsedate_to_datetime(headers["date"])


@pytest.mark.parametrize("jumps", [(DAY, -DAY), (-DAY, DAY)])
def test_requests_deadlines_and_watches_go_on_when_the_clock_jumps(
    start_gateway: StartGateway, own_models: Path, clock: Clock, jumps: tuple[timedelta, timedelta]
) -> None:
    set_label(own_models, "digits", "stable", 1, by="test", reason="", now=datetime.now(UTC))
    gateway = start_gateway("--models", str(own_models), **clock.environment)
    instance = golden_instance(own_models, "digits")
    with clients_asking(gateway.url, "digits", instance) as asking:
        for jump in jumps:
            clock.jump(jump)
            until(lambda jump=jump: abs(told(gateway) - datetime.now(UTC) - jump) < DAY / 2)  # type: ignore[misc] # at once
            version = publish_again(own_models, "digits")
            set_label(own_models, "digits", "stable", version, by="test", reason="", now=datetime.now(UTC))
            until(lambda version=version: any(answer.version == version for answer in asking.answers[0][-1:]))  # type: ignore[misc] # at once
            assert refused_for_time(gateway, instance) == 504
    versions = {answer.version for answers in asking.answers for answer in answers}
    assert versions == {1, 2, 3}


def refused_for_time(gateway: GatewayProcess, instance: object) -> int:
    """The status of a request whose deadline of a microsecond passes before it is decoded."""
    headers = {"content-type": "application/json", "x-request-timeout-ms": "0.001"}
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=BOUND_SECONDS)
    with closing(connection):
        connection.request("POST", "/v1/models/digits:predict", json.dumps({"instances": [instance]}), headers)
        return connection.getresponse().status
