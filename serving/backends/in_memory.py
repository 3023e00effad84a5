"""The in-memory backend: answers made up on the spot, with scripted delays and failures, for tests and demos.

A full sibling of the real ones: the gateway cannot tell them apart. Nothing here touches a model.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from serving.backend_protocol import Arrays, OnChange, Target, VersionState, VersionStatus
from serving.contract.tensors import NUMPY_DTYPES, Array, Signature
from serving.errors import BackendUnavailable, DeadlineExceeded, ModelNotReady, PenstockError

Run: TypeAlias = Callable[[Target, Arrays], Mapping[str, Array]]
_NEVER_FREED = nullcontext()


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens to one call: it takes `delay_seconds`, then fails with `error` if there is one."""

    delay_seconds: float = 0.0
    error: PenstockError | None = None


@dataclass(slots=True)
class InMemoryBackend:
    """Serves `models` (model to version to signatures) with `run`, one `Turn` of `script` per call while it lasts.

    `zeros_of_shape` makes a `run` for demos: zeros of every output's shape.
    """

    models: Mapping[str, Mapping[int, Mapping[str, Signature]]]
    run: Run
    script: Iterator[Turn] = field(default_factory=lambda: iter(()))
    clock: Callable[[], float] = time.monotonic
    at_once: bool = False
    """Answer within the call, as short models do; without delays then."""
    calls: int = 0
    name: str = "in_memory"
    _statuses: dict[str, dict[int, VersionStatus]] = field(default_factory=dict)
    _on_change: OnChange | None = None

    async def start(self, on_change: OnChange) -> None:
        self._on_change = on_change
        self._statuses = {
            model: {n: VersionStatus(VersionState.AVAILABLE, signatures) for n, signatures in versions.items()}
            for model, versions in self.models.items()
        }
        await on_change()

    async def close(self) -> None:
        self._statuses = {}

    def status(self) -> Mapping[str, Mapping[int, VersionStatus]]:
        return self._statuses

    def replicas(self) -> Mapping[str, bool]:
        return {}

    def hold(self, target: Target) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Means nothing: versions are there as long as `models` has them."""
        return _NEVER_FREED

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        self.calls += 1
        turn = next(self.script, Turn())
        if turn.delay_seconds:
            await asyncio.sleep(turn.delay_seconds)
        if self.clock() >= deadline_seconds:
            raise DeadlineExceeded("the deadline passed while the model ran")
        return self._run(target, inputs, turn)

    def predict_at_once(self, target: Target, inputs: Arrays) -> dict[str, Array] | None:
        if not self.at_once:
            return None
        self.calls += 1
        return self._run(target, inputs, next(self.script, Turn()))

    def _run(self, target: Target, inputs: Arrays, turn: Turn) -> dict[str, Array]:
        if target.version not in self._statuses.get(target.model, {}):
            raise ModelNotReady(f"version {target.version} of model {target.model} is not loaded")
        if turn.error:
            raise turn.error
        return dict(self.run(target, inputs))


def zeros_of_shape(models: Mapping[str, Mapping[int, Mapping[str, Signature]]]) -> Run:
    """Answers every call with zeros (empty strings) of the outputs' shapes; free dimensions come out as 1."""

    def run(target: Target, inputs: Arrays) -> dict[str, Array]:
        signature = models[target.model][target.version].get(target.signature)
        if signature is None:
            raise BackendUnavailable(f"no signature {target.signature}")
        rows = len(next(iter(inputs.values())))
        return {
            spec.name: np.full(
                (rows, *(size or 1 for size in spec.row_shape)),
                b"" if spec.dtype == "string" else 0,
                NUMPY_DTYPES[spec.dtype],
            )
            for spec in signature.outputs
        }

    return run
