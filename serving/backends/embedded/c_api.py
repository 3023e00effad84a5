"""TensorFlow's C API through ctypes: finding the library, the calls we make, and its errors as ours.

Nothing here knows models or signatures. Numpy must be imported before the library is loaded, and the library
never with RTLD_GLOBAL: its symbols then shadow those of numpy's extension modules and crash them.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.random  # noqa: F401 - its extension modules must be in memory before the library

from serving.backends.embedded.stderr_filter import without_greetings
from serving.backends.tensorflow_messages import REMEDY, tensorflow_folder
from serving.errors import BackendError, BackendOverloaded, BackendRejected, BackendUnavailable

LIBRARY_NAMES = ("libtensorflow_cc.so.2", "libtensorflow_cc.2.dylib")

OK, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE = 0, 8, 10, 14
_PASSING = {RESOURCE_EXHAUSTED: BackendOverloaded, ABORTED: BackendUnavailable, UNAVAILABLE: BackendUnavailable}
"""Codes that say nothing against the input: the same call may succeed later."""


class Output(ctypes.Structure):
    """TF_Output: the `index`-th result of an operation."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


class Buffer(ctypes.Structure):
    """TF_Buffer: bytes that the library allocated."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


_PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "TF_Version": (c_char_p, []),
    "TF_NewStatus": (c_void_p, []),
    "TF_DeleteStatus": (None, [c_void_p]),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_NewSessionOptions": (c_void_p, []),
    "TF_SetConfig": (None, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "TF_DeleteSessionOptions": (None, [c_void_p]),
    "TF_NewGraph": (c_void_p, []),
    "TF_DeleteGraph": (None, [c_void_p]),
    "TF_NewBuffer": (POINTER(Buffer), []),
    "TF_DeleteBuffer": (None, [POINTER(Buffer)]),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        [c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, POINTER(Buffer), c_void_p],
    ),
    "TF_CloseSession": (None, [c_void_p, c_void_p]),
    "TF_DeleteSession": (None, [c_void_p, c_void_p]),
    "TF_GraphOperationByName": (c_void_p, [c_void_p, c_char_p]),
    "TF_SessionRun": (
        None,
        [c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_void_p, c_void_p, c_int, c_void_p, c_int, c_void_p, c_void_p],
    ),
    "TF_AllocateTensor": (c_void_p, [c_int, c_void_p, c_int, c_size_t]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_TensorType": (c_int, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_TensorByteSize": (c_size_t, [c_void_p]),
    "TF_TensorData": (c_void_p, [c_void_p]),
    "TF_StringInit": (None, [c_void_p]),
    "TF_StringCopy": (None, [c_void_p, c_char_p, c_size_t]),
    "TF_StringGetDataPointer": (c_void_p, [c_void_p]),
    "TF_StringGetSize": (c_size_t, [c_void_p]),
}


@dataclass(frozen=True, slots=True)
class Library:
    """The loaded library; `calls` has the functions of _PROTOTYPES with their types declared."""

    calls: ctypes.CDLL
    path: Path

    @property
    def version(self) -> str:
        return str(self.calls.TF_Version().decode())

    @contextmanager
    def checked(self, doing: str) -> Iterator[int]:
        """A TF_Status for one call, given up afterwards; what it reports is raised as BackendError."""
        status = self.calls.TF_NewStatus()
        try:
            yield status
            code = self.calls.TF_GetCode(status)
            if code != OK:
                raise _error(code, f"{doing}: {self.calls.TF_Message(status).decode(errors='replace')}")
        finally:
            self.calls.TF_DeleteStatus(status)


def load_library(folder: Path | None = None) -> Library:
    """TensorFlow's C API from the installed wheel, or from `folder`.

    Raises BackendUnavailable naming the file it looked for and what to install.
    """
    folder = folder or tensorflow_folder()
    found = next((folder / name for name in LIBRARY_NAMES if (folder / name).is_file()), None)
    if found is None:
        raise BackendUnavailable(f"no {' or '.join(LIBRARY_NAMES)} in {folder}; {REMEDY}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # the library reads it once, while it loads
    try:
        with without_greetings():
            calls = ctypes.CDLL(str(found), mode=ctypes.RTLD_LOCAL)
    except OSError as error:
        raise BackendUnavailable(f"{found} cannot be loaded ({error}); {REMEDY}") from error
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(calls, name)
        function.restype, function.argtypes = result, arguments
    return Library(calls, found)


def session_options(library: Library, config: bytes) -> int:
    """New TF_SessionOptions holding a serialised ConfigProto; the caller deletes them."""
    options = int(library.calls.TF_NewSessionOptions())
    with library.checked("session options") as status:
        library.calls.TF_SetConfig(options, config, len(config), status)
    return options


def buffer_bytes(buffer: Any) -> bytes:
    return ctypes.string_at(buffer.contents.data, buffer.contents.length)


def _error(code: int, message: str) -> BackendError:
    return _PASSING.get(code, BackendRejected)(message)
