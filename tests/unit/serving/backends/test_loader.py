"""How a version is made ready beside those that answer."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id

import numpy as np
import pytest

from serving.backend_protocol import Arrays
from serving.backends.embedded.backend import LOADER_NICENESS, step_aside, warm_with_zeros
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import BackendRejected


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere priorities belong to processes")
def test_only_the_thread_that_loads_steps_aside() -> None:
    before = os.getpriority(os.PRIO_PROCESS, get_native_id())
    with ThreadPoolExecutor(1) as loader:
        loader.submit(step_aside).result()
        assert loader.submit(lambda: os.getpriority(os.PRIO_PROCESS, get_native_id())).result() == LOADER_NICENESS
    assert os.getpriority(os.PRIO_PROCESS, get_native_id()) == before


class Loaded:
    """Notes what is run; its signature `picky` takes no zeros."""

    def __init__(self) -> None:
        number, text = TensorSpec("x", "float32", (2, None)), TensorSpec("text", "string", ())
        outputs = (TensorSpec("y", "float32", ()),)
        self.signatures = {
            "picky": Signature((number,), outputs),
            "texts": Signature((text,), outputs),
            "plain": Signature((number, TensorSpec("n", "int64", ())), outputs),
        }
        self.ran: dict[str, Arrays] = {}

    def run(self, signature: str, inputs: Arrays) -> Arrays:
        self.ran[signature] = inputs
        if signature == "picky":
            raise BackendRejected("not zeros")
        return {"y": np.zeros(1, np.float32)}


def test_a_version_without_requests_of_its_own_is_warmed_with_a_row_of_zeros() -> None:
    loaded = Loaded()
    warm_with_zeros(loaded)
    assert list(loaded.ran) == ["picky", "plain"], "texts have no zero, and what refuses them ends nothing"
    shapes = {name: (array.shape, array.dtype.name) for name, array in loaded.ran["plain"].items()}
    assert shapes == {"x": ((1, 2, 1), "float32"), "n": ((1,), "int64")}
