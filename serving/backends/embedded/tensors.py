"""Numpy arrays to TF_Tensor and back, by copy: neither side ever owns the other's memory."""

import ctypes

import numpy as np

from serving.backends.embedded.c_api import Library
from serving.backends.tensor_protos import DTYPE_NAMES
from serving.contract.tensors import NUMPY_DTYPES, Array
from serving.errors import BackendRejected

_NUMBERS = {name: number for number, name in DTYPE_NAMES.items()}
_NUMBER_OF_DTYPE = {NUMPY_DTYPES[name]: number for name, number in _NUMBERS.items()}
STRING = _NUMBERS["string"]
STRING_BYTES = 24
"""sizeof(TF_TString), the same on every 64-bit platform."""


def to_tensor(library: Library, array: Array) -> int:
    """A new TF_Tensor with a copy of `array`; the caller deletes it (`TF_DeleteTensor`)."""
    number = _NUMBER_OF_DTYPE.get(array.dtype)
    if number is None:
        raise BackendRejected(f"arrays of {array.dtype} cannot be fed to TensorFlow here")
    dims = (ctypes.c_int64 * array.ndim)(*array.shape)
    calls = library.calls
    if number == STRING:
        tensor = int(calls.TF_AllocateTensor(number, dims, array.ndim, array.size * STRING_BYTES))
        _copy_strings(library, array, calls.TF_TensorData(tensor))
        return tensor
    contiguous = np.ascontiguousarray(array)
    tensor = int(calls.TF_AllocateTensor(number, dims, array.ndim, array.nbytes))
    if array.nbytes:
        ctypes.memmove(calls.TF_TensorData(tensor), contiguous.ctypes.data, array.nbytes)
    return tensor


def from_tensor(library: Library, tensor: int) -> Array:
    """A copy of a TF_Tensor's values; the tensor stays the caller's."""
    calls = library.calls
    number = calls.TF_TensorType(tensor)
    name = DTYPE_NAMES.get(number)
    if name is None:
        raise BackendRejected(f"the model answers in TensorFlow's dtype number {number}, which is not read here")
    shape = tuple(calls.TF_Dim(tensor, axis) for axis in range(calls.TF_NumDims(tensor)))
    data, nbytes = calls.TF_TensorData(tensor), calls.TF_TensorByteSize(tensor)
    if number == STRING:
        return _strings(library, data, shape)
    array = np.empty(shape, NUMPY_DTYPES[name])
    if array.nbytes:
        ctypes.memmove(array.ctypes.data, data, nbytes)
    return array


def _copy_strings(library: Library, array: Array, address: int) -> None:
    calls = library.calls
    values: list[bytes] = array.ravel().tolist()
    for index, value in enumerate(values):
        place = address + index * STRING_BYTES
        calls.TF_StringInit(place)
        calls.TF_StringCopy(place, value, len(value))


def _strings(library: Library, address: int, shape: tuple[int, ...]) -> Array:
    calls = library.calls
    array = np.empty(shape, dtype=object)
    flat = array.reshape(-1)  # a view: the array is new and contiguous
    for index in range(flat.size):
        place = address + index * STRING_BYTES
        flat[index] = ctypes.string_at(calls.TF_StringGetDataPointer(place), calls.TF_StringGetSize(place))
    return array
