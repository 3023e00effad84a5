"""The sources a job can name, one reader each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from training.data.bundled import read_bundled
from training.data.dataset import Dataset
from training.data.spec import DataSpec

SOURCES: Mapping[str, Callable[[DataSpec], Dataset]] = MappingProxyType({"bundled": read_bundled})


def read_dataset(spec: DataSpec) -> Dataset:
    return SOURCES[spec.source](spec)
