"""The model that storms ask, made once."""

from pathlib import Path

import pytest

from tests.integration.chaos.stages import export_doubles


@pytest.fixture(scope="session")
def doubles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with `doubles`, y = 2x. Read it; copy it to change it."""
    models = tmp_path_factory.mktemp("doubles") / "models"
    export_doubles(models)
    return models
