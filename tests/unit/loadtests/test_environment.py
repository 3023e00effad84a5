"""The facts beside a run's figures."""

import platform
from pathlib import Path

from loadtests.environment import commit, environment_facts


def test_facts_name_the_machine_the_versions_and_the_commit() -> None:
    facts = environment_facts()
    assert facts["python"] == platform.python_version()
    assert {"processor", "cores", "memory", "system", "load before the run", "numpy", "commit"} <= set(facts)
    assert all(facts.values())


def test_outside_a_checkout_the_commit_is_said_to_be_unknown(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown: not run from a git checkout"
