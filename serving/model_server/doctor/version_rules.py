"""Rules about single versions: the graph, its manifest and its warm-up records.

Pure; one function a rule, its name the rule's.
"""

from collections.abc import Iterator, Mapping

from serving.contract.agreement import DEFAULT_SIGNATURE, check_agreement
from serving.contract.tensors import Signature, TensorSpec, shape_matches, shape_text
from serving.errors import IntegrityError
from serving.model_server.doctor.facts import Facts, Finding, Graph, GraphTensor, VersionFacts, WarmupCall

MOST_WARMUP_RECORDS = 1000
"""TensorFlow Serving refuses to load a version with more (saved_model_warmup_util.h)."""


def damaged_manifest(facts: Facts) -> Iterator[Finding]:
    for version in facts.versions():
        if version.manifest_problem:
            yield Finding(version.where, version.manifest_problem, "publish the version anew, and prune this one")


def unreadable_graph(facts: Facts) -> Iterator[Finding]:
    for version in facts.versions():
        if version.graph_problem:
            yield Finding(version.where, version.graph_problem, "publish the version anew, and prune this one")


def changed_files(facts: Facts) -> Iterator[Finding]:
    for version in facts.versions():
        if version.damage:
            more = f" and {len(version.damage) - 1} more" if len(version.damage) > 1 else ""
            remedy = f"see `penstock models verify {version.model} {version.version}`; publish it anew"
            yield Finding(version.where, f"not as it was published: {version.damage[0]}{more}", remedy)


def no_default_signature(facts: Facts) -> Iterator[Finding]:
    for version, graph in _graphs(facts):
        names = [signature.name for signature in graph.signatures]
        if DEFAULT_SIGNATURE not in names:
            what = f"no signature {DEFAULT_SIGNATURE}; there are {', '.join(names) or 'none'}"
            yield Finding(version.where, what, "export one: requests that name no signature ask it")


def batch_dimension_not_free(facts: Facts) -> Iterator[Finding]:
    """TensorFlow Serving serves such a version, one request at a time; the gateway does not load it."""
    for version, graph in _graphs(facts):
        for signature in graph.signatures:
            for tensor in (*signature.inputs, *signature.outputs):
                if not _is_free(tensor):
                    shape = "an unknown number of dimensions" if tensor.shape is None else shape_text(tensor.shape)
                    what = f"{signature.name}: {tensor.name} has {shape}, its batch dimension is not free"
                    yield Finding(version.where, what, "export it with None as the first dimension")


def unknown_dtype(facts: Facts) -> Iterator[Finding]:
    for version, graph in _graphs(facts):
        for signature in graph.signatures:
            for tensor in (*signature.inputs, *signature.outputs):
                if tensor.dtype is None:
                    what = f"{signature.name}: {tensor.name} has a dtype that the gateway does not read"
                    yield Finding(version.where, what, "cast it inside the graph")


def manifest_and_graph_disagree(facts: Facts) -> Iterator[Finding]:
    for version, graph in _graphs(facts):
        signatures = _batched(graph)
        if version.manifest is None or DEFAULT_SIGNATURE not in signatures:
            continue
        try:
            check_agreement(version.manifest, signatures)
        except IntegrityError as error:
            yield Finding(version.where, str(error), "publish the version anew, and prune this one")


def damaged_warmup_records(facts: Facts) -> Iterator[Finding]:
    for version in facts.versions():
        if version.warmup_problem:
            what = f"warm-up records: {version.warmup_problem}"
            yield Finding(version.where, what, "publish the version anew: loading it fails while it warms up")


def too_many_warmup_records(facts: Facts) -> Iterator[Finding]:
    for version in facts.versions():
        if version.warmup and len(version.warmup) > MOST_WARMUP_RECORDS:
            what = (
                f"{len(version.warmup)} warm-up records, more than the {MOST_WARMUP_RECORDS} TensorFlow Serving reads"
            )
            yield Finding(version.where, what, "publish it with fewer: one for each batch size is enough")


