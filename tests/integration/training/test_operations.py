"""The list of operations against what Keras and our own jobs make, and against what TensorFlow has."""

import re
from pathlib import Path
from typing import Any

import pytest

from serving.contract.operations import ALLOWED, READING, WRITING
from serving.model_store.trust import check_version
from serving.model_store.versions import list_models
from tests.processes import probe

PROBE = Path(__file__).parent / "operations_probe.py"
REACHES_OUT = re.compile(
    r"File|Dataset|Iterator|Reader|PyFunc|Print|Debug|Summary|Send$|Recv$|Rpc|Collective|Remote|Queue|Barrier|Mutex"
    r"|Decode(Jpeg|Png|Gif|Bmp|Image|Wav|Proto|Compressed)|^Xla|^_|TPU|Abort|Sleep|ImmutableConst|Session|Checkpoint"
)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    told: dict[str, Any] = probe(PROBE)
    return told


def test_every_network_and_layer_that_is_built_is_allowed(found: dict[str, Any]) -> None:
    assert len(found["built"]) == 30
    refused = {name: sorted(set(names) - ALLOWED) for name, names in found["built"].items()}
    assert {name: names for name, names in refused.items() if names} == {}


def test_the_list_names_nothing_that_tensorflow_lacks(found: dict[str, Any]) -> None:
    assert sorted((ALLOWED | WRITING | READING.keys()) - set(found["registered"])) == []


def test_nothing_that_reaches_out_of_the_process_is_on_the_list(found: dict[str, Any]) -> None:
    out = {name for name in found["registered"] if REACHES_OUT.search(name)}
    assert {"ReadFile", "WriteFile", "EagerPyFunc", "PrintV2", "TFRecordDataset"} <= out
    assert sorted(out & ALLOWED) == ["ShardedFilename"], "which puts a name together and opens nothing"


def test_what_our_jobs_publish_may_be_loaded(trained_models: Path) -> None:
    models = list_models(trained_models)
    assert models
    for model in models:
        check_version(trained_models, model, 1)


def test_a_keras_file_with_code_in_it_is_not_loaded(found: dict[str, Any]) -> None:
    assert "Lambda" in found["lambda"]
