"""The embedded backend: TensorFlow in this process, versions coming and going as the model directory says.

The shell around `lifecycle` (what should be loaded) and `session` (one loaded model); it owns the threads.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

import numpy as np

from serving.backend_protocol import Arrays, OnChange, Target, VersionState, VersionStatus
from serving.backends.embedded.c_api import Library
from serving.backends.embedded.lifecycle import Plan, plan, retry_seconds
from serving.backends.embedded.session import LoadedModel, load_model
from serving.backends.embedded.signal_stacks import give_signals_a_stack, leave_signals_to_others
from serving.backends.holds import Holds
from serving.backends.prediction_log import read_predictions
from serving.contract.agreement import check_agreement
from serving.contract.model_directory import model_paths
from serving.contract.tensors import NUMPY_DTYPES, Array, Signature
from serving.errors import BackendOverloaded, DeadlineExceeded, ModelNotReady, PenstockError
from serving.model_store.intact import check_intact
from serving.model_store.label_following import Following, follow
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk, read_snapshot
from serving.model_store.trust import ANY_SIGNER, Trust, check_version
from serving.model_store.versions import read_manifest
from serving.standing_threads import are_to_be_had, standing_pool

T = TypeVar("T")
LOADER_NICENESS = 5
"""Of the thread that loads: about a quarter of a core that is wanted by others, so that a busy gateway still loads."""
LOADING_THREADS = 16
"""TensorFlow restores weights with eight threads of its own, and aborts the process that may not make one."""
_GONE = ModelOnDisk((), MappingProxyType({}))
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Slot:
    """One version's place in memory: its status, the model once loaded, and the tries that failed."""

    status: VersionStatus
    model: LoadedModel | None = None
    attempts: int = 0
    retry_at_seconds: float = 0.0


def _labels(found: ModelOnDisk | None) -> Mapping[str, int]:
    return found.labels if found else {}


def step_aside() -> None:
    """From now on the calling thread gives way to those that answer. Not before a first version is loaded: TensorFlow's
    own threads are made with it, and inherit what the thread has that makes them.
    """
    if sys.platform == "linux":  # elsewhere priorities belong to processes
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOADER_NICENESS)


class Runs(Protocol):
    """As much of a loaded model as warming it takes."""

    @property
    def signatures(self) -> Mapping[str, Signature]: ...

    def run(self, signature: str, inputs: Arrays) -> Arrays: ...


def warm_with_zeros(loaded: Runs) -> None:
    """For a version that brings no requests to warm it with: TensorFlow makes a graph ready at its first call, tens of
    milliseconds for a small one, and no caller should wait for that. What takes no zeros stays as it is.
    """
    for name, signature in loaded.signatures.items():
        if all(spec.dtype != "string" for spec in signature.inputs):
            row = {
                spec.name: np.zeros((1, *(size or 1 for size in spec.row_shape)), NUMPY_DTYPES[spec.dtype])
                for spec in signature.inputs
            }
            with suppress(PenstockError):
                loaded.run(name, row)


