"""The catalog: which versions are live, and which label points where.

A frozen view that answers every question, and the shell that renews it from the model directory and the backend;
what cannot be read keeps its last good answer.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from serving.backend_protocol import Backend, Target, VersionState, VersionStatus
from serving.contract.features import Feature
from serving.contract.manifest import Manifest
from serving.contract.tensors import Signature
from serving.errors import InvalidInput, ModelNotReady, PenstockError, UnknownModel, UnknownVersion
from serving.model_settings import NO_SETTINGS, ModelSettings
from serving.model_store.label_following import Following, follow
from serving.model_store.snapshot import DirectorySnapshot, read_snapshot
from serving.model_store.traffic import NO_TRAFFIC, Traffic
from serving.model_store.versions import read_manifest
from serving.signature_plan import SignaturePlan, plans_of

_log = logging.getLogger(__name__)


class ModelReference(NamedTuple):
    """What a request names: a model, and at most one of a version and a label of it. `by_split`: it named neither, and
    the version is the one that the model's split chose.
    """

    model: str
    version: int | None = None
    label: str | None = None
    by_split: bool = False

    @property
    def is_open(self) -> bool:
        """Whether another version may answer in the place of one that has left."""
        return self.version is None or self.by_split


@dataclass(frozen=True, slots=True)
class Servable:
    """A version that takes traffic."""

    model: str
    version: int
    manifest: Manifest | None
    signatures: Mapping[str, Signature]
    settings: ModelSettings = NO_SETTINGS
    plans: Mapping[str, SignaturePlan] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        plans = plans_of(self.model, self.version, self.manifest, self.signatures, self.settings)
        object.__setattr__(self, "plans", plans)  # made from the other fields, and as frozen as they are

    def plan(self, signature: str) -> SignaturePlan:
        """Raises InvalidInput when the version has no such signature."""
        found = self.plans.get(signature)
        if found is None:
            known = ", ".join(sorted(self.signatures))
            raise InvalidInput(
                f"the version has no signature {signature[:64]!r}; it has {known}", pointer="/signature_name"
            )
        return found

    def target(self, signature: str) -> Target:
        """Raises InvalidInput when the version has no such signature."""
        return self.plan(signature).target

    def features(self, signature: str) -> tuple[Feature, ...]:
        """Raises InvalidInput when the version has no such signature."""
        return self.plan(signature).features


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """Everything known of one model: `statuses` of all its versions, `servables` of those that take traffic.

    `pointed` is what the model directory says of the labels, `following` where they answer (`label_following`).
    """

    statuses: Mapping[int, VersionStatus]
    servables: Mapping[int, Servable]
    pointed: Mapping[str, int]
    following: Following
    traffic: Traffic = NO_TRAFFIC

    @property
    def labels(self) -> Mapping[str, int]:
        """The version that each label answers with, or would if it were live."""
        return self.following.labels

    def moving(self) -> Mapping[str, int]:
        """The labels that point at a version which is not live, and that version."""
        return {label: version for label, version in self.pointed.items() if version not in self.servables}

    def answering_version(self) -> int | None:
        """Where requests go that name neither version nor label: `stable`, else the newest live version."""
        return self.following.unnamed


@dataclass(frozen=True, slots=True)
class CatalogView:
    """The catalog at one moment."""

    models: Mapping[str, ModelEntry]

    def of(self, is_shown: Callable[[str], bool]) -> "CatalogView":
        """The same with those models only."""
        return CatalogView({name: entry for name, entry in self.models.items() if is_shown(name)})

    def entry(self, model: str) -> ModelEntry:
        """Raises UnknownModel."""
        found = self.models.get(model)
        if found is None:
            raise UnknownModel(f"Could not find any versions of model {model[:128]}")
        return found

    def resolve(self, reference: ModelReference) -> Servable:
        """The version that answers. Raises UnknownModel, UnknownVersion, ModelNotReady."""
        entry = self.entry(reference.model)
        version = self.version_named(reference)
        if version is None:
            raise ModelNotReady(f"no version of model {reference.model} is live yet")
        servable = entry.servables.get(version)
        if servable is not None:
            return servable
        status = entry.statuses.get(version)
        raise ModelNotReady(f"version {version} of model {reference.model} is not available ({_why_not(status)})")

    def version_named(self, reference: ModelReference) -> int | None:
        """The number behind a reference; None when it names none and no version is live."""
        entry = self.entry(reference.model)
        if reference.label is not None:
            if reference.label not in entry.labels:
                raise UnknownVersion(f"Unrecognized servable version label: {reference.label[:64]}")
            return entry.labels[reference.label]
        if reference.version is None:
            return entry.answering_version()
        if reference.version not in entry.statuses:
            raise UnknownVersion(f"Could not find version {reference.version} of model {reference.model}")
        return reference.version


EMPTY = CatalogView({})


def _why_not(status: VersionStatus | None) -> str:
    if status is None:
        return "not loaded"
    if status.state is VersionState.AVAILABLE:
        return "its manifest cannot be read"
    return f"{status.state}: {status.error}" if status.error else status.state


Manifests = dict[tuple[str, int], Manifest | None]


def build_view(
    statuses: Mapping[str, Mapping[int, VersionStatus]],
    directory: DirectorySnapshot,
    manifests: Manifests,
    settings: Mapping[str, ModelSettings] = MappingProxyType({}),
    before: CatalogView = EMPTY,
) -> CatalogView:
    """Live is what the backend has AVAILABLE and whose manifest, or the lack of one, is known.

    `before` is the view until now: labels go on from where they answered, and where nothing is new it is returned
    itself, since what others have worked out by it holds on.
    """

    def servable(model: str, version: int, status: VersionStatus) -> Servable:
        manifest, entry = manifests[model, version], before.models.get(model)
        old = entry.servables.get(version) if entry else None
        if old is not None and old.manifest is manifest and old.signatures is status.signatures:
            return old
        return Servable(model, version, manifest, status.signatures, settings.get(model, NO_SETTINGS))

    entries = {}
    for model in sorted({*statuses, *directory.models}):
        versions = statuses.get(model, {})
        on_disk, old = directory.models.get(model), before.models.get(model)
        pointed = on_disk.labels if on_disk else {}
        servables = {
            version: servable(model, version, status)
            for version, status in sorted(versions.items())
            if status.state is VersionState.AVAILABLE and (model, version) in manifests
        }
        following = follow(pointed, servables, old.following if old else Following())
        traffic = on_disk.traffic if on_disk else NO_TRAFFIC
        entries[model] = ModelEntry(dict(versions), servables, pointed, following, traffic)
    view = CatalogView(entries)
    return before if view == before else view


class Catalog:
    """Keeps `view` true: renewed when the backend says so and every `poll_seconds` for the labels' sake."""

    def __init__(
        self,
        models: Path,
        backend: Backend,
        poll_seconds: float,
        settings: Mapping[str, ModelSettings] = MappingProxyType({}),
        *,
        folders_elsewhere: bool = False,
    ) -> None:
        """`folders_elsewhere`: the backend may have versions that `models` has no folder of; these are served raw, by
        their signatures alone, for as long as there is none.
        """
        self._folders_elsewhere = folders_elsewhere
        self._without_folder: set[tuple[str, int]] = set()
        self._models = models
        self._settings = settings
        self._backend = backend
        self.poll_seconds = poll_seconds
        self._directory = DirectorySnapshot()
        self._manifests: Manifests = {}
        self._renewing = asyncio.Lock()
        self.view = EMPTY
        self._renewed = asyncio.Event()
        self.been_live: frozenset[str] = frozenset()

    def versions(self) -> set[tuple[str, str]]:
        """Models with each of their versions, as metrics are labelled."""
        return {(name, str(number)) for name, entry in self.view.models.items() for number in entry.statuses}

    async def renew(self) -> None:
        async with self._renewing:
            self._directory = await asyncio.to_thread(self._read_directory)
            statuses = self._backend.status()
            await self._learn_manifests(statuses)
            before = self.view
            self.view = build_view(statuses, self._directory, self._manifests, self._settings, before)
            if self.view is not before:
                self._renewed.set()
                self._renewed = asyncio.Event()
            self.been_live |= {model for model, entry in self.view.models.items() if entry.servables}

    async def another_view(self, view: CatalogView, within_seconds: float) -> None:
        """Returns once `view` is not the catalog's any more, or the time is up."""
        if self.view is view:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_seconds):  # no wait_for: Python 3.11's may lose a cancellation
                    await self._renewed.wait()

    async def keep(self) -> None:
        """Renew forever."""
        while True:
            await asyncio.sleep(self.poll_seconds)
            try:
                await self.renew()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever one look met, the next is a second away
                _log.exception("renewing the catalog failed")

    def _read_directory(self) -> DirectorySnapshot:
        found = read_snapshot(self._models, self._directory)
        for fault in set(found.faults) - set(self._directory.faults):
            _log.warning("%s", fault)
        return found

    async def _learn_manifests(self, statuses: Mapping[str, Mapping[int, VersionStatus]]) -> None:
        """A published version never changes, so each manifest is read once; those of versions gone are forgotten."""
        live = {
            (model, version)
            for model, versions in statuses.items()
            for version, status in versions.items()
            if status.state is VersionState.AVAILABLE
        }
        for key in (self._manifests.keys() - live) | self._without_folder:
            del self._manifests[key]
        self._without_folder.clear()
        for model, version in live - self._manifests.keys():
            try:
                self._manifests[model, version] = await asyncio.to_thread(read_manifest, self._models, model, version)
            except PenstockError as error:
                if self._folders_elsewhere and isinstance(error, UnknownVersion):
                    self._manifests[model, version] = None
                    self._without_folder.add((model, version))
                    continue
                _log.warning("model %s version %d takes no traffic: %s", model, version, error)
