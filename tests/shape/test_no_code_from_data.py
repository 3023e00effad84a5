"""Nothing that reads a file or a message can be made to run what stands in it: no pickles, no evaluated text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("serving", "training", "clients", "loadtests", "k8s", "penstock_cli.py")
MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle", "jsonpickle", "code"}
CALLS = {"eval", "exec", "compile", "__import__"}
YAML_LOADERS = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}
METHODS = {"enable_unsafe_deserialization", "read_pickle", "to_pickle"}
TURNED_OFF = {("safe_mode", False), ("allow_pickle", True), ("weights_only", False)}
"""Keyword arguments that let a file's content be run."""
PACKAGES_WITHOUT_LOADS = {"torch"}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def offences(source: str) -> Iterator[str]:
    """What of the module runs data as code, by line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
            yield from (f"{node.lineno}: import {name}" for name in names if name in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield f"{node.lineno}: from {node.module}"
        elif isinstance(node, ast.Call):
            called = dotted(node.func)
            owner, _, name = called.rpartition(".")
            if called in CALLS or name in METHODS:
                yield f"{node.lineno}: {called}()"
            if owner == "yaml" and name in YAML_LOADERS:
                yield f"{node.lineno}: {called}(); yaml.safe_load reads plain values alone"
            if owner.partition(".")[0] in PACKAGES_WITHOUT_LOADS and name == "load":
                yield f"{node.lineno}: {called}()"
            given = {(word.arg, word.value.value) for word in node.keywords if isinstance(word.value, ast.Constant)}
            yield from (f"{node.lineno}: {name}={value!r}" for name, value in given & TURNED_OFF)


def modules() -> list[Path]:
    """Ours, not what a build folder or a package of another language brought along."""
    found = [
        path for name in FOLDERS for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    return [path for path in found if not {"node_modules", "build", "dist"} & set(path.parts)]


def test_no_module_runs_what_it_reads() -> None:
    paths = modules()
    assert len(paths) > 300
    found = [f"{path.relative_to(ROOT)}:{told}" for path in paths for told in offences(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import numpy, joblib.parallel",
        "from marshal import loads",
        "eval(text)",
        "exec(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "np.load(file, allow_pickle=True)",
        "keras.models.load_model(path, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pandas.read_pickle(path)",
    ],
)
def test_each_way_to_run_data_is_seen(source: str) -> None:
    assert list(offences(source))


@pytest.mark.parametrize(
    "source", ["yaml.safe_load(t)", "np.load(f, allow_pickle=False)", "re.compile(t)", "json.load(f)"]
)
def test_what_reads_plain_values_is_left_alone(source: str) -> None:
    assert list(offences(source)) == []
