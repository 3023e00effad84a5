import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.backend_protocol import Target
from serving.backends.in_memory import Turn
from serving.catalog import ModelReference
from serving.contract.features import Feature
from serving.contract.manifest import Export, Manifest
from serving.contract.tensors import Array
from serving.errors import BackendUnavailable, DeadlineExceeded, Overloaded, PenstockError, UnknownModel, WrongDtype
from serving.predict import Decode, Prediction, PredictRequest
from tests.unit.serving.gateway_parts import FOREVER, Parts, started_parts

NEVER_SECONDS = float("inf")


def rows(*values: float) -> Decode:
    return lambda _: {"x": np.array(values, np.float32)}


def request(
    decode: Decode, *, model: str = "doubles", dear: bool = False, deadline: float = NEVER_SECONDS
) -> PredictRequest:
    return PredictRequest(ModelReference(model), "serving_default", decode, dear, deadline)


@pytest.fixture
def predict(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> Callable[..., tuple[Prediction, Parts]]:
    """One prediction by version 1; keywords are the manifest's fields and `turns`."""

    async def run(asked: PredictRequest, turns: Sequence[Turn]) -> tuple[Prediction, Parts]:
        parts = await started_parts(tmp_path / "models", turns=turns)
        return await parts.predictor.predict(asked), parts

    def once(asked: PredictRequest, turns: Sequence[Turn] = (), **fields: Any) -> tuple[Prediction, Parts]:
        write_version(manifest_with(**fields))
        return asyncio.run(run(asked, turns))

    return once


def test_a_prediction_has_outputs_by_row_and_says_who_answered(
    predict: Callable[..., tuple[Prediction, Parts]],
) -> None:
    prediction, _ = predict(request(rows(1, 2)))
    assert prediction.outputs["value"].tolist() == [[2.0], [4.0]]
    assert (prediction.servable.version, prediction.receipt.batch_rows) == (1, 2)
    assert prediction.decode_seconds >= 0


def test_a_compiled_version_is_sent_the_sizes_its_manifest_allows(
    predict: Callable[..., tuple[Prediction, Parts]],
) -> None:
    compiled = Export(profile="gpu", allowed_batch_rows=(2,))
    prediction, _ = predict(request(rows(1, 2, 3, 4)), export=compiled)
    assert prediction.outputs["value"].tolist() == [[2.0], [4.0], [6.0], [8.0]]
    assert prediction.receipt.batch_rows == 2


@pytest.mark.parametrize("dear", [False, True])
def test_a_dear_body_is_decoded_off_the_event_loop(
    predict: Callable[..., tuple[Prediction, Parts]], *, dear: bool
) -> None:
    threads: list[threading.Thread] = []

    def decode(_: Sequence[Feature]) -> dict[str, Array]:
        threads.append(threading.current_thread())
        return rows(1)(())

    predict(request(decode, dear=dear))
    assert (threads == [threading.main_thread()]) is not dear


@pytest.mark.parametrize("without_task", [False, True])
def test_who_listens_hears_each_request_once_as_it_was_decoded(
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
    *,
    without_task: bool,
) -> None:
    write_version(manifest_with())

    async def run() -> list[tuple[Target, list[float]]]:
        parts = await started_parts(tmp_path / "models")
        heard: list[tuple[Target, list[float]]] = []
        parts.predictor.tap.listener = lambda plan, inputs: heard.append((plan.target, inputs["x"].tolist()))
        if without_task:
            told = asyncio.get_running_loop().create_future()
            parts.predictor.begin(request(rows(1, 2)), told.set_result)
            await told
        else:
            await parts.predictor.predict(request(rows(1, 2)))
        parts.predictor.tap.listener = None
        await parts.predictor.predict(request(rows(3)))
        return heard

    assert asyncio.run(run()) == [(Target("doubles", 1, "serving_default"), [1, 2])]


def test_the_answering_versions_features_decode(predict: Callable[..., tuple[Prediction, Parts]]) -> None:
    seen: list[str] = []

    def decode(features: Sequence[Feature]) -> dict[str, Array]:
        seen.extend(feature.name for feature in features)
        return rows(1)(features)

    predict(request(decode))
    assert seen == ["x"]


def refuse(_: Sequence[Feature]) -> dict[str, Array]:
    raise WrongDtype("x")


@pytest.mark.parametrize(
    ("asked", "turns", "error"),
    [
        (request(rows(1), model="nope"), (), UnknownModel),
        (request(refuse), (), WrongDtype),
        (request(rows(1), deadline=0.0), (), DeadlineExceeded),
        (request(rows(1)), (Turn(error=BackendUnavailable("gone")),), BackendUnavailable),
    ],
)
def test_an_error_on_the_way_reaches_the_caller(
    predict: Callable[..., tuple[Prediction, Parts]],
    asked: PredictRequest,
    turns: Sequence[Turn],
    error: type[PenstockError],
) -> None:
    with pytest.raises(error):
        predict(asked, turns)


def test_a_deadline_that_passes_while_decoding_never_reaches_the_backend(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with())

    async def work() -> int:
        parts = await started_parts(tmp_path / "models", turns=[FOREVER])
        with pytest.raises(DeadlineExceeded, match="while the request was decoded"):
            await parts.predictor.predict(request(rows(1), deadline=0.0))
        return parts.backend.calls

    assert asyncio.run(work()) == 0


def test_once_one_was_refused_the_next_is_not_read_before_there_is_room(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    reads: list[int] = []

    def read(number: int) -> Decode:
        def decode(_: Sequence[Feature]) -> dict[str, Array]:
            reads.append(number)
            return {"x": np.zeros(4, np.float32)}

        return decode

    async def work() -> list[str]:
        parts = await started_parts(tmp_path / "models", turns=[FOREVER], max_queue_rows=4)
        predict, told = parts.predictor.predict, list[str]()
        flying = asyncio.ensure_future(predict(request(read(1))))
        await asyncio.sleep(0)  # it is queued,
        await asyncio.sleep(0)  # and on its way
        assert parts.predictor.batcher.core.in_flight == 1
        waiting = asyncio.ensure_future(predict(request(read(2))))
        await asyncio.sleep(0)
        for number in (3, 4):
            with pytest.raises(Overloaded):
                await predict(request(read(number)))
            with pytest.raises(Overloaded):
                parts.predictor.begin(request(read(10 + number)), lambda _: told.append("told"))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        flying.cancel()
        await asyncio.gather(flying, return_exceptions=True)
        return told

    write_version(manifest_with())
    assert asyncio.run(work()) == []
    assert reads == [1, 2, 3]
