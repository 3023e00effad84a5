"""The one place that reaches for a package which this client does not need unless its caller asks for what it does."""

from importlib import import_module
from typing import Any


def bring(module: str, *, needs: str, pip: str) -> Any:
    """The module; raises ModuleNotFoundError, which says that `needs` is missing and which pip command brings it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{needs}: pip install {pip}") from error
