"""A browser for the console, and a gateway to show."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from tests.integration.console.console_parts import Theatre, built
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import publish_again

UNIT = "points"


@pytest.fixture(scope="session")
def theatre(program: Callable[[str], str]) -> Theatre:
    """Node and Chromium with the console built; without them the test is skipped or failed."""
    chromium = os.environ.get("PENSTOCK_CHROMIUM") or program("chromium")
    return built(program("node"), program("npm"), chromium)


@pytest.fixture(scope="session")
def console_models(trained_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained models, the regressor's newest version with a unit, which the bundled data does not tell."""
    models = Path(shutil.copytree(trained_models, tmp_path_factory.mktemp("console") / "models"))

    def with_unit(manifest: Manifest) -> Manifest:
        return manifest.model_copy(update={"outputs": manifest.outputs.model_copy(update={"unit": UNIT})})

    publish_again(models, "diabetes", described=with_unit)
    return models


@pytest.fixture(scope="session")
def console_gateway(console_models: Path, theatre: Theatre, start_gateway_session: StartGateway) -> GatewayProcess:  # noqa: ARG001 - nothing is started where there is no browser
    return start_gateway_session("--models", str(console_models))
