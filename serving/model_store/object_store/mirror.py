"""One look at the store and what follows from it on this node: versions fetched, labels followed, old versions pruned.

Raises when the store or the disk fails; what is wrong with single versions is in the report, and the others go on.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from serving.contract.model_directory import model_paths
from serving.errors import IntegrityError, PublishError, StoreUnavailable, UnknownModel, UnknownVersion
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import read_labels
from serving.model_store.leftovers import remove_leftovers
from serving.model_store.lock import locked
from serving.model_store.object_store.fetch import BY, Fetching, NotWhole, fetch_version
from serving.model_store.object_store.following import follow
from serving.model_store.object_store.plan import versions_to_fetch, wanted_versions
from serving.model_store.object_store.store import StoredModel, Unreadable
from serving.model_store.object_store.wanted_files import MANIFEST, fingerprint
from serving.model_store.prune import prune_version
from serving.model_store.versions import list_versions


@dataclass(frozen=True, slots=True)
class MirroredModel:
    """What is here after a pass. `refused` says of versions of the store why they are not taken; `awaited` is False
    while the store has no whole version of the model, such as before its first one is uploaded.
    """

    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    refused: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    problem: str | None = None
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """`names`: the models to mirror, all of the store's when there is none. `keep`: how many of a model's newest
    versions stay beside the labelled. `prune_after_seconds`: how long a version stays once nothing wants it: a gateway
    still answers with it while it loads the one that came in its place.
    """

    names: tuple[str, ...]
    keep: int
    prune_after_seconds: float


class Mirror:
    """Remembers between the passes what was refused, and since when a version is too many; `say` takes a line."""

    def __init__(self, fetching: Fetching, choice: Choice, say: Callable[[str], None]) -> None:
        self._fetching, self._choice, self._say = fetching, choice, say
        self._refused: dict[tuple[str, int], tuple[int, str]] = {}
        self._unreadable: dict[tuple[str, int], str] = {}
        self._unwanted_since: dict[tuple[str, int], float] = {}
        self._told: dict[tuple[str, int], str] = {}
        self._cleaned: set[str] = set()
        self._unfinished: set[tuple[str, int]] = set()
        self._same: set[tuple[str, int]] = set()

    def one_pass(self) -> dict[str, MirroredModel]:
        """Each model as it is here now. Raises StoreUnavailable, PublishError, Cancelled."""
        mirrored, failure = {}, None
        for name in self._choice.names or self._fetching.store.models():
            try:
                mirrored[name] = self._one_model(name)
            except StoreUnavailable:
                raise
            except PublishError as error:  # one that finds no room here is no reason to leave the others out
                failure = failure or error
        if failure:
            raise failure
        return mirrored

    def _one_model(self, model: str) -> MirroredModel:
        self._clean(model)
        try:
            stored = self._fetching.store.model(model)
        except IntegrityError as error:
            return self._as_it_is(model, {}, f"the store's {error}")
        try:
            self._prune(model, stored)
            refused = self._fetch(model, stored)
            refused |= self._follow(model, stored)
            self._tell(model, refused)
        except (IntegrityError, UnknownVersion) as error:
            return self._as_it_is(model, {}, str(error))
        report = self._as_it_is(model, refused, None if stored.versions else "the store has no version of it")
        return replace(report, awaited=any((model, version) not in self._unfinished for version in stored.versions))

    def _clean(self, model: str) -> None:
        """What a killed mirror left here, once; staging cleans up too, but only where there is something to fetch."""
        paths = model_paths(self._fetching.models, model)
        with disk_errors(f"what was left of {model!r} cannot be removed"):
            if model not in self._cleaned and paths.root.is_dir():
                with locked(paths):
                    remove_leftovers(paths)
        self._cleaned.add(model)

    def _fetch(self, model: str, stored: StoredModel) -> dict[int, str]:
        refused: dict[int, str] = {}
        while True:
            missing = versions_to_fetch(
                stored.versions, self._present(model), stored.labelled, keep=self._choice.keep, unusable=refused
            )
            if not missing:
                return refused
            if problem := self._fetch_one(model, missing[0]):
                refused[missing[0]] = problem
            else:
                self._follow(model, stored)

    def _fetch_one(self, model: str, version: int) -> str | None:
        """Why it is not taken; None when it is here."""
        listed = self._fetching.store.files(model, version)
        before, reason = self._refused.get((model, version), (None, ""))
        if before == fingerprint(listed):
            return reason  # as it was when it was refused: not downloaded again
        if (name := self._unreadable.get((model, version))) and (refusal := self._fetching.store.refusal(name)):
            return refusal
        self._unreadable.pop((model, version), None)
        self._unfinished.discard((model, version))
        try:
            fetched = fetch_version(self._fetching, model, version, listed)
        except NotWhole as error:
            self._unfinished.add((model, version))
            return str(error)
        except Unreadable as error:  # no listing tells when it may be read, so that every pass asks for this object
            self._unreadable[model, version] = error.name
            return str(error)
        except IntegrityError as error:
            self._refused[model, version] = fingerprint(listed), str(error)
            return str(error)
        self._say(f"{model} {version}: {fetched.files} files, {fetched.total_bytes:,} bytes")
        return None

    def _follow(self, model: str, stored: StoredModel) -> dict[int, str]:
        """The versions that no label follows to, since what is here under their number is not the store's."""
        if not self._present(model):
            return {}
        strangers = self._strangers(model, stored)
        source = str(self._fetching.store.address)
        clock = self._fetching.clock
        for move in follow(self._fetching.models, model, stored, source=source, clock=clock, but=strangers):
            self._say(f"{model}: {move.label} {move.previous or 'none'} -> {move.version or 'none'}")
        return dict.fromkeys(strangers, "another version was published here under its number")

    def _strangers(self, model: str, stored: StoredModel) -> list[int]:
        """Of the versions that a label of the store names, those that somebody who publishes here has given another
        content. Each is compared until it is the same: no byte of a version is ever changed.
        """
        found = []
        for version in sorted(stored.labelled.intersection(stored.versions, self._present(model))):
            if (model, version) in self._same:
                continue
            try:
                theirs = self._fetching.store.read(
                    f"{model}/{version}/{MANIFEST}", self._fetching.limits.manifest_bytes
                )
            except Unreadable:
                continue
            if theirs is None:
                continue
            if theirs == self._manifest_here(model, version):
                self._same.add((model, version))
            else:
                found.append(version)
        return found

    def _manifest_here(self, model: str, version: int) -> bytes:
        """Nothing, for a version that was copied here by hand."""
        try:
            return model_paths(self._fetching.models, model).version(version).manifest.read_bytes()
        except OSError:
            return b""

    def _prune(self, model: str, stored: StoredModel) -> None:
        present, models = self._present(model), self._fetching.models
        if not present:
            return
        try:
            labelled = {*stored.labelled, *read_labels(models, model).values()}
        except IntegrityError:
            return  # nothing says what must stay; what is new comes all the same
        unwanted = set(present) - wanted_versions(present, (), labelled, keep=self._choice.keep)
        now = time.monotonic()
        for version in present:
            if version not in unwanted:
                self._unwanted_since.pop((model, version), None)
            elif now - self._unwanted_since.setdefault((model, version), now) >= self._choice.prune_after_seconds:
                reason = f"{self._choice.keep} newest and labelled ones are kept on this node"
                try:
                    prune_version(models, model, version, by=BY, reason=reason, now=self._fetching.clock())
                except PublishError as error:  # labelled meanwhile, or the disk
                    self._say(f"{model} {version}: {error}")
                else:
                    self._say(f"{model} {version}: removed here")

    def _present(self, model: str) -> Sequence[int]:
        try:
            return list_versions(self._fetching.models, model)
        except UnknownModel:
            return ()

    def _tell(self, model: str, refused: Mapping[int, str]) -> None:
        for version, reason in refused.items():
            if self._told.get((model, version)) != reason:
                self._told[model, version] = reason
                self._say(f"{model} {version}: not taken: {reason}")

    def _as_it_is(self, model: str, refused: Mapping[int, str], problem: str | None) -> MirroredModel:
        versions = tuple(self._present(model))
        try:
            labels = read_labels(self._fetching.models, model) if versions else {}
        except IntegrityError as error:
            labels, problem = {}, problem or str(error)
        return MirroredModel(versions, labels, refused, problem)
