"""Runs by itself, because it loads TensorFlow: builds each family of networks, unfitted, and prints as JSON how many
parameters it has, what its layers are, and how it refuses what it cannot read.
"""

import json
import sys
from typing import Any

import keras
from pydantic import TypeAdapter

from serving.errors import InvalidJob
from training.networks.build import FAMILIES
from training.networks.spec import NetworkSpec

SPEC: TypeAdapter[Any] = TypeAdapter(NetworkSpec)
PLAIN = {"activation": "relu", "dropout": 0.0}
REFERENCES: dict[str, tuple[dict[str, Any], tuple[int, ...], int]] = {
    "dense": ({"family": "mlp", "units": [128, 256]}, (100,), 10),
    "functional": ({"family": "mlp", "units": [64, 64]}, (784,), 10),
    "convolutional": ({"family": "cnn", "filters": [16, 32, 64], "units": [512]}, (480, 680, 3), 1),
}


def built(spec: dict[str, Any], inputs: Any, answers: int) -> Any:
    plain = {} if spec["family"] == "custom" else PLAIN
    signal = FAMILIES[spec["family"]]([inputs], SPEC.validate_python(plain | spec))
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


def main() -> None:
    numbers = keras.Input((5,))
    full = {"dropout": 0.3, "batch_normalisation": True, "l1": 0.1, "l2": 0.2}
    grey = built({"family": "cnn", "filters": [4], "units": [3], "convolutions": 2} | full, keras.Input((8, 6)), 2)
    dense = built({"family": "mlp", "units": [7, 7]} | full, numbers, 2)
    found = {
        "parameters": {
            name: built(spec, keras.Input(shape), answers).count_params()
            for name, (spec, shape, answers) in REFERENCES.items()
        }
        | {"custom": built({"family": "custom", "function": "families_probe:two_halves"}, numbers, 2).count_params()},
        "dense": [type(layer).__name__ for layer in dense.layers[1:]],
        "grey": [type(layer).__name__ for layer in grey.layers[1:]],
        "penalties": len(dense.losses),
        "refusals": {
            "cnn of numbers": refusal({"family": "cnn", "filters": [4], "units": []}, numbers),
            "pooled away": refusal({"family": "cnn", "filters": [4, 4], "units": []}, keras.Input((3, 8))),
            "no module": refusal({"family": "custom", "function": "absent_module:build"}, numbers),
            "no function": refusal({"family": "custom", "function": "families_probe:absent"}, numbers),
            "no tensor": refusal({"family": "custom", "function": "families_probe:no_tensor"}, numbers),
        },
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