class EmbeddedBackend:
    """Serves every model of a model directory from this process; see `serving/backend_protocol.py` for the promises."""

    name = "embedded"

    def __init__(
        self, models: Path, library: Library, *, threads: int, poll_seconds: float, trust: Trust = ANY_SIGNER
    ) -> None:
        self._models = models
        self._library = library
        self._trust = trust
        self._poll_seconds = poll_seconds
        self._slots: dict[str, dict[int, _Slot]] = {}
        self._following: dict[str, Following] = {}
        self._holds = Holds()
        self._snapshot = DirectorySnapshot()
        self._runners = standing_pool(threads, "penstock-run", leave_signals_to_others)
        self._loader = standing_pool(1, "penstock-load", leave_signals_to_others)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, on_change: OnChange) -> None:
        give_signals_a_stack()  # this thread runs the short calls itself
        await self._look(on_change)
        self._spawn(self._watch(on_change))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._loader.shutdown()
        self._runners.shutdown()  # waits for calls under way: no session is freed under one
        for slot in [slot for versions in self._slots.values() for slot in versions.values()]:
            if slot.model:
                slot.model.close()
        self._slots.clear()

    def status(self) -> Mapping[str, Mapping[int, VersionStatus]]:
        return {
            model: {version: slot.status for version, slot in versions.items()}
            for model, versions in self._slots.items()
        }

    def replicas(self) -> Mapping[str, bool]:
        return {}

    def hold(self, target: Target) -> AbstractContextManager[None]:
        return self._holds.hold((target.model, target.version))

    async def predict(self, target: Target, inputs: Arrays, deadline_seconds: float) -> dict[str, Array]:
        if time.monotonic() >= deadline_seconds:
            raise DeadlineExceeded("the deadline passed before the model ran")
        run = self._loaded(target).run
        key = (target.model, target.version)
        call = asyncio.get_running_loop().run_in_executor(self._runners, run, target.signature, inputs)
        self._holds.take(key)
        call.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(call)  # TensorFlow cannot be interrupted: a cancelled caller leaves it running

    def predict_at_once(self, target: Target, inputs: Arrays) -> dict[str, Array] | None:
        model = self._loaded(target)
        return model.run(target.signature, inputs) if model.is_short(target.signature, inputs) else None

    def _loaded(self, target: Target) -> LoadedModel:
        slot = self._slots.get(target.model, {}).get(target.version)
        if slot is None or slot.model is None:
            raise ModelNotReady(f"version {target.version} of model {target.model} is not loaded")
        return slot.model

    def _finished(self, key: tuple[str, int], call: asyncio.Future[dict[str, Array]]) -> None:
        self._holds.release(key)
        if not call.cancelled():
            call.exception()  # looked at here too, for the caller may have gone

    async def _watch(self, on_change: OnChange) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self._look(on_change)
            except Exception:  # noqa: BLE001 - the outermost loop: whatever one look met, the next is a second away
                _log.exception("looking at the model directory failed")

    async def _look(self, on_change: OnChange) -> None:
        """One pass: look at the directory, load what is new, send away what is no longer wanted."""
        await self._read_directory()
        on_disk = self._snapshot.models
        for model in sorted({*on_disk, *self._slots}):
            await self._settle(model, on_change)

    async def _settle(self, model: str, on_change: OnChange) -> None:
        found = self._snapshot.models.get(model)
        slots = self._slots.setdefault(model, {})
        versions = found.versions if found else ()
        for version in [number for number, slot in slots.items() if slot.status.error and number not in versions]:
            del slots[version]
        tried: set[int] = set()
        while missing := self._plan(model, tried).load:  # what fails may make an older version wanted, at once
            for version in missing:
                await self._load(model, version, on_change)
            tried.update(missing)
        if unload := set(self._plan(model).unload):
            await on_change()  # whoever answers by the labels has seen them at least as far as this look has
            await self._read_directory()  # and if they have gone back since, it is not to be freed under them
            if _labels(self._snapshot.models.get(model)) != _labels(found):
                return  # who answers by the labels may have seen them first: the next look loads, and then frees
            for version in unload.intersection(self._plan(model).unload):
                self._spawn(self._unload(model, version, on_change))
        if not slots and not found:
            del self._slots[model]
            self._following.pop(model, None)

    async def _read_directory(self) -> None:
        self._snapshot = await self._in_loader(lambda: read_snapshot(self._models, self._snapshot))

    def _plan(self, model: str, tried: Collection[int] = ()) -> Plan:
        """`tried` are those of this look, which are not to be tried again in it, however long it takes."""
        found = self._snapshot.models.get(model, _GONE)
        now = time.monotonic()
        states = {version: slot.status.state for version, slot in self._slots[model].items()}
        available = [version for version, state in states.items() if state is VersionState.AVAILABLE]
        failed = [version for version, slot in self._slots[model].items() if now < slot.retry_at_seconds]
        following = follow(found.labels, available, self._following.get(model, Following()))
        self._following[model] = following
        return plan(
            found.versions,
            found.labels,
            available=available,
            failed=[*failed, *(version for version in tried if version not in available)],
            busy=[version for version, state in states.items() if state is VersionState.UNLOADING],
            answering=following.kept_versions(),
        )

    async def _load(self, model: str, version: int, on_change: OnChange) -> None:
        before = self._slots[model].get(version)
        slot = _Slot(VersionStatus(VersionState.LOADING, {}), attempts=before.attempts if before else 0)
        self._slots[model][version] = slot
        await on_change()
        try:
            slot.model, slot.status = await self._in_loader(lambda: self._load_and_warm(model, version))
            await self._in_loader(step_aside)
        except Exception as error:  # noqa: BLE001 - whatever a model's files provoke ends this try and nothing else
            reason = str(error) if isinstance(error, PenstockError) else f"unforeseen: {type(error).__name__}"
            slot.attempts += 1
            slot.retry_at_seconds = time.monotonic() + retry_seconds(slot.attempts)
            slot.status = VersionStatus(VersionState.END, {}, error=reason)
            unforeseen = None if isinstance(error, PenstockError) else error
            failed = {"event": "version_failed", "model": model, "version": version}
            text = "model %s version %d cannot be loaded: %s"
            _log.warning(text, model, version, reason, exc_info=unforeseen, extra=failed)
        await on_change()

    def _load_and_warm(self, model: str, version: int) -> tuple[LoadedModel, VersionStatus]:
        paths = model_paths(self._models, model).version(version)
        check_version(self._models, model, version, self._trust)
        started = time.monotonic()
        manifest = read_manifest(self._models, model, version)
        if manifest and self._trust.keys is None:  # with keys, every file has just been compared
            check_intact(paths, manifest)
        if not are_to_be_had(LOADING_THREADS):
            raise BackendOverloaded("the process may make no more threads; raise its limit (pids, ulimit -u)")
        loaded = load_model(self._library, paths.root)
        try:
            if manifest:
                check_agreement(manifest, loaded.signatures)
            loading = time.monotonic()
            if paths.warmup_records.is_file():
                for call in read_predictions(paths.warmup_records.read_bytes()):
                    loaded.run(call.signature, call.inputs)
            else:
                warm_with_zeros(loaded)
        except BaseException:
            loaded.close()
            raise
        return loaded, VersionStatus(
            VersionState.AVAILABLE,
            loaded.signatures,
            load_seconds=loading - started,
            warmup_seconds=time.monotonic() - loading,
        )

    async def _unload(self, model: str, version: int, on_change: OnChange) -> None:
        slot = self._slots[model][version]
        slot.status = replace(slot.status, state=VersionState.UNLOADING)
        await on_change()  # from here on nobody new is sent to it
        await self._holds.released((model, version))
        loaded, slot.model = slot.model, None
        self._slots[model].pop(version)
        if loaded:
            await self._in_loader(loaded.close)
        await on_change()

    async def _in_loader(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._loader, work)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
