"""Two workers of one gateway, by the files they share: what one counts the other judges by."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from serving.backend_protocol import VersionState, VersionStatus
from serving.backends.in_memory import InMemoryBackend
from serving.batching.waiting import Answer, Receipt
from serving.catalog import Catalog, ModelEntry, ModelReference, build_view
from serving.contract.manifest import Manifest
from serving.errors import BackendUnavailable
from serving.model_store.audit import read_audit
from serving.model_store.labels import read_labels, set_label
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk
from serving.model_store.traffic import Traffic, read_traffic, set_traffic
from serving.observability.families import ROLLED_BACK, summed
from serving.observability.ledger import SharedFiles, make_shared_files, shared_ledger
from serving.traffic.canary_rule import STRUCK_POLLS, Outcome
from serving.traffic.spreads import Spreads
from serving.traffic.tally import Tally, tally_of
from serving.traffic.watcher import CanaryWatcher, terms_of
from tests.unit.serving.gateway_parts import LIVE, doubled

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
SPLIT = Traffic(split={"stable": 1, "canary": 1})
OPEN = ModelReference("doubles")


@dataclass
class Worker:
    watcher: CanaryWatcher
    tallies: dict[int, Tally]

    def answer(self, version: int, requests: int) -> None:
        answer = Answer({"value": np.full((1, 1), 2.0, np.float32)}, Receipt(0.0, 0.001, 1), all_finite=True)
        for _ in range(requests):
            self.tallies[version].answered({}, answer, 0.0)

    def fail(self, version: int, requests: int) -> None:
        for _ in range(requests):
            self.tallies[version].failed(BackendUnavailable("gone"))

    async def fail_and_look(self, failing: "Worker", requests: int) -> None:
        """The canary's requests fail, some between every two polls."""
        for _ in range(STRUCK_POLLS):
            failing.fail(2, requests)
            await self.look()

    def versions(self) -> set[int | None]:
        """Of many requests that name none."""
        catalog, spreads = self.watcher.catalog, self.watcher.spreads
        return {spreads.chosen(catalog.view, OPEN, None).version for _ in range(20)}

    async def look(self) -> None:
        await self.watcher.catalog.renew()
        self.versions()
        await self.watcher.look()


@pytest.fixture
def files() -> Iterator[SharedFiles]:
    made = make_shared_files(2)
    yield made
    for descriptor in (*made.counts, made.board):
        os.close(descriptor)


@pytest.fixture
def models(tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]) -> Path:
    for version, label in ((1, "stable"), (2, "canary")):
        write_version(manifest_with(version=version))
        set_label(tmp_path / "models", "doubles", label, version, by="test", reason="", now=NOON)
    set_traffic(tmp_path / "models", "doubles", SPLIT, by="test", reason="", now=NOON)
    return tmp_path / "models"


async def workers(models: Path, files: SharedFiles) -> tuple[Worker, Worker]:
    made = []
    for number in (0, 1):
        backend, ledger = InMemoryBackend(LIVE, doubled), shared_ledger(files, number)
        catalog = Catalog(models, backend, 1.0)
        await backend.start(catalog.renew)
        servables = catalog.view.models["doubles"].servables
        tallies = {version: tally_of(ledger, found, "serving_default", None) for version, found in servables.items()}
        made.append(Worker(CanaryWatcher(models, catalog, Spreads(), ledger, lambda: NOON), tallies))
    one, other = made
    for worker in made:
        await worker.look()
    return one, other


def test_a_worker_judges_by_what_all_of_them_counted(models: Path, files: SharedFiles) -> None:
    async def work() -> None:
        one, other = await workers(models, files)
        one.answer(1, 100)
        await one.fail_and_look(other, 50)
        assert one.versions() == {1}
        assert read_labels(models, "doubles") == {"stable": 1}
        assert not read_traffic(models, "doubles").split
        assert other.versions() == {1, 2}, "it has not looked yet"
        await other.look()
        assert other.versions() == {None}, "the split is over"
        rolled_back = [entry for entry in read_audit(models, "doubles") if entry.action == "rolled_back"]
        assert [(entry.by, entry.previous_version) for entry in rolled_back] == [("gateway", 2)]
        assert "100.00% of its requests failed" in rolled_back[0].reason

    asyncio.run(work())


