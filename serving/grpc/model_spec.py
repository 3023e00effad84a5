"""tensorflow.serving.ModelSpec: which version a request names, and which answered."""

from typing import Any

from serving.catalog import ModelReference, Servable
from serving.errors import InvalidInput


def reference_of(spec: Any, pointer: str = "/model_spec") -> ModelReference:
    """Raises InvalidInput when no model is named."""
    if not spec.name:
        raise InvalidInput("no model is named", pointer=f"{pointer}/name")
    choice = spec.WhichOneof("version_choice")
    if choice == "version":
        return ModelReference(spec.name, version=spec.version.value)
    return ModelReference(spec.name, label=spec.version_label if choice else None)


def fill_spec(spec: Any, model: str, version: int, signature: str) -> None:
    spec.name = model
    spec.version.value = version
    spec.signature_name = signature


def check_signature(servable: Servable, signature: str, pointer: str = "/model_spec") -> None:
    """Raise InvalidInput unless the version has the signature; said here, since the catalog names REST's field."""
    if signature not in servable.signatures:
        known = ", ".join(sorted(servable.signatures))
        raise InvalidInput(
            f"the version has no signature {signature[:64]!r}; it has {known}", pointer=f"{pointer}/signature_name"
        )
