"""Features, body and head put together into one Keras model."""

from collections.abc import Callable, Mapping, Sequence
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
from training.networks.spec import NetworkSpec, RecurrentSpec

FAMILIES: Mapping[str, Callable[[Sequence[Any], Any], Any]] = MappingProxyType(
    {"mlp": mlp, "cnn": cnn, "custom": custom}
)
"""Each takes the encoded tensors and the spec of its own family, and gives [rows, values]."""


def build_model(job: JobSpec, train: Rows) -> Any:
    """The job's untrained keras.Model: a dict of inputs by feature name to one tensor, normalised by `train`."""
    encoded = encode(job.features, train.inputs)
    signal = _body(encoded, job.network)
    if isinstance(job.outputs, Classification):
        answer = class_probabilities(signal, job.outputs, job.optimisation)
    else:
        answer = linear_value(signal, train.target.astype(np.float32))
    return keras.Model(dict(encoded.inputs), answer, name=job.network.family)


def _body(encoded: Encoded, spec: NetworkSpec) -> Any:
    if isinstance(spec, RecurrentSpec):  # the one family that must know what the encoding has learned
        return recurrent(encoded.tensors, spec, tokens=encoded.tokens)
    return FAMILIES[spec.family](encoded.tensors, spec)
