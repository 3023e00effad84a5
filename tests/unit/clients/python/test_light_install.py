"""The client installs alone: the standard library and httpx2 are all it may use, and grpcio where gRPC is spoken."""

import ast
import subprocess
import sys
from pathlib import Path

import penstock_client
import pytest

PACKAGE = Path(str(penstock_client.__file__)).parent
ALLOWED = {*sys.stdlib_module_names, "httpx2", "penstock_client"}
OF_THE_EXTRA = {"grpc", "google"}
"""What the modules named `grpc_*` may use beside; nothing imports them before a URL asks for gRPC."""
HEAVY = (
    "google",
    "grpc",
    "keras",
    "loadtests",
    "numpy",
    "pandas",
    "PIL",
    "pydantic",
    "rich",
    "serving",
    "tensorflow",
    "training",
)

USE_WITHOUT_THE_REST = f"""
import sys
for name in {HEAVY}:
    sys.modules[name] = None  # `import name` now raises ModuleNotFoundError
import penstock_client, penstock_client.__main__
with penstock_client.Client("http://127.0.0.1:1", retries=None) as client:
    try:
        client.predict("digits", [[0.0]])
    except penstock_client.ConnectionFailed:
        print("works")
"""


GRPC_WITHOUT_ITS_EXTRA = """
import sys
sys.modules["grpc"] = None
import penstock_client
for connect in (penstock_client.Client, penstock_client.AsyncClient):
    try:
        connect("grpc://127.0.0.1:1")
    except ModuleNotFoundError as error:
        print(error)
"""


def imported_by(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    return names


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.name)
def test_only_httpx2_is_imported(file: Path) -> None:
    assert imported_by(file) <= (ALLOWED | OF_THE_EXTRA if file.name.startswith("grpc_") else ALLOWED)


def printed_by(code: str) -> str:
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout


def test_it_works_where_nothing_heavy_is_installed() -> None:
    assert printed_by(USE_WITHOUT_THE_REST) == "works\n"


def test_importing_it_loads_nothing_heavy() -> None:
    found = printed_by(f"import sys, penstock_client.__main__; print(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert found.split() == []


def test_grpc_without_its_extra_names_the_pip_command() -> None:
    told = "gRPC needs grpcio and protobuf: pip install 'penstock-client[grpc]'\n"
    assert printed_by(GRPC_WITHOUT_ITS_EXTRA) == told * 2
