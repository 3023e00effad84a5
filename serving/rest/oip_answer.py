"""The answer to the Open Inference Protocol's `infer`, in JSON or with raw tensors behind it, as the request wished.

Pure.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from serving.contract.tensors import Array
from serving.errors import UnknownField
from serving.prediction import Prediction
from serving.preprocessing.records import listed_names
from serving.rest.ask import Encoded
from serving.rest.oip_tensors import datatype_of, to_json, to_raw


@dataclass(frozen=True, slots=True)
class OutputWish:
    """One output that was named; `pointer` is where."""

    name: str
    binary: bool
    pointer: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request wants back; without named outputs it gets all."""

    all_binary: bool = False
    outputs: tuple[OutputWish, ...] = ()


def infer_answer(identity: str, wishes: Wishes, prediction: Prediction) -> Encoded:
    """Raises UnknownField for an output that the model does not have."""
    receipt = prediction.receipt
    document: dict[str, Any] = {
        "model_name": prediction.servable.model,
        "model_version": str(prediction.servable.version),
    }
    if identity:
        document["id"] = identity
    document["parameters"] = {
        "queue_ms": round(receipt.queue_seconds * 1e3, 3),
        "backend_ms": round(receipt.backend_seconds * 1e3, 3),
        "batch_rows": receipt.batch_rows,
    }
    if receipt.cache:
        document["parameters"]["cache"] = receipt.cache
    heads, parts = [], []
    for name, array, binary in _chosen(wishes, prediction):
        head: dict[str, Any] = {"name": name, "datatype": datatype_of(array), "shape": array.shape}
        if binary:
            parts.append(to_raw(array))
            head["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            head["data"] = to_json(array)
        heads.append(head)
    document["outputs"] = heads
    text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    if not parts:
        return Encoded(text)
    headers = ((b"inference-header-content-length", str(len(text)).encode()),)
    return Encoded(b"".join((text, *parts)), b"application/octet-stream", headers)


def _chosen(wishes: Wishes, prediction: Prediction) -> list[tuple[str, Array, bool]]:
    outputs = prediction.outputs
    if not wishes.outputs:
        return [(name, array, wishes.all_binary) for name, array in outputs.items()]
    for wish in wishes.outputs:
        if wish.name not in outputs:
            raise UnknownField(
                f"the model has no output {wish.name[:64]!r}; they are {listed_names(outputs)}",
                pointer=f"{wish.pointer}/name",
            )
    return [(wish.name, outputs[wish.name], wish.binary) for wish in wishes.outputs]
