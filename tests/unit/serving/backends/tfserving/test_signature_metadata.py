from typing import Any

import pytest

from serving.backends.tensorflow_messages import message_module
from serving.backends.tfserving.signature_metadata import signatures_of
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import BackendError, BackendRejected

METADATA = message_module("tensorflow_serving.apis.get_model_metadata_pb2")


def answer(*sizes: int) -> Any:
    definitions, made = METADATA.SignatureDefMap(), METADATA.GetModelMetadataResponse()
    definition = definitions.signature_def["serving_default"]
    for side, name, dtype in ((definition.inputs, "x", 1), (definition.outputs, "y", 7)):
        side[name].dtype = dtype
        for size in sizes:
            side[name].tensor_shape.dim.add(size=size)
    definitions.signature_def["__saved_model_init_op"].SetInParent()
    made.metadata["signature_def"].Pack(definitions)
    return made


def test_signatures_are_read_without_what_only_loading_needs() -> None:
    wanted = Signature((TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "string", (None, 3)),))
    assert signatures_of(answer(-1, -1, 3), METADATA.SignatureDefMap()) == {"serving_default": wanted}


def test_a_signature_without_a_free_batch_size_is_refused() -> None:
    with pytest.raises(BackendRejected, match="no free batch dimension"):
        signatures_of(answer(4), METADATA.SignatureDefMap())


def test_an_answer_without_signatures_is_none() -> None:
    with pytest.raises(BackendError, match="names no signatures"):
        signatures_of(METADATA.GetModelMetadataResponse(), METADATA.SignatureDefMap())


def test_damaged_signatures_are_the_servers_fault() -> None:
    damaged = answer(-1)
    damaged.metadata["signature_def"].value = b"\xff\xff"
    with pytest.raises(BackendError, match="cannot be read"):
        signatures_of(damaged, METADATA.SignatureDefMap())
