"""The processes and devices that train one model together: who they are, and what this process does among them.

TensorFlow's collectives need the cluster before anything else has run, so `join` comes first.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import tensorflow as tf

from serving.errors import PublishError
from training.distribution_spec import TF_CONFIG, DistributionSpec, chief_by

Result = TypeVar("Result")


class WorkerLost(PublishError):
    """Another worker of the same job ended, or never came: nothing is published."""


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


def join(spec: DistributionSpec) -> Workers | None:
    """None where one device trains. Raises InvalidJob for a TF_CONFIG that is missing or wrong, WorkerLost where not
    every worker has started after `spec.wait_seconds`.
    """
    if spec.strategy == "none":
        return None
    if spec.strategy == "mirrored":
        return Workers(tf.distribute.MirroredStrategy(), is_chief=True)
    is_chief = chief_by(os.environ)
    return Workers(_in_time(_multi_worker, spec.wait_seconds), is_chief)


@contextmanager
def leading(workers: Workers | None) -> Iterator[None]:
    """Around the chief's work: where it ends well, the others hear of it; one lost from then on changes nothing."""
    yield
    if workers:
        with suppress(WorkerLost):
            workers.meet()


def _multi_worker() -> Any:
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING  # NCCL is not on every machine
    )
    return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)


def _in_time(start: Callable[[], Result], seconds: float) -> Result:
    # TensorFlow waits for absent workers without an end; a thread is all that can be waited for with one
    done: list[Result] = []
    thread = threading.Thread(target=lambda: done.append(start()), daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        raise WorkerLost(f"not every worker of {TF_CONFIG} started within {seconds:g} s (distribution.wait_seconds)")
    return done[0]
