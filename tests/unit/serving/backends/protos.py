"""TensorFlow's messages built by hand, for the tests of what reads them."""

from collections.abc import Sequence
from typing import Any

from serving.backends.tensorflow_messages import message_module

NUMBERS = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "string": 7, "int64": 9, "bool": 10, "float16": 19
}  # fmt: skip
"""The dtypes' numbers in tensorflow/core/framework/types.proto, written down a second time on purpose."""


def tensor(dtype: str, shape: Sequence[int], **values: Any) -> Any:
    """A TensorProto; `values` are its own fields: `tensor_content=b"..."`, `float_val=[...]`, and so on."""
    proto = message_module("tensorflow.core.framework.tensor_pb2").TensorProto(dtype=NUMBERS[dtype], **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto
