"""What a promotion asks of a running gateway. Pure: the protocol and the facts that cross it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from serving.backend_protocol import Arrays, VersionState
from serving.traffic.figures import VersionFigures


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """A version as the gateway has it; `error` is the reason when it could not be loaded."""

    state: VersionState
    error: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Which version answered, and its rows as `:predict` gives them under `predictions`."""

    version: int
    rows: tuple[JsonValue, ...]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Requests that were sent to a version a second time: `compared` with the answer given, `different` of them, and
    `failed` ones beside. `reason` says why none can be mirrored, if so.
    """

    compared: int = 0
    different: int = 0
    failed: int = 0
    reason: str = ""

    def since(self, before: "Mirrored") -> "Mirrored":
        return Mirrored(
            self.compared - before.compared, self.different - before.different, self.failed - before.failed, self.reason
        )


class Gateway(Protocol):
    """Every call is a connection of its own, so that of several workers chance chooses the one that answers.

    All raise BackendUnavailable when no gateway answers, and Unauthenticated or Forbidden when it wants another
    credential; those that predict also raise PayloadTooLarge, DeadlineExceeded, ModelNotReady, Overloaded and, for
    other refusals, BackendRejected.
    """

    def looks(self) -> int:
        """How many calls it takes to have met every worker, but for a chance of about 1 in 1000."""

    def version(self, model: str, version: int) -> VersionSeen | None:
        """None when it knows no such version."""

    def max_batch_rows(self, model: str, version: int) -> int:
        """The most rows that one batch of the version has."""

    def predict(self, model: str, name: int | str, instances: Sequence[JsonValue]) -> Answers:
        """By the version of this number, or the one that this label answers with."""

    def replay(self, model: str, version: int, signature: str, inputs: Arrays) -> Arrays:
        """Outputs for inputs that were decoded already."""

    def figures(self, model: str) -> Mapping[int, VersionFigures]:
        """Of every version that was counted, by all workers, since the gateway started."""

    def mirrored(self, model: str, version: int) -> Mirrored | None:
        """To the version, since the gateway started; None while nothing is to be mirrored to it."""

    def answering(self, model: str, label: str | None) -> int | None:
        """The version that a label answers with, or that answers requests naming nothing; None while none does."""
