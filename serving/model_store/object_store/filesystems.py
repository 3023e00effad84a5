"""The one place where fsspec is brought in, for it is an extra: the file system of a store's address."""

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from serving.errors import InvalidSettings
from serving.model_store.object_store.address import Scheme, StoreAddress

PIP_COMMAND = "pip install 'penstock[object-store]'"
_S3_ATTEMPTS = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}}
"""A dead store is noticed within half a minute: whoever asks tries again, and knows for how long."""
_OPTIONS: Mapping[Scheme, Mapping[str, object]] = MappingProxyType(
    {"s3": {"config_kwargs": _S3_ATTEMPTS}, "gs": {}, "file": {}}
)
_DRIVERS: Mapping[Scheme, str] = MappingProxyType({"s3": "s3fs", "gs": "gcsfs", "file": "fsspec"})


def open_filesystem(address: StoreAddress) -> Any:
    """An fsspec file system that remembers no listing. Credentials are whatever the library finds by itself.

    Raises InvalidSettings that names the pip command when the library is not installed.
    """
    try:
        fsspec = importlib.import_module("fsspec")
        importlib.import_module(_DRIVERS[address.scheme])
    except ModuleNotFoundError as error:
        raise InvalidSettings(f"{address} needs the module {error.name!r}; run: {PIP_COMMAND}") from error
    make: Callable[..., Any] = fsspec.filesystem
    return make(address.scheme, skip_instance_cache=True, use_listings_cache=False, **_OPTIONS[address.scheme])
