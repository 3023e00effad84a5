"""Publishing, labelling, pruning and rolling back in any order keep the promises of the model directory."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from serving.contract.manifest import Manifest
from serving.errors import PublishError
from serving.model_store.labels import answering_version, read_labels, remove_label, set_label
from serving.model_store.prune import prune
from serving.model_store.publishing import publish
from serving.model_store.rollback import rollback
from serving.model_store.staging import staging
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_models, list_versions

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
LABELS = st.sampled_from(["stable", "canary"])


class Store(RuleBasedStateMachine):
    manifest: Manifest

    def __init__(self) -> None:
        super().__init__()
        self.models = Path(tempfile.mkdtemp())
        self.model = self.manifest.model
        self.numbers: list[int] = []

    def teardown(self) -> None:
        shutil.rmtree(self.models)

    def versions(self) -> tuple[int, ...]:
        return list_versions(self.models, self.model)

    @rule(content=st.binary(max_size=4))
    def publish(self, content: bytes) -> None:
        with staging(self.models, self.model) as staged:
            staged.saved_model.write_bytes(content)
            self.numbers.append(publish(self.models, staged, self.manifest, by="test", reason="", now=NOON))

    @rule()
    def fail_to_publish(self) -> None:
        with staging(self.models, self.model) as staged, pytest.raises(PublishError):
            publish(self.models, staged, self.manifest, by="test", reason="", now=NOON)

    @precondition(lambda self: bool(self.numbers))
    @rule(label=LABELS, data=st.data())
    def label(self, label: str, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(self.versions()))
        set_label(self.models, self.model, label, version, by="test", reason="", now=NOON)
        assert read_labels(self.models, self.model)[label] == version

    @precondition(lambda self: bool(self.numbers and read_labels(self.models, self.model)))
    @rule(data=st.data())
    def unlabel(self, data: st.DataObject) -> None:
        label = data.draw(st.sampled_from(sorted(read_labels(self.models, self.model))))
        remove_label(self.models, self.model, label, by="test", reason="", now=NOON)

    @precondition(lambda self: bool(self.numbers))
    @rule(keep=st.integers(1, 3))
    def prune(self, keep: int) -> None:
        newest = self.versions()[-keep:]
        prune(self.models, self.model, keep=keep, by="test", reason="", now=NOON)
        assert set(self.versions()) == {*newest, *read_labels(self.models, self.model).values()}

    @precondition(lambda self: bool(self.numbers))
    @rule()
    def roll_back(self) -> None:
        before = answering_version(read_labels(self.models, self.model), self.versions())
        try:
            move = rollback(self.models, self.model, by="test", reason="", now=NOON)
        except PublishError:
            return
        assert move.previous == before != move.version

    @invariant()
    def numbers_rise(self) -> None:
        assert self.numbers == sorted(set(self.numbers))

    @precondition(lambda self: bool(self.numbers))
    @invariant()
    def everything_visible_is_whole_and_the_newest_is_there(self) -> None:
        assert list_models(self.models) == (self.model,)
        assert verify_model(self.models, self.model) == ()
        assert self.versions()[-1] == self.numbers[-1]


def test_the_promises_hold_in_any_order(make_manifest: Callable[[str], Manifest]) -> None:
    class StoreOfDigits(Store):
        manifest = make_manifest("digits")

    run_state_machine_as_test(StoreOfDigits, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
