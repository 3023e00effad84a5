"""Runs by itself, because it loads TensorFlow: builds each family of networks, unfitted, and prints as JSON how many
parameters it has, what its layers are, and how it refuses what it cannot read.
"""

import json
import sys
from typing import Any

import keras
import numpy as np
from pydantic import TypeAdapter

from serving.errors import InvalidJob
from training.networks.build import FAMILIES
from training.networks.recurrent import recurrent
from training.networks.spec import NetworkSpec

SPEC: TypeAdapter[Any] = TypeAdapter(NetworkSpec)
PLAIN = {"activation": "relu", "dropout": 0.0}
REFERENCES: dict[str, tuple[dict[str, Any], tuple[int, ...], int]] = {
    "dense": ({"family": "mlp", "units": [128, 256]}, (100,), 10),
    "functional": ({"family": "mlp", "units": [64, 64]}, (784,), 10),
    "convolutional": ({"family": "cnn", "filters": [16, 32, 64], "units": [512]}, (480, 680, 3), 1),
}

RECURRENT = {"family": "recurrent", "embedding_units": 64, "cell_units": 64, "units": [64]}


def built(spec: dict[str, Any], inputs: Any, answers: int) -> Any:
    plain = {} if spec["family"] == "custom" else PLAIN
    parsed = SPEC.validate_python(plain | spec)
    if spec["family"] == "recurrent":
        signal = recurrent([inputs], parsed, tokens={inputs.name: 8000})
    else:
        signal = FAMILIES[spec["family"]]([inputs], parsed)
    return keras.Model(inputs, keras.layers.Dense(answers)(signal))


def refusal(spec: dict[str, Any], inputs: Any) -> str:
    try:
        built(spec, inputs, 1)
    except InvalidJob as error:
        return str(error)
    return ""


def two_halves(tensors: list[Any]) -> Any:
    """The network of a user, as the job names it: families_probe:two_halves."""
    return keras.layers.Concatenate()([keras.layers.Dense(3)(tensors[0]), keras.layers.Dense(4)(tensors[0])])


def no_tensor(tensors: list[Any]) -> int:
    return len(tensors)


def padded_apart(cell: dict[str, Any]) -> float:
    """How far the answers to texts move when padding is added behind them."""
    model = built(RECURRENT | cell, keras.Input((None,), dtype="int64"), 1)
    texts = np.random.default_rng(1).integers(1, 8000, (4, 6))
    return float(np.abs(model(np.pad(texts, ((0, 0), (0, 9)))) - model(texts)).max())


def joined_with_numbers(tokens: Any, numbers: Any) -> list[Any]:
    spec = SPEC.validate_python(PLAIN | RECURRENT | {"units": []})
    return list(recurrent([tokens, numbers], spec, tokens={tokens.name: 9}).shape)


def main() -> None:
    numbers, tokens = keras.Input((5,)), keras.Input((None,), dtype="int64")
    cells: dict[str, dict[str, Any]] = {"lstm": {}, "gru": {"cell": "gru"}, "forward lstm": {"bidirectional": False}}
    full = {"dropout": 0.3, "batch_normalisation": True, "l1": 0.1, "l2": 0.2}
    grey = built({"family": "cnn", "filters": [4], "units": [3], "convolutions": 2} | full, keras.Input((8, 6)), 2)
    dense = built({"family": "mlp", "units": [7, 7]} | full, numbers, 2)
    found = {
        "parameters": {
            name: built(spec, keras.Input(shape), answers).count_params()
            for name, (spec, shape, answers) in REFERENCES.items()
        }
        | {name: built(RECURRENT | cell, tokens, 1).count_params() for name, cell in cells.items()}
        | {"custom": built({"family": "custom", "function": "families_probe:two_halves"}, numbers, 2).count_params()},
        "padding": {name: padded_apart(cell) for name, cell in cells.items()},
        "tokens and numbers": joined_with_numbers(tokens, numbers),
        "dense": [type(layer).__name__ for layer in dense.layers[1:]],
        "grey": [type(layer).__name__ for layer in grey.layers[1:]],
        "penalties": len(dense.losses),
        "refusals": {
            "cnn of numbers": refusal({"family": "cnn", "filters": [4], "units": []}, numbers),
            "pooled away": refusal({"family": "cnn", "filters": [4, 4], "units": []}, keras.Input((3, 8))),
            "recurrent of numbers": refusal(RECURRENT, numbers),
            "dense of tokens": refusal({"family": "mlp", "units": [4]}, tokens),
            "no module": refusal({"family": "custom", "function": "absent_module:build"}, numbers),
            "no function": refusal({"family": "custom", "function": "families_probe:absent"}, numbers),
            "no tensor": refusal({"family": "custom", "function": "families_probe:no_tensor"}, numbers),
        },
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
