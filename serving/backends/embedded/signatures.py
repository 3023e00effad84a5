"""The signatures of a SavedModel, read from its MetaGraphDef: which graph tensors stand behind which names.

Pure: bytes in, facts out.
"""

from dataclasses import dataclass
from typing import Any

from serving.backends.tensor_protos import DTYPE_NAMES
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import BackendRejected

INIT_SIGNATURE = "__saved_model_init_op"


@dataclass(frozen=True, slots=True)
class GraphSignature:
    """A signature with, in the same order as its inputs and outputs, the graph tensors (`operation:index`)."""

    signature: Signature
    input_tensors: tuple[str, ...]
    output_tensors: tuple[str, ...]


def read_signatures(meta_graph: Any) -> dict[str, GraphSignature]:
    """Every callable signature of a MetaGraphDef; raises BackendRejected for one that cannot be batched."""
    return {
        name: _read(name, definition) for name, definition in meta_graph.signature_def.items() if name != INIT_SIGNATURE
    }


def _read(name: str, definition: Any) -> GraphSignature:
    inputs, outputs = sorted(definition.inputs.items()), sorted(definition.outputs.items())
    return GraphSignature(
        Signature(
            tuple(_spec(name, key, info) for key, info in inputs),
            tuple(_spec(name, key, info) for key, info in outputs),
        ),
        tuple(info.name for _, info in inputs),
        tuple(info.name for _, info in outputs),
    )


def _spec(signature: str, name: str, info: Any) -> TensorSpec:
    dtype = DTYPE_NAMES.get(info.dtype)
    if dtype is None:
        raise BackendRejected(
            f"signature {signature}: {name} has TensorFlow's dtype number {info.dtype}, not read here"
        )
    sizes = [dimension.size for dimension in info.tensor_shape.dim]
    if info.tensor_shape.unknown_rank or not sizes or sizes[0] != -1:
        raise BackendRejected(f"signature {signature}: {name} has no free batch dimension first; export it with one")
    return TensorSpec(name, dtype, tuple(None if size == -1 else size for size in sizes[1:]))