def warmup_records_do_not_fit(facts: Facts) -> Iterator[Finding]:
    for version, graph in _graphs(facts):
        signatures = _batched(graph)
        for number, call in enumerate(version.warmup or (), 1):
            if reason := _misfit(call, signatures):
                what = f"warm-up record {number} does not fit the graph: {reason}"
                yield Finding(version.where, what, "publish the version anew: loading it fails while it warms up")
                break


def sizes_that_are_not_warmed(facts: Facts) -> Iterator[Finding]:
    for version in facts.versions():
        if version.manifest is None or not version.manifest.export.allowed_batch_rows:
            continue
        warmed = {_rows(call) for call in version.warmup or () if call.signature == DEFAULT_SIGNATURE}
        missing = [rows for rows in version.manifest.export.allowed_batch_rows if rows not in warmed]
        if missing:
            what = f"no warm-up record of {', '.join(map(str, missing))} rows, which the manifest allows"
            yield Finding(version.where, what, "publish it anew: the first call of each size compiles for seconds")


def export_newer_than_server(facts: Facts) -> Iterator[Finding]:
    server = facts.server.version
    if server is None:
        return
    for version in facts.versions():
        written_by = _tensorflow_of(version)
        if written_by and written_by > server:
            what = f"exported by TensorFlow {_dotted(written_by)}, the server is {_dotted(server)}"
            yield Finding(version.where, what, "take a newer server: it may lack operations that the graph has")


def compiled_and_xla_is_off(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    if (
        server.flags is None
        or server.is_on("xla_gpu_compilation_enabled")
        or server.is_on("xla_cpu_compilation_enabled")
    ):
        return
    for version in facts.versions():
        if version.manifest is not None and version.manifest.export.profile == "gpu":
            what = "compiled by XLA (profile gpu), which the server's flags leave off: its first request fails"
            yield Finding(version.where, what, "start the server with --xla_gpu_compilation_enabled=true")


def _graphs(facts: Facts) -> Iterator[tuple[VersionFacts, Graph]]:
    for version in facts.versions():
        if version.graph is not None:
            yield version, version.graph


def _is_free(tensor: GraphTensor) -> bool:
    return bool(tensor.shape) and tensor.shape is not None and tensor.shape[0] is None


def _batched(graph: Graph) -> dict[str, Signature]:
    """The signatures that the contract can say: free in the first dimension, and of known dtypes."""
    found = {}
    for signature in graph.signatures:
        inputs, outputs = _specs(signature.inputs), _specs(signature.outputs)
        if len(inputs) == len(signature.inputs) and len(outputs) == len(signature.outputs):
            found[signature.name] = Signature(inputs, outputs)
    return found


def _specs(tensors: tuple[GraphTensor, ...]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(tensor.name, tensor.dtype, tensor.shape[1:])
        for tensor in tensors
        if tensor.dtype is not None and tensor.shape and _is_free(tensor)
    )


def _misfit(call: WarmupCall, signatures: Mapping[str, Signature]) -> str:
    signature = signatures.get(call.signature)
    if signature is None:
        return f"it asks the signature {call.signature}; there are {', '.join(signatures) or 'none'}"
    wanted = {spec.name: spec for spec in signature.inputs}
    if call.inputs.keys() != wanted.keys():
        return f"it has {', '.join(sorted(call.inputs)) or 'no inputs'}; {', '.join(sorted(wanted))} is wanted"
    for name, (dtype, shape) in call.inputs.items():
        spec = wanted[name]
        if dtype != spec.dtype or not shape or not shape_matches(shape[1:], spec.row_shape):
            return (
                f"{name} is {dtype} {shape_text(shape)}; {spec.dtype} {shape_text((None, *spec.row_shape))} is wanted"
            )
    return ""


def _rows(call: WarmupCall) -> int | None:
    return next((shape[0] for _, shape in call.inputs.values() if shape), None)


def _tensorflow_of(version: VersionFacts) -> tuple[int, int] | None:
    text = version.graph.tensorflow if version.graph else ""
    if not text and version.manifest is not None:
        text = version.manifest.frameworks.get("tensorflow", "")
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
