"""Settings of what a model must be like to be loaded: its graph's operations and its signature. Pure.

A mixin of `Settings`, which see.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class TrustSettings(BaseModel):
    """Models are code; these say whose code is run, and how far."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    allowed_operations: tuple[str, ...] = ()
    """Operations of graphs beside those listed in docs/model-security.md, such as `DecodeJpeg`; `*` is any."""

    require_signatures: bool = False
    """Load only versions that a key of `trusted_keys` signed and that have not changed since. Off: there is no key."""

    trusted_keys: tuple[Path, ...] = Field(default=(), validate_default=True)
    """Public keys (PEM) of those who may sign versions; several while one takes another's place."""

    @field_validator("trusted_keys")
    @classmethod
    def _keys_with_the_requirement(cls, keys: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        if bool(keys) != info.data.get("require_signatures", bool(keys)):
            raise ValueError("require_signatures and trusted_keys belong together")
        return keys
