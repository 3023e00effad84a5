"""What every test may use: real models trained once, real gateways as processes, and the rule for absent programs."""

import contextlib
import fcntl
import functools
import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.processes import GatewayProcess, StartGateway, start_gateway_process, trained

settings.register_profile("penstock", deadline=None)  # timings never decide a test
settings.load_profile("penstock")

PACKAGES = {
    "chromium": "chromium",
    "curl": "curl",
    "nginx": "nginx-light",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "wrk": "wrk",
}
"""The Debian package of each system program that a test uses."""

LONGEST_FIRST = ("integration/training", "integration/loadtests", "deployment", "integration", "unit")
"""Folders of tests in the order in which several testers take their files, so that none is left with a long one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.path))


@functools.cache
def _turn(path: Path) -> int:
    tests = Path(__file__).parent
    folders = (turn for turn, folder in enumerate(LONGEST_FIRST) if path.is_relative_to(tests / folder))
    return next(folders, len(LONGEST_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What thousands of collected tests hold stays: nothing looks through it, neither while it grows nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        _freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """So does what a folder's tests have imported."""
    if nextitem is not None and nextitem.path.parent != item.path.parent:
        _freeze()


def _freeze() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def start_gateway_session() -> Iterator[StartGateway]:
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **environment: start_gateway_process(stack, arguments, environment)


@pytest.fixture
def start_gateway() -> Iterator[StartGateway]:
    """Call it with the arguments of `penstock serve`; environment variables by keyword. Ended when the test is."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **environment: start_gateway_process(stack, arguments, environment)


@pytest.fixture(scope="session")
def gateway(start_gateway_session: StartGateway, trained_models: Path) -> GatewayProcess:
    """One gateway over the trained models, for tests that only ask."""
    return start_gateway_session("--models", str(trained_models))


@pytest.fixture(scope="session")
def trained_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with two shipped jobs, trained by the command line, once for all testers and copied for each:
    a gateway may write beside its models. Read it; copy it to change it.
    """
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent  # the run's own folder, in which each tester has one
    with (run / "trained.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "trained").exists():
            for job in ("digits", "diabetes"):
                trained(job, "--models", str(run / "training"))
            (run / "training").rename(run / "trained")
    return Path(shutil.copytree(run / "trained", tmp_path_factory.mktemp("models") / "models"))


@pytest.fixture
def own_models(trained_models: Path, tmp_path: Path) -> Path:
    """A copy of the trained models that the test may change."""
    return Path(shutil.copytree(trained_models, tmp_path / "models"))


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a system program; without it the test is skipped, or fails where PENSTOCK_REQUIRE_ALL=1."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is not None:
            return path
        return absent(f"needs the program {name} (Debian package {PACKAGES[name]})")

    return find


@pytest.fixture(scope="session")
def triton_python() -> str:
    """The Python that has Triton's client, which cannot live in ours; skipped or failed without it."""
    python = Path(__file__).parents[1] / ".venv-triton" / "bin" / "python"
    return str(python) if python.exists() else absent("needs .venv-triton (make test builds it)")


def absent(reason: str) -> NoReturn:
    """End a test that lacks something: skipped, or failed where PENSTOCK_REQUIRE_ALL=1."""
    if os.environ.get("PENSTOCK_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
