"""Files of a version whose bits have turned over between publishing and loading, as on a disk that fails."""

import json
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from serving.contract.model_directory import VersionPaths, model_paths
from serving.model_store.versions import list_versions
from tests.integration.chaos.export_shift import SHIFT
from tests.integration.chaos.faults.fault import NOBODY
from tests.integration.chaos.faults.publishing import MODEL
from tests.integration.chaos.questions import Outcome
from tests.processes import GatewayProcess
from tests.swaps import until


def turn_a_bit(path: Path, byte: int, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def anywhere(path: Path, chance: random.Random) -> None:
    turn_a_bit(path, chance.randrange(path.stat().st_size), chance)


def in_the_graphs_constant(version: VersionPaths, chance: random.Random) -> None:
    """Which loads all the same, and makes every answer wrong."""
    content = version.saved_model.read_bytes()
    turn_a_bit(version.saved_model, content.index(struct.pack("<f", SHIFT)) + 1, chance)


def in_the_graph(version: VersionPaths, chance: random.Random) -> None:
    anywhere(version.saved_model, chance)


def in_the_weights(version: VersionPaths, chance: random.Random) -> None:
    anywhere(next(version.root.glob("variables/variables.data-*")), chance)


def in_the_index_of_the_weights(version: VersionPaths, chance: random.Random) -> None:
    anywhere(version.root / "variables" / "variables.index", chance)


def in_the_manifest(version: VersionPaths, chance: random.Random) -> None:
    """A byte of its structure, since a letter of a description is nobody's harm."""
    content = version.manifest.read_bytes()
    places = [place for place, byte in enumerate(content) if byte in b'{}[]":,']
    turn_a_bit(version.manifest, chance.choice(places), chance)


SPOTS: tuple[Callable[[VersionPaths, random.Random], None], ...] = (
    in_the_graphs_constant,
    in_the_graph,
    in_the_weights,
    in_the_index_of_the_weights,
    in_the_manifest,
)
FIRST_NUMBER = 1_000_000
"""Far beyond those that publishing gives."""


@dataclass(frozen=True)
class CorruptedVersion:
    """A newest version with one bit turned over in each of SPOTS; ended when the gateway has refused them all."""

    gateway: GatewayProcess
    models: Path
    chance: random.Random
    name: str = "directory: corrupted versions and labels"
    lasts: bool = False
    harm: frozenset[Outcome] = NOBODY
    recovers_seconds: float = 2.0
    _numbers: Iterator[int] = field(default_factory=lambda: count(FIRST_NUMBER))

    def begin(self) -> None:
        for spot in SPOTS:
            version = self.copy(spot)
            until(lambda version=version: self.is_refused(version))  # type: ignore[misc] # called at once
            shutil.rmtree(model_paths(self.models, MODEL).version(version).root)
        labels = self.models / MODEL / "labels.json"
        before = labels.read_bytes() if labels.exists() else None
        labels.write_text('{"stable": ')
        until(lambda: any("labels.json: not JSON" in line for line in list(self.gateway.log)))
        labels.unlink() if before is None else labels.write_bytes(before)

    def end(self) -> None:
        """They are gone already."""

    def copy(self, spot: Callable[[VersionPaths, random.Random], None]) -> int:
        """Of the newest version, under a number that no other has had, damaged before anybody can see it."""
        newest, number = list_versions(self.models, MODEL)[-1], next(self._numbers)
        hidden, shown = self.models / MODEL / ".damaged", self.models / MODEL / str(number)
        shutil.copytree(model_paths(self.models, MODEL).version(newest).root, hidden)
        manifest = hidden / "assets.extra" / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": number}))
        spot(VersionPaths(hidden), self.chance)
        hidden.rename(shown)
        return number

    def is_refused(self, version: int) -> bool:
        states = self.gateway.get(f"/v1/models/{MODEL}")["model_version_status"]
        return any(state["version"] == str(version) and state["status"]["error_message"] for state in states)
