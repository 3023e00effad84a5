"""One loaded SavedModel: a session of the C API and the signatures it can run.

Synchronous and thread-safe: `run` leaves the GIL while TensorFlow computes. Who calls it when is the backend's.
"""

import ctypes
import time
from collections.abc import Mapping
from pathlib import Path

from serving.backend_protocol import Arrays
from serving.backends.embedded.c_api import Library, Output, buffer_bytes, session_options
from serving.backends.embedded.pace import Pace
from serving.backends.embedded.signatures import GraphSignature, read_signatures
from serving.backends.embedded.tensors import from_tensor, to_tensor
from serving.backends.tensorflow_messages import message_module
from serving.contract.tensors import Array, Signature
from serving.errors import BackendError, BackendRejected


class LoadedModel:
    """A SavedModel in memory. Build it with `load_model`; `close` frees it once no `run` is under way."""

    def __init__(self, library: Library, session: int, graph: int, signatures: Mapping[str, GraphSignature]) -> None:
        self._library = library
        self._session = session
        self._graph = graph
        self._bound = {name: _Bound(library, graph, signature) for name, signature in signatures.items()}
        self.signatures: Mapping[str, Signature] = {name: graph.signature for name, graph in signatures.items()}

    def run(self, signature: str, inputs: Arrays) -> dict[str, Array]:
        """One call; `inputs` has exactly the signature's names. Raises BackendRejected with TensorFlow's message."""
        bound = self._bound.get(signature)
        if bound is None:
            raise BackendRejected(f"the version has no signature {signature!r}; it has {', '.join(self._bound)}")
        if inputs.keys() != bound.input_set:
            raise BackendRejected(f"inputs {sorted(inputs)} where {sorted(bound.input_names)} are expected")
        started = time.perf_counter()
        outputs = self._run(bound, inputs)
        bound.pace.observe(rows_of(inputs), time.perf_counter() - started)
        return outputs

    def is_short(self, signature: str, inputs: Arrays) -> bool:
        """Whether such a call may run in the event loop's own thread."""
        bound = self._bound.get(signature)
        return bound is not None and bound.pace.fits_the_loop(rows_of(inputs))

    def _run(self, bound: "_Bound", inputs: Arrays) -> dict[str, Array]:
        calls = self._library.calls
        fed = (ctypes.c_void_p * len(bound.input_names))()
        fetched = (ctypes.c_void_p * len(bound.output_names))()
        try:
            for index, name in enumerate(bound.input_names):
                fed[index] = to_tensor(self._library, inputs[name])
            with self._library.checked("predict") as status:
                calls.TF_SessionRun(
                    self._session, None, bound.inputs, fed, len(fed), bound.outputs, fetched, len(fetched),
                    None, 0, None, status,
                )  # fmt: skip
            return {
                name: from_tensor(self._library, tensor)
                for name, tensor in zip(bound.output_names, fetched, strict=True)
            }
        finally:
            for tensor in (*fed, *fetched):
                if tensor:
                    calls.TF_DeleteTensor(tensor)

    def close(self) -> None:
        """Free the session and the graph; no other method may be called afterwards."""
        with self._library.checked("close session") as status:
            self._library.calls.TF_CloseSession(self._session, status)
        with self._library.checked("delete session") as status:
            self._library.calls.TF_DeleteSession(self._session, status)
        self._library.calls.TF_DeleteGraph(self._graph)


class _Bound:
    """A signature with its graph operations looked up once, in the form TF_SessionRun takes."""

    def __init__(self, library: Library, graph: int, signature: GraphSignature) -> None:
        self.pace = Pace()
        self.input_names = tuple(spec.name for spec in signature.signature.inputs)
        self.input_set = frozenset(self.input_names)
        self.output_names = tuple(spec.name for spec in signature.signature.outputs)
        self.inputs = _outputs(library, graph, signature.input_tensors)
        self.outputs = _outputs(library, graph, signature.output_tensors)


def rows_of(inputs: Arrays) -> int:
    return len(next(iter(inputs.values()), ()))


def _outputs(library: Library, graph: int, tensors: tuple[str, ...]) -> ctypes.Array[Output]:
    places = (Output * len(tensors))()
    for place, tensor in zip(places, tensors, strict=True):
        operation, _, index = tensor.partition(":")
        place.operation = library.calls.TF_GraphOperationByName(graph, operation.encode())
        place.index = int(index or 0)
        if not place.operation:
            raise BackendRejected(f"the graph has no operation {operation}, which a signature names")
    return places


def load_model(library: Library, folder: Path) -> LoadedModel:
    """Load the SavedModel in `folder`: variables restored, tables and assets initialised.

    Raises BackendRejected with TensorFlow's reason, the folder's own path left out.
    """
    graph = library.calls.TF_NewGraph()
    meta_graph = library.calls.TF_NewBuffer()
    options = session_options(library, _config())
    try:
        tags = (ctypes.c_char_p * 1)(b"serve")
        with library.checked("load") as status:
            session = library.calls.TF_LoadSessionFromSavedModel(
                options, None, str(folder).encode(), tags, len(tags), graph, meta_graph, status
            )
        definition = message_module("tensorflow.core.protobuf.meta_graph_pb2").MetaGraphDef()
        definition.ParseFromString(buffer_bytes(meta_graph))
        return LoadedModel(library, session, graph, read_signatures(definition))
    except BackendError as error:
        raise BackendRejected(str(error).replace(str(folder), folder.name)) from error
    finally:
        library.calls.TF_DeleteSessionOptions(options)
        library.calls.TF_DeleteBuffer(meta_graph)


def _config() -> bytes:
    """Sessions run in the caller's thread: no hand-over to TensorFlow's pools, which costs more than small models do.

    Measured for the design: a batch of 1 of a 784-128-10 network 62 us instead of 87, of 64 203 us instead of 357.
    """
    config = message_module("tensorflow.core.protobuf.config_pb2").ConfigProto()
    config.intra_op_parallelism_threads = 1
    config.inter_op_parallelism_threads = -1
    return bytes(config.SerializeToString())
