"""The one place that reaches for a package which this client does not need unless its caller asks for what it does."""

from importlib import import_module
from typing import Any


def bring(module: str, *, pip: str, purpose: str) -> Any:
    """The module; raises ImportError with the pip command that brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"{purpose} needs {module.partition('.')[0]}: pip install {pip}") from error
