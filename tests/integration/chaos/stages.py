"""What is put under storm: a gateway of two workers before a model server, and one that runs the models itself."""

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.integration.chaos.faults.callers import VanishingCallers
from tests.integration.chaos.faults.clocks import Clock, JumpingClock, clock_library
from tests.integration.chaos.faults.corruption import CorruptedVersion
from tests.integration.chaos.faults.disks import FullDisk, HungDisk, SlowDisk
from tests.integration.chaos.faults.fault import Fault
from tests.integration.chaos.faults.network import SpoiltNetwork, running_proxy
from tests.integration.chaos.faults.processes import (
    KilledServer,
    KilledWorker,
    StoppedServer,
    StoppedWorker,
    wait_for_workers,
)
from tests.integration.chaos.faults.publishing import PublishingStorm
from tests.integration.chaos.faults.resources import NoDescriptors, NoMemory
from tests.integration.chaos.faults.threads import NoThreads, becoming
from tests.integration.chaos.proxy import Mode
from tests.integration.tfserving.conftest import free_port
from tests.preloaded import run_preloaded
from tests.processes import GatewayProcess, StartGateway, start_gateway_process

WORKERS = 2
EXPORT = Path(__file__).with_name("export_doubles.py")
POLL_SECONDS = "0.2"
SETTINGS = """
prediction_log = {log}
max_queue_bytes = 67108864
[model.doubles]
prediction_log_share = 1.0
"""


@dataclass(frozen=True)
class Stage:
    """A gateway that serves `doubles`, and all that may befall it there."""

    name: str
    gateway: GatewayProcess
    faults: Sequence[Fault]
    before_stop: Callable[[], object] = lambda: None
    """What befalls it at last, under which it is to stop well."""


Raised: TypeAlias = contextlib.AbstractContextManager[Stage]
Raise: TypeAlias = Callable[[Path, random.Random, int], Raised]
"""A stage in its folder, which has a model directory `models`; seeded; with the changes of a publishing storm."""


def export_doubles(models: Path) -> None:
    ran = run_preloaded([EXPORT, models])
    assert ran.returncode == 0, ran.stderr


@contextmanager
def behind(folder: Path, chance: random.Random, _: int) -> Iterator[Stage]:
    """Two workers of a gateway, the proxy, and the one model server."""
    models = ("--models", str(folder / "models"))
    with contextlib.ExitStack() as stack:
        port, start = free_port(), starter(stack)
        clocks = clocks_in(folder, "model server", "gateway")

        def start_server() -> GatewayProcess:
            return start(*models, "--grpc-port", str(port), **environment(clocks, "model server"))

        killed = KilledServer(start_server(), start_server)
        proxy = stack.enter_context(running_proxy(port, chance.randrange(1000)))
        gateway = start(
            *(*models, "--workers", str(WORKERS), "--backend", "tfserving"),
            *("--tfserving-addresses", f"127.0.0.1:{proxy.port}"),
            **environment(clocks, "gateway"),
        )
        wait_for_workers(gateway, WORKERS)
        worker = chance.randrange(WORKERS)
        faults: list[Fault] = [SpoiltNetwork(proxy, mode) for mode in Mode if mode is not Mode.PASS]
        faults += [killed, StoppedServer(killed), KilledWorker(gateway, worker), StoppedWorker(gateway, 1 - worker)]
        faults += [JumpingClock(clock, whose) for whose, clock in clocks.items()]
        yield Stage("two workers before a model server", gateway, faults)


@contextmanager
def alone(folder: Path, chance: random.Random, changes: int) -> Iterator[Stage]:
    """One process with TensorFlow in it, which keeps a prediction log."""
    models, log = folder / "models", folder / "log"
    (folder / "penstock.toml").write_text(SETTINGS.format(log=json.dumps(str(log))))
    with contextlib.ExitStack() as stack:
        gateway = starter(stack)(
            *("--models", str(models), "--settings", str(folder / "penstock.toml")),
            PENSTOCK_POLL_SECONDS=POLL_SECONDS,
        )
        faults: list[Fault] = [
            PublishingStorm(models, chance, changes),
            CorruptedVersion(gateway, models, chance),
            HungDisk(models),
            SlowDisk(models),
            FullDisk(gateway, log),
            NoDescriptors(gateway),
            NoMemory(gateway),
            VanishingCallers(gateway, chance),
        ]
        yield Stage("one process that runs the models", gateway, faults)


@contextmanager
def bounded(folder: Path, _: random.Random, __: int) -> Iterator[Stage]:
    """One process with TensorFlow in it, of a user whose threads the kernel counts."""
    models = folder / "models"
    with contextlib.ExitStack() as stack:
        arguments = ("--models", str(models))
        gateway = start_gateway_process(stack, arguments, {"PENSTOCK_POLL_SECONDS": POLL_SECONDS}, becoming())
        fault = NoThreads(gateway, models)
        yield Stage("one process that comes to its limit of threads", gateway, [fault], fault.forbid)


def clocks_in(folder: Path, *whose: str) -> dict[str, Clock]:
    """None where the library is not installed."""
    library = clock_library()
    return {each: Clock(library, folder / each) for each in whose} if library else {}


def environment(clocks: Mapping[str, Clock], whose: str) -> dict[str, str]:
    return clocks[whose].environment if whose in clocks else {}


def starter(stack: contextlib.ExitStack) -> StartGateway:
    def start(*arguments: str, **environment: str) -> GatewayProcess:
        return start_gateway_process(stack, arguments, environment)

    return start
