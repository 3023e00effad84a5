"""Runs by itself, because it loads TensorFlow: encodes training rows of every kind of feature, and prints as JSON what
the encoding makes of rows it has and has not seen, straight from Keras and from an exported graph.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from pydantic import TypeAdapter

from serving.contract.tensors import Array
from training.batches import as_tensors
from training.feature_spec import TrainableFeature
from training.features import encode

FEATURE: TypeAdapter[TrainableFeature] = TypeAdapter(TrainableFeature)
NAN = float("nan")
COLUMNS: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "standard": ({"kind": "number"}, [1, 3, 1, 3], [2, 3, 5]),
    "minmax": ({"kind": "number", "scale": "minmax"}, [10, 20, 15, 10], [10, 20, 30]),
    "log": ({"kind": "number", "scale": "log", "range": [0, 9]}, [0, 3, 0, 3], [0, 1, 3]),
    "none": ({"kind": "number", "scale": "none"}, [1, 2, 3, 4], [7, 8, 9]),
    "mean": ({"kind": "number", "scale": "none", "missing": "mean"}, [1, NAN, 2, 6], [NAN, 5, 0]),
    "median": ({"kind": "number", "scale": "none", "missing": "median"}, [1, NAN, 2, 6], [NAN, 5, 0]),
    "one_hot": ({"kind": "category"}, ["b", "a", "b", "a"], ["a", "b", "z"]),
    "listed": ({"kind": "category", "vocabulary": ["z", "a"]}, ["b", "a", "b", "a"], ["a", "b", "z"]),
    "embedding": ({"kind": "category", "encode": "embedding", "size": 3}, ["b", "a", "b", "a"], ["a", "z", "zz"]),
    "multi_hot": (
        {"kind": "text", "encode": "multi_hot", "max_tokens": 9},
        ["Big dog!", "big cat", "a dog", "a dog"],
        ["dog, DOG", "a cat", "unheard of"],
    ),
    "tf_idf": (
        {"kind": "text", "encode": "tf_idf", "max_tokens": 9},
        ["dog dog", "dog cat", "dog", "dog"],
        ["dog dog", "cat", ""],
    ),
    "sequence": (
        {"kind": "text", "encode": "sequence", "max_tokens": 9, "length": 3, "standardise": "lower"},
        ["dog dog dog", "cat cat", "dog", "dog!"],
        ["dog cat dog cat", "CAT", "bird"],
    ),
    "pairs": (
        {"kind": "text", "encode": "multi_hot", "max_tokens": 20, "ngrams": 2},
        ["not good", "good", "good", "bad"],
        ["not good", "good not", "bad"],
    ),
}


def column(values: list[Any]) -> Array:
    texts = isinstance(values[0], str)
    return np.array([value.encode() for value in values], dtype=object) if texts else np.array(values, np.float32)


def main() -> None:
    features = [FEATURE.validate_python({"name": name, **spec}) for name, (spec, _, _) in COLUMNS.items()]
    encoded = encode(features, {name: column(train) for name, (_, train, _) in COLUMNS.items()})
    model = keras.Model(dict(encoded.inputs), list(encoded.tensors))
    unseen = {name: column(rows) for name, (_, _, rows) in COLUMNS.items()}
    numbers, *others = (np.asarray(tensor) for tensor in model(as_tensors(unseen)))
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(model)
        specs = {one.name: tf.TensorSpec((None,), one.dtype, name=one.name) for one in features}
        archive.add_endpoint("serve", tf.function(model.call, input_signature=[specs]))
        archive.write_out(str(Path(folder)), verbose=False)
        loaded = tf.saved_model.load(folder)  # owns the variables
        served = loaded.serve(as_tensors(unseen))
    kinds = [one.name for one in features if one.kind == "number"]
    rest = [one.name for one in features if one.kind != "number"]
    found = {name: numbers[:, place].tolist() for place, name in enumerate(kinds)}
    found |= {name: tensor.tolist() for name, tensor in zip(rest, others, strict=True)}
    found["same_when_served"] = all(
        np.array_equal(np.asarray(one), other) for one, other in zip(served, [numbers, *others], strict=True)
    )
    found["tokens"] = list(encoded.tokens.values())
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
