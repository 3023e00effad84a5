"""The C API against SavedModels that the real TensorFlow wrote: dtypes, tables, assets, and its errors as ours."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from serving.backends.embedded.c_api import Library, load_library
from serving.backends.embedded.session import LoadedModel, load_model
from serving.contract.tensors import NUMPY_DTYPES, TensorSpec
from serving.errors import BackendRejected, BackendUnavailable
from tests.preloaded import run_preloaded


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    script = Path(__file__).with_name("saved_model_zoo.py")
    assert run_preloaded([script, folder]).returncode == 0
    return folder


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


@pytest.fixture(scope="module")
def echo(zoo: Path, library: Library) -> LoadedModel:
    return load_model(library, zoo / "echo" / "1")


def values(name: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    if name == "string":
        return np.array([[b"", b"short"], ["grün".encode(), b"\x00\xff" * 5000]], dtype=object)
    return np.array([[0, 1], [1, 0]]).astype(NUMPY_DTYPES[name])


def test_every_dtype_goes_in_and_comes_out(echo: LoadedModel) -> None:
    inputs = {name: values(name) for name in NUMPY_DTYPES}
    outputs = echo.run("serving_default", inputs)
    for name, array in inputs.items():
        assert outputs[f"{name}_out"].dtype == array.dtype
        assert np.array_equal(outputs[f"{name}_out"], array)


def test_non_contiguous_and_empty_arrays_are_fed_whole(echo: LoadedModel) -> None:
    every_other = np.arange(10, dtype=np.float32)[::2]
    assert echo.run("double", {"x": every_other})["y"].tolist() == [0, 4, 8, 12, 16]
    assert echo.run("double", {"x": np.empty(0, np.float32)})["y"].shape == (0,)


def test_tables_and_assets_are_initialised(echo: LoadedModel) -> None:
    colours = np.array([b"blue", b"red", b"mauve"], dtype=object)
    assert echo.run("lookup", {"colour": colours})["index"].tolist() == [2, 0, -1]


def test_signatures_are_read_batch_dimension_aside(echo: LoadedModel) -> None:
    assert echo.signatures["double"].inputs == (TensorSpec("x", "float32", ()),)
    assert {spec.row_shape for spec in echo.signatures["serving_default"].inputs} == {(2,)}


def test_failure_of_the_graph_carries_tensorflows_message(echo: LoadedModel) -> None:
    with pytest.raises(BackendRejected, match="no logarithm"):
        echo.run("fail", {"x": np.ones(1, np.float32)})


def test_wrong_inputs_are_refused_and_the_session_lives_on(echo: LoadedModel) -> None:
    with pytest.raises(BackendRejected, match=r"\['z'\] where \['x'\]"):
        echo.run("double", {"z": np.ones(1, np.float32)})
    with pytest.raises(BackendRejected, match="predict: "):
        echo.run("double", {"x": np.ones(1, np.int64)})
    with pytest.raises(BackendRejected, match="no signature 'nope'"):
        echo.run("nope", {})
    assert echo.run("double", {"x": np.ones(1, np.float32)})["y"].tolist() == [2]


def test_many_threads_share_a_session(echo: LoadedModel) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: echo.run("double", {"x": np.full(3, n, np.float32)})["y"].tolist(), range(400))
    assert list(answers) == [[2.0 * n] * 3 for n in range(400)]


def test_fixed_batch_size_is_refused_with_the_reason(zoo: Path, library: Library) -> None:
    with pytest.raises(BackendRejected, match="no free batch dimension first"):
        load_model(library, zoo / "fixed" / "1")


def test_missing_saved_model_is_an_error_without_its_path(tmp_path: Path, library: Library) -> None:
    with pytest.raises(BackendRejected, match="load: ") as refused:
        load_model(library, tmp_path / "7")
    assert str(tmp_path) not in str(refused.value)


def test_library_in_another_folder_is_looked_for_there(tmp_path: Path) -> None:
    (tmp_path / "libtensorflow_cc.so.2").write_bytes(b"not a library")
    with pytest.raises(BackendUnavailable, match="cannot be loaded"):
        load_library(tmp_path)


def test_numpy_random_works_beside_the_library(library: Library) -> None:
    assert library.version
    assert 0 <= np.random.default_rng(0).random() < 1


@pytest.mark.parametrize("mode", ["loop", "pool"])
def test_signals_that_come_while_a_model_runs_harm_nothing(zoo: Path, mode: str) -> None:
    script = Path(__file__).with_name("signals_probe.py")
    command = [sys.executable, str(script), str(zoo / "dense" / "1"), mode, "5000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 5000
