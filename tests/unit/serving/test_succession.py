import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.backend_protocol import Arrays, Target
from serving.catalog import ModelReference
from serving.contract.manifest import Manifest
from serving.contract.tensors import Array
from serving.errors import BackendUnavailable, ModelNotReady, PenstockError
from serving.model_store.labels import set_label
from serving.prediction import Prediction, PredictRequest
from tests.unit.serving.gateway_parts import Parts, doubled, started_parts
from tests.unit.serving.test_predict import NEVER_SECONDS, rows

GONE = ModelNotReady("version 1 of model doubles is not loaded")
UNNAMED, STABLE, NUMBERED = (
    ModelReference("doubles"),
    ModelReference("doubles", label="stable"),
    ModelReference("doubles", 1),
)


class Server:
    """A backend whose version 1 has gone: its first call tells so, and `stable` moves on to 2, which the catalog hears
    of before or after it.
    """

    def __init__(self, models: Path, error: PenstockError, *, late: bool, moves: bool = True) -> None:
        self._models, self._error, self._late, self._moves = models, error, late, moves
        self.versions: list[int] = []
        self.called = asyncio.Event()
        self.parts: Parts
        set_label(models, "doubles", "stable", 1, by="test", reason="", now=datetime.now(UTC))

    def run(self, target: Target, inputs: Arrays) -> dict[str, Array]:
        self.versions.append(target.version)
        self.called.set()
        if target.version == 2:
            return doubled(target, inputs)
        if self._late:
            self._heard = asyncio.get_running_loop().create_task(self.move())
        raise self._error

    async def move(self) -> None:
        if self._moves:
            set_label(self._models, "doubles", "stable", 2, by="test", reason="", now=datetime.now(UTC))
        await self.parts.catalog.renew()


@pytest.fixture
def models(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Path:
    for version in (1, 2):
        write_version(manifest_with(version=version))
    return tmp_path / "models"


def asked(
    server: Server, models: Path, reference: ModelReference, *, awaited: bool, seconds: float = 30.0
) -> Prediction | Exception:
    """What became of one request that went to version 1."""

    async def run() -> Prediction | Exception:
        server.parts = parts = await started_parts(models, run=server.run)
        deadline = asyncio.get_running_loop().time() + seconds
        request = PredictRequest(reference, "serving_default", rows(1, 2), dear=False, deadline_seconds=deadline)
        if awaited:
            asking = asyncio.create_task(parts.predictor.predict(request))
            return (await asyncio.gather(asking, return_exceptions=True))[0]  # type: ignore[return-value] # no base ones
        told: asyncio.Future[Prediction | Exception] = asyncio.get_running_loop().create_future()
        begun = parts.predictor.begin(request, told.set_result)
        outcome = await told
        assert begun
        assert begun.done()
        return outcome

    return asyncio.run(run())


@pytest.mark.parametrize("awaited", [True, False])
@pytest.mark.parametrize("reference", [UNNAMED, STABLE])
def test_a_request_whose_version_has_gone_is_answered_by_the_one_that_follows(
    models: Path, reference: ModelReference, *, awaited: bool
) -> None:
    server = Server(models, GONE, late=True)
    outcome = asked(server, models, reference, awaited=awaited)
    assert isinstance(outcome, Prediction), outcome
    assert outcome.servable.version == 2
    assert outcome.outputs["value"].tolist() == [[2.0], [4.0]]
    assert server.versions == [1, 2]


@pytest.mark.parametrize("awaited", [True, False])
@pytest.mark.parametrize(
    ("reference", "moves", "error"),
    [(NUMBERED, True, GONE), (UNNAMED, False, BackendUnavailable("nobody is there"))],
)
def test_a_number_means_that_version_and_a_server_out_of_reach_is_not_waited_for(
    models: Path, reference: ModelReference, error: PenstockError, *, moves: bool, awaited: bool
) -> None:
    server = Server(models, error, late=True, moves=moves)
    assert asked(server, models, reference, awaited=awaited) is error
    assert server.versions == [1]


@pytest.mark.parametrize("awaited", [True, False])
def test_without_another_version_the_error_is_told_before_the_deadline(models: Path, *, awaited: bool) -> None:
    server = Server(models, GONE, late=False)
    assert asked(server, models, UNNAMED, awaited=awaited, seconds=0.2) is GONE


def test_whoever_goes_while_it_is_asked_again_is_told_nothing(models: Path) -> None:
    server = Server(models, GONE, late=False)

    async def run() -> tuple[bool, bool, list[object]]:
        server.parts = parts = await started_parts(models, run=server.run)
        told: list[object] = []
        request = PredictRequest(UNNAMED, "serving_default", rows(1), dear=False, deadline_seconds=NEVER_SECONDS)
        begun = parts.predictor.begin(request, told.append)
        assert begun
        await server.called.wait()
        cancelled = begun.cancel()
        await server.move()
        return cancelled, begun.cancel(), told

    assert asyncio.run(run()) == (True, False, [])
    assert server.versions == [1]
