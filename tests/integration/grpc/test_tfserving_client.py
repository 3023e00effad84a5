"""TensorFlow Serving's own stubs, in a process that has nothing of ours, against a real gateway."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import GatewayProcess

WHOLE_NUMBERS = {"age": 59, "sex": 2, "bmi": 32, "bp": 101, "s1": 157, "s2": 93, "s3": 38, "s4": 4, "s5": 4, "s6": 87}
CLIENT = Path(__file__).with_name("tfserving_client.py")


@pytest.fixture(scope="module")
def found(gateway: GatewayProcess, tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = subprocess.run(
        [sys.executable, "-P", str(CLIENT), gateway.grpc_address],
        capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path_factory.mktemp("elsewhere"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rest(gateway: GatewayProcess, model: str, instances: Any) -> Any:
    return gateway.post(f"/v1/models/{model}:predict", json.dumps({"instances": instances}).encode())[1]["predictions"]


def test_the_client_has_nothing_of_ours(found: Any) -> None:
    assert found["ours"] == []


def test_predict_answers_what_rest_answers(found: Any, gateway: GatewayProcess) -> None:
    rows = (np.arange(128) % 17).reshape(2, 8, 8).tolist()
    answer = found["predict"]
    assert answer["spec"] == ["digits", 1, "serving_default"]
    assert answer["names"] == answer["chosen"] == ["probabilities"]
    assert answer["shape"] == [2, 10]
    wanted = np.ravel(rest(gateway, "digits", rows))
    for values in (answer["values"], answer["by_version"], answer["integers"]):
        np.testing.assert_allclose(values, wanted, atol=1e-5)


def test_a_list_shorter_than_its_shape_repeats_and_integers_become_floats(found: Any, gateway: GatewayProcess) -> None:
    patients, whole = found["predict"]["patients"], found["predict"]["whole_numbers"]
    assert len(patients) == 3
    assert len(set(patients)) == 1
    np.testing.assert_allclose(whole, rest(gateway, "diabetes", [WHOLE_NUMBERS])[0], rtol=1e-5)


def test_the_receipt_is_in_the_trailing_metadata(found: Any) -> None:
    metadata = found["predict"]["metadata"]
    assert metadata["x-request-id"] == "mine-1"
    assert metadata["x-model-version"] == "1"
    assert "backend;dur=" in metadata["server-timing"]


def test_examples_are_classified_and_regressed_as_predict_does(found: Any) -> None:
    examples, predicted = found["examples"], found["predict"]
    labels, scores = zip(*examples["classes"][0], strict=True)
    assert labels == tuple("0123456789")
    np.testing.assert_allclose(scores, predicted["values"][:10], atol=1e-5)
    assert examples["classify_spec"] == ["digits", 1, "classify"]
    np.testing.assert_allclose(examples["regressions"][0], predicted["patients"][0], rtol=1e-5)


def test_the_contexts_features_are_every_examples_and_an_examples_own_win(found: Any) -> None:
    regressions = found["examples"]["regressions"]
    assert len(regressions) == 2
    assert regressions[0] != regressions[1]


def test_multi_inference_answers_each_task(found: Any) -> None:
    assert found["examples"]["inferred"] == found["examples"]["regressions"]
    assert found["examples"]["inferred_spec"] == ["diabetes", 1, "regress"]
    assert found["examples"]["no_classify"][:2] == ["INVALID_ARGUMENT", "/tasks/1/model_spec/signature_name"]
    assert found["examples"]["empty"][:2] == ["INVALID_ARGUMENT", "/input"]


def test_metadata_and_states_are_told(found: Any) -> None:
    models = found["models"]
    assert models["metadata_spec"] == ["digits", 1, ""]
    assert models["signatures"] == ["classify", "serving_default"]
    assert models["image"] == [1, [-1, 8, 8]]
    assert models["states"] == [[1, 30, 0]]
    assert models["no_field"][:2] == ["INVALID_ARGUMENT", "/metadata_field/0"]


def test_a_reload_is_agreed_to_only_when_it_changes_nothing(found: Any) -> None:
    models = found["models"]
    assert models["reload_same"] == 0
    assert models["reload_other"][0] == models["reload_custom"][0] == "FAILED_PRECONDITION"
    assert "penstock models promote" in models["reload_other"][2]


@pytest.mark.parametrize(
    ("name", "code", "field"),
    [
        ("model", "NOT_FOUND", ""),
        ("version", "NOT_FOUND", ""),
        ("label", "NOT_FOUND", ""),
        ("signature", "INVALID_ARGUMENT", "/model_spec/signature_name"),
        ("huge", "INVALID_ARGUMENT", "/inputs/image"),
        ("name", "INVALID_ARGUMENT", "/inputs/imagge"),
        ("dtype", "INVALID_ARGUMENT", "/inputs/image/0"),
        ("output", "INVALID_ARGUMENT", "/output_filter/0"),
        ("timeout", "INVALID_ARGUMENT", ""),
        ("nameless_status", "INVALID_ARGUMENT", "/model_spec/name"),
        ("unknown_status", "NOT_FOUND", ""),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_an_id(found: Any, name: str, code: str, field: str) -> None:
    got = found["refused"][name]
    assert got[:2] == [code, field]
    assert "no id" not in got
    assert "/work" not in got[2]
    assert "Traceback" not in got[2]


def test_a_deadline_and_a_message_too_large_end_as_grpc_ends_them(found: Any) -> None:
    assert found["refused"]["deadline"] == ["DEADLINE_EXCEEDED"]
    assert found["refused"]["too_large"] == ["RESOURCE_EXHAUSTED"]
