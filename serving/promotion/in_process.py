"""A version's answers without a gateway: the SavedModel by the embedded runtime in this process.

For a promotion where none runs; decodes instances and writes rows as the gateway does.
"""

from collections.abc import Sequence

import numpy as np
import orjson
from pydantic import JsonValue

from serving.backends.embedded.c_api import load_library
from serving.backends.embedded.session import LoadedModel, load_model
from serving.backends.embedded.signal_stacks import give_signals_a_stack
from serving.contract.agreement import DEFAULT_SIGNATURE, check_agreement
from serving.contract.manifest import Manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Array
from serving.errors import BackendError, PublishError
from serving.model_store.trust import ANY_SIGNER, Trust, check_version
from serving.preprocessing.records import decode_instances
from serving.promotion.checks import Candidate


def answered_in_process(
    candidate: Candidate, instances: Sequence[JsonValue], trust: Trust = ANY_SIGNER
) -> Sequence[JsonValue]:
    """The rows of `predictions`. Raises PublishError, InvalidInput, BackendError, and IntegrityError also for a version
    that may not be loaded.
    """
    manifest = candidate.manifest()
    if manifest is None:
        return ()
    check_version(candidate.models, candidate.model, candidate.version, trust)
    give_signals_a_stack()
    folder = model_paths(candidate.models, candidate.model).version(candidate.version).root
    try:
        loaded = load_model(load_library(), folder)
    except BackendError as error:
        raise PublishError(f"it cannot be loaded: {error}; mend what it names and publish the version again") from error
    try:
        check_agreement(manifest, loaded.signatures)
        return _rows(_outputs(loaded, manifest, instances))
    finally:
        loaded.close()


def _outputs(loaded: LoadedModel, manifest: Manifest, instances: Sequence[JsonValue]) -> dict[str, Array]:
    """In batches of an allowed number of rows, the last one filled up with its own last row."""
    arrays = decode_instances(list(instances), manifest.features)
    allowed = manifest.export.allowed_batch_rows or (len(instances),)
    rows = next((size for size in allowed if size >= len(instances)), allowed[-1])
    parts = []
    for start in range(0, len(instances), rows):
        places = np.minimum(np.arange(start, start + rows), len(instances) - 1)
        parts.append(loaded.run(DEFAULT_SIGNATURE, {name: array[places] for name, array in arrays.items()}))
    return {name: np.concatenate([part[name] for part in parts])[: len(instances)] for name in parts[0]}


def _rows(outputs: dict[str, Array]) -> Sequence[JsonValue]:
    columns = {name: _jsonable(array) for name, array in outputs.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _jsonable(array: Array) -> list[JsonValue]:
    """As JSON has it: a number that is not finite comes out as null, float32 as its shortest digits."""
    if array.dtype == object:
        return [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
    array = array.astype(np.float32) if array.dtype == np.float16 else array
    rows: list[JsonValue] = orjson.loads(orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY))
    return rows
