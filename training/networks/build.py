"""Features, body and head put together into one Keras model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from serving.contract.manifest import Classification
from training.data.dataset import Rows
from training.features import Encoded, encode
from training.job import JobSpec
from training.networks.cnn import cnn
from training.networks.custom import custom
from training.networks.heads import class_probabilities, linear_value
from training.networks.mlp import mlp
from training.networks.recurrent import recurrent
from training.networks.spec import RecurrentSpec, TransferSpec
from training.networks.transfer import transfer

FAMILIES: Mapping[str, Callable[[Sequence[Any], Any], Any]] = MappingProxyType(
    {"mlp": mlp, "cnn": cnn, "custom": custom}
)
"""Each takes the encoded tensors and the spec of its own family, and gives [rows, values]."""


def build_model(job: JobSpec, train: Rows, models: Path | None = None) -> Any:
    """The job's untrained keras.Model: a dict of inputs by feature name to one tensor, normalised by `train`.

    `models` is the model directory, for a job that reuses a published version.
    """
    encoded = encode(job.features, train.inputs)
    signal = _body(encoded, job, models)
    if isinstance(job.outputs, Classification):
        answer = class_probabilities(signal, job.outputs, job.optimisation)
    else:
        answer = linear_value(signal, train.target.astype(np.float32))
    return keras.Model(dict(encoded.inputs), answer, name=job.network.family)


def _body(encoded: Encoded, job: JobSpec, models: Path | None) -> Any:
    spec = job.network
    if isinstance(spec, RecurrentSpec):  # the one family that must know what the encoding has learned
        return recurrent(encoded.tensors, spec, tokens=encoded.tokens)
    if isinstance(spec, TransferSpec):  # what it reuses does its own scaling
        return transfer(encoded.inputs, job.features, spec, models)
    return FAMILIES[spec.family](encoded.tensors, spec)
