"""The SavedModel as a model server will see it: loaded back from disk, described, and held against the Keras model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.manifest import Classification, Export, Regression
from serving.contract.model_directory import VersionPaths
from serving.contract.tensors import Array, Signature, TensorSpec
from serving.errors import PublishError
from training.agreement import compare
from training.export import OUTPUT_NAMES

CHECKED_ROWS = 64
LONGEST_REASON = 500
"""Characters: TensorFlow says what is wrong first, then where in its own files."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Holds the loaded object, which owns the variables that its signatures read."""

    loaded: Any

    @classmethod
    def load(cls, staged: VersionPaths) -> "Exported":
        return cls(tf.saved_model.load(str(staged.root)))

    def signatures(self) -> dict[str, Signature]:
        """As written on disk, not as meant: inputs and outputs in the order of their names."""
        return {
            name: Signature(
                inputs=_specs(function.structured_input_signature[1]), outputs=_specs(function.structured_outputs)
            )
            for name, function in sorted(self.loaded.signatures.items())
        }

    def answer(self, inputs: Mapping[str, Array], output: str) -> NDArray[np.float32]:
        """Raises PublishError for a graph that cannot be run, or compiled where it must be."""
        fed = {name: tf.constant(rows) for name, rows in inputs.items()}
        try:
            answers = self.loaded.signatures[DEFAULT_SIGNATURE](**fed)
        except tf.errors.OpError as error:
            told = " ".join(error.message.split())[:LONGEST_REASON]
            raise PublishError(f"the exported model cannot be run: {told}") from error
        return np.asarray(answers[output].numpy())


def check_same_answers(
    exported: Exported,
    inputs: Mapping[str, Array],
    answers: NDArray[np.float32],
    outputs: Classification | Regression,
    export: Export,
) -> None:
    """Replays the first rows of the test split, as they are served, whose `answers` the Keras model gave in float32:
    CHECKED_ROWS, or one batch of each size that `export` allows.

    Raises PublishError unless the exported model says the same within `export.tolerance`.
    """
    for size in export.allowed_batch_rows or (min(CHECKED_ROWS, len(answers)),):
        rows = np.arange(size) % len(answers)
        batch = {name: column[rows] for name, column in inputs.items()}
        compare(exported.answer(batch, OUTPUT_NAMES[outputs.task]), answers[rows], export.tolerance)


def _specs(structure: Mapping[str, Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(name=name, dtype=spec.dtype.name, row_shape=tuple(spec.shape[1:].as_list()))
        for name, spec in sorted(structure.items())
    )
