"""The Open Inference Protocol's datatypes: their names, what numpy calls them, and the contract's dtype of each.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from serving.contract.tensors import NUMPY_DTYPES

BYTES = "BYTES"
WIRE_DTYPES: Mapping[str, np.dtype[np.generic]] = MappingProxyType(
    {
        "BOOL": np.dtype(np.bool_),
        "UINT8": np.dtype("<u1"),
        "UINT16": np.dtype("<u2"),
        "UINT32": np.dtype("<u4"),
        "UINT64": np.dtype("<u8"),
        "INT8": np.dtype("<i1"),
        "INT16": np.dtype("<i2"),
        "INT32": np.dtype("<i4"),
        "INT64": np.dtype("<i8"),
        "FP16": np.dtype("<f2"),
        "FP32": np.dtype("<f4"),
        "FP64": np.dtype("<f8"),
    }
)
"""Raw tensors are little-endian, whatever the machine. BYTES is not here: its elements differ in length."""

_NAMES = {dtype: name for name, dtype in WIRE_DTYPES.items()} | {np.dtype(object): BYTES}
DATATYPES: Mapping[str, str] = MappingProxyType({ours: _NAMES[dtype] for ours, dtype in NUMPY_DTYPES.items()})
"""What the protocol calls the contract's dtypes."""
