"""What the gateway asks of whatever runs the models, and what it promises in return.

Pure: the protocol that batching and every backend share, with the facts that cross it.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from serving.contract.tensors import Array, Signature


class VersionState(StrEnum):
    """TensorFlow Serving's states of a version, in the order of its life."""

    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version as the backend has it. `error` is the reason when it failed to load, else empty."""

    state: VersionState
    signatures: Mapping[str, Signature]
    error: str = ""
    load_seconds: float | None = None
    warmup_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a backend call runs: exactly one version's signature."""

    model: str
    version: int
    signature: str


Arrays: TypeAlias = Mapping[str, Array]
OnChange: TypeAlias = Callable[[], Awaitable[None]]


class Backend(Protocol):
    """Runs models. All methods belong to the gateway's event loop."""

    @property
    def name(self) -> str:
        """`embedded`, `tfserving` or `in_memory`: the value of the metrics' `backend` label."""

    async def start(self, on_change: OnChange) -> None:
        """Load what is there and return when the first pass is over.

        From then on `on_change` is awaited whenever `status` changes; a version that is going away is freed
        only after the call that announced it has returned and nothing holds it any more.
        """

    async def close(self) -> None: ...

    def status(self) -> Mapping[str, Mapping[int, VersionStatus]]:
        """Every model and version known, from memory: cheap, no I/O."""

    def replicas(self) -> Mapping[str, bool]:
        """Whether each model server behind the backend answers, by its address; empty where models run in here."""

    def hold(self, target: Target) -> AbstractContextManager[None]:
        """While held, the version is not freed. May be entered any number of times, also at once."""

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        """One call with whole batches, rows first, all inputs equally many rows; outputs have the same rows.

        `deadline_seconds` is a moment of `time.monotonic`: an answer after it helps nobody.
        Raises BackendUnavailable (nobody answers; nothing is known of the input), BackendOverloaded (no room for it
        now), BackendRejected (this input cannot be run), DeadlineExceeded.
        """

    def predict_at_once(self, target: Target, inputs: Arrays) -> dict[str, Array] | None:
        """The same in the caller's own thread, where that is quicker than handing the call over: well under a
        millisecond. None, and nothing was done, where it is not; then `predict` is to be awaited.
        """