def test_of_a_canary_on_trial_the_verdict_is_told_and_its_rollbacks_begin_at_none(
    models: Path, files: SharedFiles
) -> None:
    async def work() -> None:
        one, _ = await workers(models, files)
        assert one.watcher.on_trial("doubles") == (2, Outcome.WATCHING)
        assert summed(one.watcher.ledger.read())[ROLLED_BACK] == {("doubles", "2"): [0.0]}
        one.answer(1, 100)
        await one.fail_and_look(one, 50)
        await one.look()
        assert one.watcher.on_trial("doubles") is None, "the split is over"

    asyncio.run(work())


async def fail_where_nothing_is_written(one: Worker, models: Path) -> None:
    (models / "doubles" / ".lock").unlink()
    (models / "doubles" / ".lock").mkdir()
    one.answer(1, 100)
    await one.fail_and_look(one, 50)


def test_one_workers_verdict_is_the_others_where_the_disk_cannot_be_written(models: Path, files: SharedFiles) -> None:
    async def work() -> None:
        one, other = await workers(models, files)
        await fail_where_nothing_is_written(one, models)
        await other.look()
        for worker in (one, other):
            assert worker.versions() == {1}
            verdict = worker.watcher.verdict("doubles")
            assert verdict is not None
            assert verdict.outcome is Outcome.WORSE
        assert summed(one.watcher.ledger.read())[ROLLED_BACK] == {("doubles", "2"): [1.0]}
        assert read_labels(models, "doubles")["canary"] == 2
        (models / "doubles" / ".lock").rmdir()
        await other.look()
        assert "canary" not in read_labels(models, "doubles")

    asyncio.run(work())


def test_it_is_logged_once_and_so_is_that_it_could_not_be_written(
    models: Path, files: SharedFiles, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        one, _ = await workers(models, files)
        await fail_where_nothing_is_written(one, models)
        await one.look()

    with caplog.at_level(logging.WARNING, "serving.traffic.watcher"):
        asyncio.run(work())
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert told[0].startswith("model doubles: canary version 2 is rolled back: 100.00% of its requests failed")
    assert "keeps its label" in told[1]


def test_what_was_counted_before_a_trial_is_not_held_against_it(models: Path, files: SharedFiles) -> None:
    async def work() -> None:
        one, _ = await workers(models, files)
        set_traffic(models, "doubles", Traffic(split={"stable": 3, "canary": 1}), by="test", reason="", now=NOON)
        one.answer(1, 100)
        one.fail(2, 100)
        await one.look()  # begins anew, for other weights are another trial
        one.answer(1, 1000)
        one.answer(2, 1000)
        await one.look()
        verdict = one.watcher.verdict("doubles")
        assert verdict is not None
        assert verdict.outcome is Outcome.FINE
        assert one.versions() == {1, 2}

    asyncio.run(work())


@pytest.mark.parametrize(
    ("labels", "traffic"),
    [
        ({"stable": 1, "canary": 2}, Traffic()),
        ({"stable": 1, "canary": 2}, Traffic(split={"canary": 1})),
        ({"stable": 1, "canary": 1}, SPLIT),
        ({"stable": 1, "canary": 3}, SPLIT),
        ({"canary": 2}, SPLIT),
    ],
)
def test_without_two_live_versions_in_the_split_there_is_no_trial(labels: dict[str, int], traffic: Traffic) -> None:
    assert terms_of(entry({"stable": 1, "canary": 2}, SPLIT)) is not None
    assert terms_of(entry(labels, traffic)) is None


def entry(labels: dict[str, int], traffic: Traffic) -> ModelEntry:
    statuses = {"doubles": {version: VersionStatus(VersionState.AVAILABLE, {}) for version in (1, 2)}}
    on_disk = DirectorySnapshot({"doubles": ModelOnDisk((1, 2), labels, traffic)})
    return build_view(statuses, on_disk, {("doubles", 1): None, ("doubles", 2): None}).models["doubles"]
