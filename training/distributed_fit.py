"""Epochs on several devices or workers: the loop that Keras's `fit` runs, written with tf.distribute.

Keras 3's own fails under MultiWorkerMirroredStrategy (https://github.com/keras-team/keras/issues/20585). Every replica
sees every global batch, takes its share, and the gradients are summed: the weights stay equal on all, bit for bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from training.workers import Workers

TOLD_EVERY_STEPS = 32
"""Hearing of a step costs a round among the workers."""


@dataclass(frozen=True, slots=True)
class Work:
    """One model on every replica, compiled under the strategy's scope.

    `metric` is the keras.Metric shown beside its loss. `sums` adds up [loss, metric's total, metric's count, rows]
    over the replicas. `class_weights` are those of the class numbers, in order, or None.
    """

    workers: Workers
    model: Any
    metric: Any
    sums: Any
    class_weights: Any

    @classmethod
    def start(
        cls, workers: Workers, model: Any, metric: Any, class_weights: Mapping[int, float] | None = None
    ) -> "Work":
        with workers.strategy.scope():
            model.optimizer.build(model.trainable_variables)
            sums = tf.Variable(
                tf.zeros(4),
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.SUM,
            )
        weights = tf.constant([class_weights[number] for number in sorted(class_weights)]) if class_weights else None
        return cls(workers, model, metric, sums, weights)

    def figures(self) -> dict[str, float]:
        loss, total, count, rows = (float(value) for value in self.sums.read_value())
        return {"loss": loss / rows, self.metric.name: total / max(count, 1.0)}


def fit_on_all(
    work: Work, batches: Any, *, validation: Any, epochs: int, callbacks: Sequence[Any]
) -> Mapping[str, Sequence[float]]:
    """Fits the model of `work`, built and compiled under the strategy's scope; its history, as Keras's `fit` has it.

    `batches` and `validation` are tf.data.Datasets of global batches (inputs, target), the same in every process;
    `validation` may be None. `callbacks` hear the same figures in every process. Raises WorkerLost.
    """
    model = work.model
    learn, measure = _step(work, learns=True), _step(work, learns=False)
    steps = int(batches.cardinality())
    heard = keras.callbacks.CallbackList(list(callbacks), add_history=True, model=model, epochs=epochs, steps=steps)

    def run() -> None:
        model.stop_training = False
        heard.on_train_begin()
        for epoch in range(epochs):
            heard.on_epoch_begin(epoch)
            figures = _pass(work, learn, batches, heard)
            _average_statistics(work)
            measured = _pass(work, measure, validation, None) if validation else {}
            heard.on_epoch_end(epoch, figures | {f"val_{name}": value for name, value in measured.items()})
            if _anyone(work, asked=model.stop_training):
                break
        heard.on_train_end()

    work.workers.guarded(run)
    return dict(model.history.history)


def _pass(work: Work, step: Any, batches: Any, heard: Any) -> dict[str, float]:
    work.sums.assign(tf.zeros(4))
    for number, (inputs, target) in enumerate(batches):
        step(inputs, target)
        if heard and (number + 1) % TOLD_EVERY_STEPS == 0:
            heard.on_train_batch_end(number, work.figures())
            if _anyone(work, asked=work.model.stop_training):
                work.model.stop_training = True
                break
    return work.figures()


def _step(work: Work, *, learns: bool) -> Any:
    model, replicas = work.model, work.workers.strategy.num_replicas_in_sync

    def share(inputs: Any, target: Any) -> None:
        rows = tf.shape(target)[0]
        most = -(-rows // replicas)
        places = tf.distribute.get_replica_context().replica_id_in_sync_group * most + tf.range(most)
        # shares of one size: the last is filled up with a row that weighs nothing
        weights = tf.cast(places < rows, tf.float32)
        mine = {name: tf.gather(column, tf.minimum(places, rows - 1)) for name, column in inputs.items()}
        truth = tf.gather(target, tf.minimum(places, rows - 1))
        # Keras divides by the share's rows and by the replicas; their product is not the batch's rows
        scaled = weights * tf.cast(most * replicas, tf.float32) / tf.cast(rows, tf.float32)
        with tf.GradientTape() as tape:
            answers = model(mine, training=learns)
            loss = model.compute_loss(
                mine,
                truth,
                answers,
                sample_weight=_weighted(scaled, truth, work) if learns else scaled,
                training=learns,
            )
            raised = model.optimizer.scale_loss(loss)
        if learns:
            model.optimizer.apply(tape.gradient(raised, model.trainable_variables), model.trainable_variables)
        total, count = work.metric.stateless_update_state([0.0, 0.0], truth, answers, sample_weight=weights)
        counted = tf.cast(rows, tf.float32)
        work.sums.assign_add(tf.stack([loss * counted, total, count, counted / replicas]))

    return tf.function(lambda inputs, target: work.workers.strategy.run(share, (inputs, target)), reduce_retracing=True)


def _weighted(rows: Any, truth: Any, work: Work) -> Any:
    """The rows' weights times their classes', in training; the target is class numbers, one-hot, or 0 and 1."""
    if work.class_weights is None:
        return rows
    one_hot = truth.shape.rank == 2 and truth.shape[1] > 1
    classes = tf.argmax(truth, axis=1) if one_hot else tf.cast(tf.reshape(truth, [-1]), tf.int64)
    return rows * tf.gather(work.class_weights, classes)


def _average_statistics(work: Work) -> None:
    """What batch normalisation has seen is each replica's own; its mean becomes everybody's."""
    seen = [weight for weight in work.model.non_trainable_weights if weight.dtype.startswith("float")]

    def average() -> None:
        context = tf.distribute.get_replica_context()
        for weight in seen:
            weight.assign(context.all_reduce(tf.distribute.ReduceOp.MEAN, tf.identity(weight.value)))

    if seen:
        tf.function(lambda: work.workers.strategy.run(average))()


def _anyone(work: Work, *, asked: bool) -> bool:
    # a worker that left the loop alone would leave the others waiting
    return work.workers.total(float(asked)) > 0
