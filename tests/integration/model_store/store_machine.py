"""A program: changes to a model directory in any order, most of them killed, refused or short of room at some call to
the kernel, against a plain model of what the directory then may hold.

usage: store_machine.py FOLDER EXAMPLES SEED     prints how many changes were made, by their fault, as JSON
"""

import errno
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from serving.contract.model_directory import CANARY, CANDIDATE, STABLE, model_paths
from serving.errors import UnknownModel
from serving.model_store.audit import AuditEntry, read_audit
from serving.model_store.labels import answering_version, read_labels
from serving.model_store.object_store.push import push_label
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.traffic import NO_TRAFFIC, Traffic, read_traffic
from serving.model_store.verify import verify_model
from serving.model_store.versions import highest_version, list_versions
from tests.integration.model_store import store_operations as operations
from tests.integration.model_store.store_operations import KEPT_MIRRORED, MIRRORED, MODEL, STORED_VERSIONS, Change
from tests.integration.model_store.traced_child import Fault, in_a_child

STEPS = 12
MOST_CALLS = {
    "publish": 150,
    "label": 45,
    "unlabel": 40,
    "traffic": 40,
    "roll back": 50,
    "retire": 50,
    "prune": 230,
    "promotion": 150,
    "clear": 120,
    "mirror": 870,
}
"""About as many calls on files as each makes; test_faults_at_any_call.py compares."""
SETTLED = {"audit.jsonl", "highest_version", "labels.json", "traffic.json"}
LEFT_ON_PURPOSE = {".lock", ".promoting", ".candidacy.json", ".mirrored.json"}
ERRORS = (errno.EIO, errno.ENOSPC, errno.EINTR, errno.EACCES, errno.EMFILE)
LABELS = st.sampled_from((STABLE, CANARY))
tally: Counter[str] = Counter()


def faults(change: str) -> st.SearchStrategy[Fault | None]:
    """None in one case of six."""
    calls = st.integers(1, MOST_CALLS[change])
    killed = st.builds(Fault, calls, st.sampled_from(("killed before", "killed after")))
    refused = st.builds(Fault, calls, st.just("refused"), st.sampled_from(ERRORS))
    without_room = st.builds(Fault, calls, st.sampled_from(("full", "short")))
    return st.one_of(st.none(), killed, refused, without_room, killed, refused)


@dataclass(frozen=True)
class World:
    """What readers see of a model: the content of each version, the labels, the traffic and the history."""

    versions: Mapping[int, bytes]
    labels: Mapping[str, int]
    traffic: Traffic
    history: tuple[AuditEntry, ...] = ()


EMPTY = World({}, {}, NO_TRAFFIC)


def look(models: Path, model: str) -> World:
    try:
        numbers = list_versions(models, model)
    except UnknownModel:
        return EMPTY
    folder = model_paths(models, model)
    contents = {number: folder.version(number).saved_model.read_bytes() for number in numbers}
    labels, traffic = dict(read_labels(models, model)), read_traffic(models, model)
    return World(contents, labels, traffic, read_audit(models, model))


def without(labels: Mapping[str, int], label: str) -> dict[str, int]:
    return {name: version for name, version in labels.items() if name != label}


def has_versions(machine: "StoreMachine") -> bool:
    return bool(machine.world.versions)


