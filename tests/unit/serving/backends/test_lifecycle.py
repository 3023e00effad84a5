"""Which versions of a model should be in memory. `plan` is asked anew after every change."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.backends.embedded.lifecycle import Plan, plan, retry_seconds


def test_the_newest_is_loaded() -> None:
    assert plan([1, 2, 3], {}, available=[], failed=[]).load == (3,)


def test_the_old_version_stays_until_the_newer_is_available() -> None:
    assert plan([1, 2], {}, available=[1], failed=[]).unload == ()
    assert plan([1, 2], {}, available=[1, 2], failed=[]).unload == (1,)


def test_labelled_versions_are_kept() -> None:
    settled = plan([1, 2, 3], {"stable": 1, "canary": 2}, available=[1, 2, 3], failed=[])
    assert (settled.load, settled.unload) == ((), ())


def test_labelled_versions_are_loaded_first() -> None:
    assert plan([1, 2, 3], {"stable": 1}, available=[], failed=[]).load == (1, 3)


def test_a_label_on_a_version_that_is_gone_loads_nothing() -> None:
    assert plan([2], {"stable": 1}, available=[2], failed=[]).load == ()


def test_a_broken_newest_keeps_the_old() -> None:
    held = plan([1, 2], {}, available=[1], failed=[2])
    assert (held.load, held.unload) == ((), ())


def test_after_a_failure_the_next_older_is_loaded() -> None:
    assert plan([1, 2, 3], {}, available=[], failed=[3]).load == (2,)
    assert plan([1, 2, 3], {}, available=[], failed=[2, 3]).load == (1,)


def test_a_version_that_may_be_tried_again_takes_nothing_away() -> None:
    again = plan([1, 2], {}, available=[1], failed=[])
    assert (again.load, again.unload) == ((2,), ())


def test_what_is_being_loaded_or_freed_is_left_alone() -> None:
    assert plan([1, 2], {}, available=[1], failed=[], busy=[2]).load == ()


def test_a_version_deleted_from_disk_goes_once_another_answers() -> None:
    assert plan([1, 2], {}, available=[2, 3], failed=[]).unload == (3,)


def test_a_model_that_is_gone_from_disk_goes_from_memory() -> None:
    assert plan([], {"stable": 1}, available=[1, 2], failed=[]).unload == (1, 2)


VERSIONS = st.sets(st.integers(1, 6))


@given(on_disk=VERSIONS, labelled=VERSIONS, available=VERSIONS, failed=VERSIONS, busy=VERSIONS)
@settings(deadline=None)
def test_plans_make_sense(
    on_disk: set[int], labelled: set[int], available: set[int], failed: set[int], busy: set[int]
) -> None:
    available, busy = available - failed, busy - available - failed
    labels = {f"label{version}": version for version in labelled}
    made = plan(on_disk, labels, available=available, failed=failed, busy=busy)
    assert set(made.load) <= on_disk - available - failed - busy
    assert set(made.unload) <= available - (labelled & on_disk)
    if on_disk and available:
        assert available - set(made.unload), "someone always answers"


@dataclass
class Memory:
    """What the embedded backend would hold after acting on plan after plan; `broken` versions never load."""

    broken: set[int]
    labels: dict[str, int]
    on_disk: set[int] = field(default_factory=set)
    available: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)

    def settle(self) -> None:
        while (made := self.plan()).load or made.unload:
            newest = max(self.available, default=0)
            assert newest not in made.unload or newest not in self.on_disk
            self.available -= set(made.unload)
            self.failed |= set(made.load) & self.broken
            self.available |= set(made.load) - self.broken

    def plan(self) -> Plan:
        return plan(self.on_disk, self.labels, available=self.available, failed=self.failed)


@given(
    looks=st.lists(st.sets(st.integers(1, 6)), max_size=6),
    broken=VERSIONS,
    labels=st.dictionaries(st.sampled_from(["stable", "canary"]), st.integers(1, 6)),
    retried=st.booleans(),
)
@settings(deadline=None)
def test_the_answering_version_stays_unless_a_newer_is_available(
    looks: list[set[int]], broken: set[int], labels: dict[str, int], *, retried: bool
) -> None:
    memory = Memory(broken, labels)
    for on_disk in looks:
        memory.on_disk = on_disk
        memory.failed = set() if retried else memory.failed & on_disk
        memory.settle()
        healthy = on_disk - broken
        assert not healthy or max(healthy) in memory.available
        assert {version for version in labels.values() if version in healthy} <= memory.available


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (8, 60.0), (5_000, 60.0)]
)
def test_retries_back_off_to_a_minute_and_stay_there(attempts: int, seconds: float) -> None:
    assert retry_seconds(attempts) == seconds


def test_a_version_that_a_moving_label_still_answers_with_is_kept_until_the_new_one_is_available() -> None:
    moving = plan([1, 2, 3], {"stable": 2}, available=[1, 3], failed=[], answering=[1])
    assert (moving.load, moving.unload) == ((2,), ())
    assert plan([1, 2, 3], {"stable": 2}, available=[1, 3], failed=[2], answering=[1]).unload == ()
    assert plan([1, 2, 3], {"stable": 2}, available=[1, 2, 3], failed=[], answering=[2]).unload == (1,)


def test_a_version_that_answers_is_kept_where_its_files_are_gone() -> None:
    assert plan([2], {"stable": 1}, available=[1, 2], failed=[], answering=[1]).unload == ()
