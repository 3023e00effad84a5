"""The first `stable` label of a model, set while a version is being swapped in."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

from serving.backend_protocol import VersionState
from serving.backends.embedded.backend import EmbeddedBackend
from serving.backends.embedded.c_api import load_library
from serving.catalog import Catalog
from serving.model_store.labels import set_label
from tests.swaps import BOUND_SECONDS, publish_again

MODEL = "doubles"


async def answering_at_every_change(models: Path) -> list[bool]:
    """Whether anybody answered requests that name nothing, at each change until version 3 is live. It is published,
    and labelled, in the moment in which version 2 is live and version 1 not yet freed.
    """
    backend = EmbeddedBackend(models, load_library(), threads=1, poll_seconds=0.05)
    catalog = Catalog(models, backend, poll_seconds=3600)
    answered: list[bool] = []
    done = asyncio.Event()

    async def changed() -> None:
        live = [n for n, s in backend.status().get(MODEL, {}).items() if s.state is VersionState.AVAILABLE]
        if live == [1, 2] and not (models / MODEL / "3").exists():
            version = publish_again(models, MODEL)
            set_label(models, MODEL, "stable", version, by="test", reason="", now=datetime.now(UTC))
        await catalog.renew()
        if live:
            entry = catalog.view.entry(MODEL)
            answered.append(entry.answering_version() in entry.servables)
        if 3 in live:
            done.set()

    await backend.start(changed)
    publish_again(models, MODEL)
    async with asyncio.timeout(BOUND_SECONDS):
        await done.wait()
    await backend.close()
    return answered


def test_a_first_label_set_during_a_swap_leaves_nobody_without_an_answer(doubles: Path, tmp_path: Path) -> None:
    models = Path(shutil.copytree(doubles, tmp_path / "models"))
    answered = asyncio.run(answering_at_every_change(models))
    assert len(answered) >= 3
    assert all(answered)
