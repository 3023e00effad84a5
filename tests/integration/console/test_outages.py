"""The console while what it shows goes away and comes back: the model server, then the gateway itself."""

from dataclasses import dataclass
from pathlib import Path

from tests.integration.console.console_parts import Theatre
from tests.integration.tfserving.conftest import free_port
from tests.processes import GatewayProcess, StartGateway


@dataclass
class Stage:
    """A gateway in front of one that stands in for a model server, each of which can be stopped and started again."""

    start: StartGateway
    models: Path
    ports: dict[str, int]
    back: GatewayProcess | None = None
    front: GatewayProcess | None = None

    def start_back(self) -> None:
        port = str(self.ports["back"])
        self.back = self.start("--models", str(self.models), "--grpc-port", port)

    def start_front(self) -> None:
        server = f"127.0.0.1:{self.ports['back']}"
        self.front = self.start(
            *("--models", str(self.models), "--backend", "tfserving", "--tfserving-addresses", server),
            *("--port", str(self.ports["front"])),
        )

    def stop_back(self) -> None:
        assert self.back
        self.back.stop()

    def stop_front(self) -> None:
        assert self.front
        self.front.stop()


def test_the_page_tells_of_outages_and_goes_on_by_itself(
    theatre: Theatre, start_gateway: StartGateway, own_models: Path
) -> None:
    stage = Stage(start_gateway, own_models, {"back": free_port(), "front": free_port()})
    stage.start_back()
    stage.start_front()
    assert stage.front
    wishes = {
        "stop the model server": stage.stop_back,
        "start the model server": stage.start_back,
        "stop the gateway": stage.stop_front,
        "start the gateway": stage.start_front,
    }
    found = theatre.play("outages", stage.front.url, wishes)
    assert found["down"] == "The backend does not answer."
    assert found["up"].startswith("The backend answers again.")
    assert found["lost"] == "The gateway does not answer."
    assert found["back"].startswith("The gateway answers again.")
    assert found["typed"] == "33.3"
