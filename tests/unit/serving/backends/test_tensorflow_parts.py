import zipfile
from pathlib import Path, PurePosixPath

import pytest

from serving.backends.tensorflow_parts import SERVING, libraries, main, message_modules, named_messages

ASKED = "tensorflow_serving.apis.ask_pb2"
FILES = {
    "tensorflow_serving/apis/ask_pb2.py": "from tensorflow.core import value_pb2 as value",
    "tensorflow/core/value_pb2.py": "import tensorflow.core.kind_pb2\nfrom google.protobuf import any_pb2",
    "tensorflow/core/kind_pb2.py": "from tensorflow.tsl.code_pb2 import *",
    "tensorflow/tsl/code_pb2.py": "",
    "tensorflow/core/not_asked_for_pb2.py": "",
    "tensorflow/core/__init__.py": "raise SystemExit",
    "tensorflow/libtensorflow_cc.so.2": "library",
    "tensorflow/libtensorflow_framework.so.2": "another",
}
WANTED = {PurePosixPath(path) for path in list(FILES)[:4]}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "parts-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    return path


def test_what_is_imported_comes_too_and_nothing_else(wheel: Path) -> None:
    assert message_modules([ASKED], [zipfile.Path(wheel)]).keys() == WANTED


def test_a_module_that_no_wheel_has_is_named(wheel: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tensorflow/core/gone_pb2\.py is in none of the wheels"):
        message_modules(["tensorflow.core.gone_pb2"], [zipfile.Path(wheel)])


def test_modules_are_found_where_they_are_named(tmp_path: Path) -> None:
    source = f'"""Speaks of {ASKED}."""\nfrom tensorflow.core import value_pb2\nmessage_module("{ASKED}")\n'
    (tmp_path / "backend.py").write_text(source)
    assert named_messages(tmp_path) == {ASKED, "tensorflow.core.value_pb2"}


def test_the_gateway_names_the_services_that_it_speaks() -> None:
    assert {f"tensorflow_serving.apis.{name}_service_pb2" for name in ("model", "prediction")} <= named_messages(
        SERVING
    )


def test_libraries_come_only_from_a_wheel_that_has_them(wheel: Path, tmp_path: Path) -> None:
    assert list(libraries([zipfile.Path(wheel)]).values()) == [b"library", b"another"]
    with pytest.raises(FileNotFoundError, match="libtensorflow_cc"):
        libraries([tmp_path])


def test_command_writes_the_modules_of_this_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed = tmp_path / "installed"
    for name in named_messages(SERVING):
        path = installed / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    main([str(tmp_path / "image"), str(installed)])
    assert capsys.readouterr().out.endswith(" files, 0.0 MB\n")
    assert (tmp_path / "image" / "tensorflow_serving" / "apis" / "predict_pb2.py").is_file()
