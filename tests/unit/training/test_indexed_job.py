"""What a process of several is by its number."""

import json

import pytest

from serving.errors import InvalidJob
from training.distribution_spec import DistributionSpec, chief_by
from training.indexed_job import peers_of, tuner_environment, worker_environment

PEERS = ("train-digits-0.train-digits:2222", "train-digits-1.train-digits:2222")
SEVERAL = DistributionSpec(strategy="multi_worker")


def numbered(text: str) -> dict[str, str]:
    return {"JOB_COMPLETION_INDEX": text}


@pytest.mark.parametrize("index", [0, 1])
def test_every_process_is_a_worker_and_the_first_one_leads(index: int) -> None:
    environment = worker_environment(SEVERAL, PEERS, numbered(str(index)))
    told = json.loads(environment["TF_CONFIG"])
    assert told == {"cluster": {"worker": list(PEERS)}, "task": {"type": "worker", "index": index}}
    assert chief_by(environment) == (index == 0)


def test_the_first_tuner_is_the_chief_and_a_worker_keeps_its_name() -> None:
    chief, worker = (tuner_environment(PEERS, numbered(index)) for index in "01")
    assert chief["KERASTUNER_TUNER_ID"] == "chief"
    assert worker == tuner_environment(PEERS, numbered("1")) == {
        "KERASTUNER_ORACLE_IP": "train-digits-0.train-digits",
        "KERASTUNER_ORACLE_PORT": "2222",
        "KERASTUNER_TUNER_ID": "worker-1",
    }  # fmt: skip


def test_one_process_is_told_nothing_whatever_its_number() -> None:
    assert worker_environment(DistributionSpec(), (), numbered("0")) == tuner_environment((), numbered("7")) == {}


@pytest.mark.parametrize("text", ["", "2", "-1", "one", "1.0", "²"])
def test_a_number_that_is_nobodys_is_refused(text: str) -> None:
    told = "--peers names 2 processes, so JOB_COMPLETION_INDEX must be below that"
    with pytest.raises(InvalidJob, match=told):
        worker_environment(SEVERAL, PEERS, numbered(text))
    with pytest.raises(InvalidJob, match=told):
        tuner_environment(PEERS, numbered(text))


def test_a_job_that_trains_alone_is_refused() -> None:
    with pytest.raises(InvalidJob, match=r"distribution\.strategy=multi_worker"):
        worker_environment(DistributionSpec(), PEERS, numbered("0"))


def test_addresses_are_read_in_their_order() -> None:
    assert peers_of("b:1,a.b-c.d:65535") == ("b:1", "a.b-c.d:65535")


@pytest.mark.parametrize("text", ["", "a", "a:", ":1", "a:0", "a:65536", "a:1,", "a:1, b:2", "a b:1", "a:1:2"])
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        peers_of(text)
