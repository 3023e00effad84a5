"""What GetModelMetadata says of a version's signatures, in the contract's words.

Pure: a message in, facts out.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError

from serving.backends.embedded.signatures import read_signatures
from serving.contract.tensors import Signature
from serving.errors import BackendError

FIELD = "signature_def"


def signatures_of(answer: Any, definitions: Any) -> Mapping[str, Signature]:
    """Of a GetModelMetadataResponse; `definitions` is an empty SignatureDefMap.

    Raises BackendError for an answer without signatures, BackendRejected for a signature that cannot be batched.
    """
    try:
        unpacked = FIELD in answer.metadata and answer.metadata[FIELD].Unpack(definitions)
    except DecodeError as error:
        raise BackendError("the model server's signature metadata cannot be read") from error
    if not unpacked:
        raise BackendError("the model server names no signatures of this version")
    return {name: found.signature for name, found in read_signatures(definitions).items()}
