"""What the gateway may rely on, whichever model server answers: one of ours, TensorFlow's own runtime, the real one."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.backend_protocol import Target, VersionState
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import BackendError, BackendUnavailable, DeadlineExceeded, ModelNotReady
from serving.model_store.versions import read_manifest
from tests.integration.tfserving.conftest import Ask, ReferenceServer

SECONDS = 60.0


def deadline() -> float:
    return time.monotonic() + SECONDS


def values(dtype: str, rows: int, *, alike: bool) -> Array:
    """`rows` pairs; all the same where `alike`, so that a list of them may be shortened."""
    plain: Array = np.ones((rows, 2), np.int64) if alike else np.arange(rows * 2).reshape(rows, 2) % 100
    if dtype == "string":
        texts = [f"grün {value}".encode() if value else b"" for value in plain.reshape(-1).tolist()]
        strings: Array = np.empty(len(texts), object)
        strings[:] = texts
        return strings.reshape(rows, 2)
    return plain.astype(NUMPY_DTYPES[dtype])


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("rows", [1, 5])
def test_every_dtype_comes_back_as_it_went(
    server: str, ask: Ask, reference_server: ReferenceServer, *, rows: int, alike: bool
) -> None:
    given = {dtype: values(dtype, rows, alike=alike) for dtype in NUMPY_DTYPES}

    async def run() -> dict[str, Array]:
        async with ask(reference_server.models, server) as backend:
            await backend.until_live("echo")
            return dict(await backend.predict(Target("echo", 1, "serving_default"), given, deadline()))

    answers = asyncio.run(run())
    assert set(answers) == {f"{dtype}_out" for dtype in NUMPY_DTYPES}
    for dtype, array in given.items():
        assert answers[f"{dtype}_out"].dtype == array.dtype
        assert answers[f"{dtype}_out"].tolist() == array.tolist()


def test_a_published_model_answers_its_golden_examples(
    server: str, ask: Ask, reference_server: ReferenceServer
) -> None:
    manifest = read_manifest(reference_server.models, "digits", 1)
    assert manifest
    images = np.array([example.instance for example in manifest.golden_examples], np.float32)

    async def run() -> Array:
        async with ask(reference_server.models, server) as backend:
            await backend.until_live("digits")
            assert backend.status()["digits"][1].signatures["serving_default"] == manifest.signatures["serving_default"]
            answer = await backend.predict(Target("digits", 1, "serving_default"), {"image": images}, deadline())
            return answer["probabilities"]

    wanted: Any = [example.outputs["probabilities"] for example in manifest.golden_examples]
    assert np.allclose(asyncio.run(run()), wanted, atol=1e-4)


def test_a_model_without_a_folder_here_is_known_by_its_signatures(server: str, ask: Ask, tmp_path: Path) -> None:
    async def run() -> Array:
        async with ask(tmp_path / "nowhere", server, names=("echo", "nobody")) as backend:
            await backend.until_live("echo")
            assert "nobody" not in backend.status()
            inputs: dict[str, Array] = {"x": np.array([1.5, 2.5], np.float32)}
            return (await backend.predict(Target("echo", 1, "double"), inputs, deadline()))["y"]

    assert asyncio.run(run()).tolist() == [3.0, 5.0]


def test_what_the_graph_refuses_is_refused(server: str, ask: Ask, reference_server: ReferenceServer) -> None:
    async def run() -> None:
        async with ask(reference_server.models, server) as backend:
            await backend.until_live("echo")
            inputs: dict[str, Array] = {"x": np.array([1.0], np.float32)}
            with pytest.raises(BackendError):
                await backend.predict(Target("echo", 1, "fail"), inputs, deadline())

    asyncio.run(run())


def test_versions_that_cannot_be_served_say_why_and_name_no_folder(
    server: str, ask: Ask, reference_server: ReferenceServer, request: pytest.FixtureRequest
) -> None:
    if "tfserving" in request.node.name:
        pytest.skip("a real server ends when a model it starts with is broken")

    async def run() -> tuple[str, str]:
        async with ask(reference_server.models, server) as backend:
            both = ("broken", "fixed")
            await backend.until(lambda b: all(b.status().get(m, {}).get(1) is not None for m in both))
            await backend.until(lambda b: all(b.status()[m][1].error for m in both))
            assert all(backend.status()[model][1].state is VersionState.END for model in both)
            return backend.status()["broken"][1].error, backend.status()["fixed"][1].error

    broken, fixed = asyncio.run(run())
    assert "free batch dimension" in fixed
    assert broken
    assert str(reference_server.models) not in broken


def test_versions_and_models_that_are_not_there_are_not_ready(
    server: str, ask: Ask, reference_server: ReferenceServer
) -> None:
    async def run() -> None:
        async with ask(reference_server.models, server) as backend:
            await backend.until_live("digits")
            for target in (Target("digits", 9, "serving_default"), Target("nobody", 1, "serving_default")):
                with pytest.raises(ModelNotReady):
                    await backend.predict(target, {"image": np.zeros((1, 8, 8), np.float32)}, deadline())

    asyncio.run(run())


def test_no_call_outlives_its_deadline(server: str, ask: Ask, reference_server: ReferenceServer) -> None:
    async def run() -> None:
        async with ask(reference_server.models, server) as backend:
            await backend.until_live("digits")
            inputs: dict[str, Array] = {"image": np.zeros((1, 8, 8), np.float32)}
            with pytest.raises(DeadlineExceeded):
                await backend.predict(Target("digits", 1, "serving_default"), inputs, time.monotonic() - 1.0)

    asyncio.run(run())


def test_nobody_at_the_address_is_told_as_such(ask: Ask, reference_server: ReferenceServer) -> None:
    async def run() -> None:
        async with ask(reference_server.models, "127.0.0.1:1") as backend:
            assert backend.status() == {}
            with pytest.raises(BackendUnavailable):
                await backend.predict(
                    Target("digits", 1, "serving_default"), {"image": np.zeros((1, 8, 8))}, deadline()
                )

    asyncio.run(run())