class StoreMachine(RuleBasedStateMachine):
    folder: ClassVar[Path]
    store: ClassVar[ObjectStore]

    def __init__(self) -> None:
        super().__init__()
        self.models = Path(tempfile.mkdtemp(dir=self.folder))
        self.world = self.mirrored = EMPTY
        self.ever: dict[int, bytes] = {}
        self.contents = 0
        push_label(self.store, MIRRORED, STABLE, 1)
        self.stored_label = 1

    def teardown(self) -> None:
        try:
            self.publish(None)
            self.settle()
        finally:
            shutil.rmtree(self.models)

    def make(self, name: str, change: Change, fault: Fault | None) -> tuple[str, World]:
        """What came of it (`done ...`, `refused ...` or `killed`), and the world before it."""
        before = self.world
        answer = self.answer(name, change, fault)
        if fault is None:
            assert answer.startswith("done"), (name, answer)
        self.world = look(self.models, MODEL)
        assert self.world.history[: len(before.history)] == before.history, "the history was rewritten"
        return answer, before

    def answer(self, name: str, change: Change, fault: Fault | None) -> str:
        if fault is None:
            tally["unharmed"] += 1
            return operations.answer_of(change, self.models).decode()
        outcome = in_a_child(lambda: operations.answer_of(change, self.models), fault)
        tally[fault.kind if outcome.hit else "unharmed"] += 1
        answer = "killed" if outcome.ending == "killed" else outcome.answer.decode()
        assert answer == "killed" or answer.startswith(("done", "refused")), f"{name}, {fault}: {answer}"
        return answer

    def became(self, answer: str, before: World, done: World, *between: World) -> None:
        """The world is as before or as it should be, or `between`; and as it should be when the change says so."""
        now = replace(self.world, history=())
        allowed = [done] if answer.startswith("done") else [before, *between, done]
        assert now in [replace(each, history=()) for each in allowed], (answer, before, done, self.world)

    @rule(fault=faults("publish"))
    def publish(self, fault: Fault | None) -> None:
        self.contents += 1
        content = b"content %d" % self.contents
        answer, before = self.make("publish", operations.publishing(content), fault)
        new = self.world.versions.keys() - before.versions.keys()
        assert len(new) <= 1
        for number in new:
            assert number > max(self.ever, default=0), "a number was given twice"
            self.ever[number] = content
        self.became(answer, before, replace(before, versions={**before.versions, **dict.fromkeys(new, content)}))
        assert bool(new) or not answer.startswith("done")
        assert not new or not answer.startswith("refused") or "is published" in answer, answer

    @precondition(has_versions)
    @rule(label=LABELS, which=st.integers(0, 9), fault=faults("label"))
    def label(self, label: str, which: int, fault: Fault | None) -> None:
        version = sorted(self.world.versions)[which % len(self.world.versions)]
        answer, before = self.make("label", operations.labelling(label, version), fault)
        self.became(answer, before, replace(before, labels={**before.labels, label: version}))

    @precondition(lambda self: bool(without(self.world.labels, CANDIDATE)))
    @rule(which=st.integers(0, 9), fault=faults("unlabel"))
    def unlabel(self, which: int, fault: Fault | None) -> None:
        names = sorted(without(self.world.labels, CANDIDATE))
        label = names[which % len(names)]
        answer, before = self.make("unlabel", operations.unlabelling(label), fault)
        self.became(answer, before, replace(before, labels=without(before.labels, label)))

    @precondition(lambda self: {STABLE, CANARY} <= self.world.labels.keys() and not self.world.traffic.shadow)
    @rule(weight=st.integers(1, 99), fault=faults("traffic"))
    def split(self, weight: int, fault: Fault | None) -> None:
        split = {STABLE: 100 - weight, CANARY: weight}
        answer, before = self.make("traffic", operations.splitting(split), fault)
        self.became(answer, before, replace(before, traffic=Traffic(split=split)))

    @precondition(lambda self: CANARY in self.world.labels)
    @rule(fault=faults("retire"))
    def retire(self, fault: Fault | None) -> None:
        answer, before = self.make("retire", operations.retiring(self.world.labels[CANARY]), fault)
        cleared = replace(before, traffic=NO_TRAFFIC)
        self.became(answer, before, replace(cleared, labels=without(before.labels, CANARY)), cleared)

    @precondition(has_versions)
    @rule(fault=faults("roll back"))
    def roll_back(self, fault: Fault | None) -> None:
        before = self.world
        answer = self.answer("roll back", operations.rolling_back(), fault)
        self.world = look(self.models, MODEL)
        was = answering_version(before.labels, sorted(before.versions))
        now = self.world.labels.get(STABLE)
        if answer.startswith("done"):
            assert now != was
        assert now in {*before.versions, None}
        self.became(answer, before, replace(before, labels={**before.labels, STABLE: now} if now else before.labels))

    @precondition(has_versions)
    @rule(keep=st.integers(1, 3), fault=faults("prune"))
    def prune(self, keep: int, fault: Fault | None) -> None:
        answer, before = self.make("prune", operations.pruning(keep), fault)
        stay = {*sorted(before.versions)[-keep:], *before.labels.values()}
        left = {number: content for number, content in before.versions.items() if number in self.world.versions}
        assert stay <= left.keys()
        assert left.keys() == stay or not answer.startswith("done")
        self.became(answer, before, replace(before, versions=left))

    @precondition(has_versions)
    @rule(fault=faults("promotion"))
    def promotion_that_is_killed(self, fault: Fault | None) -> None:
        change = operations.half_a_promotion(max(self.world.versions))
        self._but_for_the_candidate("promotion", change, fault)

    @precondition(has_versions)
    @rule(fault=faults("clear"))
    def clear_up(self, fault: Fault | None) -> None:
        answer = self._but_for_the_candidate("clear", operations.clearing_up(), fault)
        if answer == "done True":  # a lease that cannot be read is nobody's, until it can be
            assert CANDIDATE not in self.world.labels
            assert self.world.traffic.shadow is None
            assert not model_paths(self.models, MODEL).candidacy.exists()

    def _but_for_the_candidate(self, name: str, change: Change, fault: Fault | None) -> str:
        answer, before = self.make(name, change, fault)
        now, labels = self.world, without(self.world.labels, CANDIDATE)
        traffic = now.traffic.model_copy(update={"shadow": before.traffic.shadow})
        expected = replace(before, labels=without(before.labels, CANDIDATE), history=())
        assert replace(now, labels=labels, traffic=traffic, history=()) == expected
        return answer

    @rule(version=st.integers(1, STORED_VERSIONS))
    def label_in_the_store(self, version: int) -> None:
        push_label(self.store, MIRRORED, STABLE, version)
        self.stored_label = version

    @rule(fault=faults("mirror"))
    def mirror(self, fault: Fault | None) -> None:
        answer = self.answer("mirror", operations.mirroring(self.store), fault)
        assert fault or answer.startswith("done"), answer
        self.mirrored = now = look(self.models, MIRRORED)
        assert all(content == b"stored %d" % number for number, content in now.versions.items())
        if fault is None:
            newest = range(STORED_VERSIONS - KEPT_MIRRORED + 1, STORED_VERSIONS + 1)
            assert set(now.versions) >= {*newest, self.stored_label}, answer
            assert now.labels == {STABLE: self.stored_label}

    @precondition(has_versions)
    @rule()
    def settle(self) -> None:
        """Whoever changes the model next, and is not harmed, leaves nothing of the dead there."""
        self.make("prune", operations.pruning(keep=99), None)
        names = {path.name for path in (self.models / MODEL).iterdir()}
        strays = {name for name in names - SETTLED - LEFT_ON_PURPOSE if not name.isdigit()}
        assert {name for name in strays if not name.endswith(".tmp")} == set(), strays

    @invariant()
    def what_can_be_seen_is_whole(self) -> None:
        for model, world in ((MODEL, self.world), (MIRRORED, self.mirrored)):
            if not world.versions:
                continue
            assert verify_model(self.models, model) == ()
            assert highest_version(model_paths(self.models, model)) >= max(world.versions)
        assert {number: self.ever[number] for number in self.world.versions} == self.world.versions

    @invariant()
    def the_history_speaks_of_what_was(self) -> None:
        """A kill may lose a line, and never invents one."""
        told = [entry.version for entry in self.world.history if entry.action == "published"]
        assert set(told) <= self.ever.keys()
        assert len(told) == len(set(told))


def run(folder: Path, examples: int, number: int) -> None:
    class Machine(StoreMachine):
        pass

    Machine.folder = folder
    Machine.store = operations.stored_models(Path(tempfile.mkdtemp(dir=folder)))
    chosen: Any = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a dozen steps can be read as they are; trying shorter ones takes minutes
        suppress_health_check=list(HealthCheck),
    )
    seeded: Callable[[Any], Any] = seed(number)
    run_state_machine_as_test(seeded(Machine), settings=chosen)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{json.dumps(tally)}\n")
