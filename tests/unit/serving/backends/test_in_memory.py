import time
from collections.abc import Iterator

import numpy as np
import pytest

from serving.backend_protocol import Target, VersionState
from serving.backends.in_memory import InMemoryBackend, Turn, zeros_of_shape
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import BackendError, BackendUnavailable, DeadlineExceeded, ModelNotReady
from tests.unit.serving.batching.event_loop import on_event_loop

SIGNATURE = Signature(
    (TensorSpec("x", "float32", (2,)),),
    (TensorSpec("probabilities", "float32", (3, None)), TensorSpec("names", "string", ())),
)
MODELS = {"digits": {1: {"serving_default": SIGNATURE}, 2: {"serving_default": SIGNATURE}}}
DIGITS = Target("digits", 2, "serving_default")
ROWS = {"x": np.ones((4, 2), np.float32)}


@on_event_loop
async def test_every_version_is_available_once_started() -> None:
    backend = await started()
    states = {version: status.state for version, status in backend.status()["digits"].items()}
    assert states == {1: VersionState.AVAILABLE, 2: VersionState.AVAILABLE}
    assert backend.status()["digits"][1].signatures == {"serving_default": SIGNATURE}


@on_event_loop
async def test_start_announces_the_change() -> None:
    seen = list[int]()
    backend = InMemoryBackend(MODELS, zeros_of_shape(MODELS))

    async def on_change() -> None:
        seen.append(len(backend.status()["digits"]))

    await backend.start(on_change)
    assert seen == [2]


@on_event_loop
async def test_each_call_takes_one_turn_of_the_script_while_it_lasts() -> None:
    backend = await started(Turn(error=BackendUnavailable("nobody answers")), Turn())
    with pytest.raises(BackendUnavailable):
        await backend.predict(DIGITS, ROWS, soon())
    for _ in range(3):
        assert await backend.predict(DIGITS, ROWS, soon())
    assert backend.calls == 4


@on_event_loop
async def test_an_answer_after_the_deadline_is_none() -> None:
    backend = await started(Turn(delay_seconds=0.005))
    with pytest.raises(DeadlineExceeded):
        await backend.predict(DIGITS, ROWS, time.monotonic() + 0.001)


@pytest.mark.parametrize("target", [Target("digits", 3, "serving_default"), Target("faces", 1, "serving_default")])
@on_event_loop
async def test_what_is_not_there_is_not_ready(target: Target) -> None:
    backend = await started()
    with pytest.raises(ModelNotReady):
        await backend.predict(target, ROWS, soon())


@on_event_loop
async def test_nothing_is_served_after_close() -> None:
    backend = await started()
    await backend.close()
    assert backend.status() == {}
    with pytest.raises(ModelNotReady):
        await backend.predict(DIGITS, ROWS, soon())


@on_event_loop
async def test_a_hold_does_not_keep_anybody_from_predicting() -> None:
    backend = await started()
    with backend.hold(DIGITS):
        assert await backend.predict(DIGITS, ROWS, soon())


def test_zeros_have_the_signatures_shapes() -> None:
    outputs = zeros_of_shape(MODELS)(DIGITS, ROWS)
    assert outputs["probabilities"].shape == (4, 3, 1)
    assert outputs["probabilities"].dtype == np.float32
    assert outputs["names"].tolist() == [b""] * 4


def test_zeros_of_an_unknown_signature_are_a_backend_error() -> None:
    with pytest.raises(BackendError):
        zeros_of_shape(MODELS)(Target("digits", 1, "classify"), ROWS)


async def started(*script: Turn) -> InMemoryBackend:
    async def unheard() -> None: ...

    turns: Iterator[Turn] = iter(script)
    backend = InMemoryBackend(MODELS, zeros_of_shape(MODELS), turns)
    await backend.start(unheard)
    return backend


def soon() -> float:
    return time.monotonic() + 30
