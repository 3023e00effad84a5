"""TensorFlow's protobuf messages without TensorFlow: the one place that knows how.

The generated modules only need the package's folder on the path; `import tensorflow` itself costs seconds and half
a gigabyte. A process that also needs the real TensorFlow must import that first; then this changes nothing.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from serving.errors import BackendUnavailable

REMEDY = "install TensorFlow: pip install 'penstock[serving]'"


def tensorflow_folder() -> Path:
    """Where the installed TensorFlow lies. Raises BackendUnavailable with the remedy when it is not installed."""
    spec = PathFinder.find_spec(
        "tensorflow"
    )  # not importlib.util.find_spec: that one trusts a bare module's lack of spec
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise BackendUnavailable(f"TensorFlow is not installed in this environment; {REMEDY}")
    return Path(locations[0])


def message_module(name: str) -> Any:
    """The generated module `name`, such as `tensorflow.core.protobuf.meta_graph_pb2`."""
    if "tensorflow" not in sys.modules:
        bare = ModuleType("tensorflow")
        bare.__path__ = [str(tensorflow_folder())]
        sys.modules["tensorflow"] = bare
    return importlib.import_module(name)
