"""The processes and devices that train one model together: who they are, and what this process does among them.

TensorFlow's collectives need the cluster before anything else has run, so `join` comes first.
"""

import faulthandler
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import tensorflow as tf

from serving.errors import PublishError
from training.distribution_spec import TF_CONFIG, DistributionSpec, chief_by

Result = TypeVar("Result")


class WorkerLost(PublishError):
    """Another worker of the same job ended: nothing is published."""


@dataclass(frozen=True, slots=True)
class Workers:
    """`strategy` is TensorFlow's; `is_chief` marks the one process that measures, exports and publishes."""

    strategy: Any
    is_chief: bool

    def guarded(self, work: Callable[[], Result]) -> Result:
        """What `work` gives. Raises WorkerLost where it waited for a worker that ended."""
        try:
            return work()
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError) as error:
            first = (str(error).splitlines() or [""])[0]
            raise WorkerLost(f"another worker ended before the model was published: {first}") from error

    def total(self, value: float) -> float:
        """The sum of every worker's `value`; each waits for all. Raises WorkerLost."""
        summed = self.guarded(lambda: _sum(self.strategy, tf.constant(value)))
        return float(self.strategy.experimental_local_results(summed)[0])

    def meet(self) -> None:
        """Returns once every worker has called it; the chief does when it has published. Raises WorkerLost."""
        self.total(1.0)


@tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
def _sum(strategy: Any, value: Any) -> Any:
    def give() -> Any:
        given = tf.identity(value)  # on this replica's device, which tells the reduction where to put the sum
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, given)

    return strategy.run(give)


def join(spec: DistributionSpec, tell: Callable[[str], object]) -> Workers | None:
    """None where one device trains. Raises InvalidJob for a TF_CONFIG that is missing or wrong.

    Where not every worker has started after `spec.wait_seconds`, of which `tell` hears, the process exits 1.
    """
    if spec.strategy == "none":
        return None
    if spec.strategy == "mirrored":
        return Workers(tf.distribute.MirroredStrategy(), is_chief=True)
    is_chief = chief_by(os.environ)
    tell(f"waiting for the other workers of {TF_CONFIG}; after {spec.wait_seconds:g} s without one, exit 1")
    with _exit_after(spec.wait_seconds):
        return Workers(_multi_worker(), is_chief)


@contextmanager
def _exit_after(seconds: float) -> Iterator[None]:
    # TensorFlow waits for an absent worker for an hour and lets no Python run: only this timer does not need it
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextmanager
def leading(workers: Workers | None) -> Iterator[None]:
    """Around the chief's work: where it ends well, the others hear of it; one lost from then on changes nothing."""
    yield
    if workers:
        with suppress(WorkerLost):
            workers.meet()


def scope_of(workers: Workers | None) -> AbstractContextManager[Any]:
    """Where the variables of a model that `workers` fit are made."""
    scope: AbstractContextManager[Any] = workers.strategy.scope() if workers else nullcontext()
    return scope


def _multi_worker() -> Any:
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING  # NCCL is not on every machine
    )
    return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
