"""The main job: real data trained, published, served as a process, predicted over HTTP by the real client, counted."""

import json
import re
import subprocess
import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest
from penstock_client import Client, Predictions
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from serving.contract.manifest import GoldenExample, Manifest, parse_manifest
from tests.processes import GatewayProcess, StartGateway, trained

JOBS = ("digits", "diabetes")


def manifest_of(models: Path, model: str) -> Manifest:
    return parse_manifest((models / model / "1" / "assets.extra" / "manifest.json").read_bytes())


def agrees(got: float, want: float) -> bool:
    return abs(got - want) <= 1e-5 + 1e-4 * abs(want)


@pytest.fixture(params=JOBS)
def golden(request: pytest.FixtureRequest, trained_models: Path) -> tuple[str, tuple[GoldenExample, ...]]:
    return request.param, manifest_of(trained_models, request.param).golden_examples


def test_golden_examples_are_answered_as_keras_answered_them(
    gateway: GatewayProcess, golden: tuple[str, tuple[GoldenExample, ...]]
) -> None:
    model, examples = golden
    body = json.dumps({"instances": [example.instance for example in examples]}).encode()
    status, answer, headers = gateway.post(f"/v1/models/{model}:predict", body)
    assert (status, headers["x-model-version"]) == (200, "1")
    for example, row in zip(examples, answer["predictions"], strict=True):
        (want,) = example.outputs.values()
        assert isinstance(want, list)
        assert all(agrees(got, float(str(expected))) for got, expected in zip(row, want, strict=True))


def test_a_convolutional_job_is_served_like_any_other(start_gateway: StartGateway, tmp_path: Path) -> None:
    trained("digits_cnn", "--set", "fit.epochs=1", "--models", str(tmp_path))
    manifest = parse_manifest((tmp_path / "digits_cnn" / "1" / "assets.extra" / "manifest.json").read_bytes())
    own = start_gateway("--models", str(tmp_path))
    with Client(own.url) as client:
        answers = client.predict("digits_cnn", [example.instance for example in manifest.golden_examples])
    assert isinstance(answers, Predictions)
    for answer, example in zip(answers, manifest.golden_examples, strict=True):
        want = example.outputs["probabilities"]
        assert isinstance(want, list)
        assert all(agrees(got, float(str(w))) for got, w in zip(answer.probabilities.values(), want, strict=True))


def test_the_client_names_the_digit_in_an_image_file(
    gateway: GatewayProcess, trained_models: Path, tmp_path: Path
) -> None:
    example = manifest_of(trained_models, "digits").golden_examples[0]
    pixels = bytes(round(value * 255 / 16) for row in example.instance for value in row)  # type: ignore[union-attr,operator] # 8 x 8 numbers
    Image.frombytes("L", (8, 8), pixels).save(tmp_path / "digit.png")
    with Client(gateway.url) as client:
        from_file = client.predict("digits", tmp_path / "digit.png")
        from_pixels = client.predict("digits", example.instance)
    assert not isinstance(from_pixels, Predictions)
    assert from_file.label == from_pixels.label


def test_a_raw_image_body_answers_like_base64(gateway: GatewayProcess, tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "gradient.png")
    raw = (tmp_path / "gradient.png").read_bytes()
    with Client(gateway.url) as client:
        encoded = client.predict("digits", raw)
    status, answer, _ = gateway.post("/v1/models/digits:predict", raw, "image/png")
    assert status == 200
    assert answer["predictions"][0] == list(encoded.probabilities.values())


def test_the_client_gives_the_value_with_its_target(gateway: GatewayProcess, trained_models: Path) -> None:
    example = manifest_of(trained_models, "diabetes").golden_examples[0]
    with Client(gateway.url) as client:
        (prediction,) = client.predict("diabetes", [example.instance])  # type: ignore[misc] # a list for a list
    assert (prediction.target, prediction.version) == ("progression", 1)
    assert prediction.value is not None
    assert agrees(prediction.value, float(str(example.outputs["value"][0])))  # type: ignore[index] # one row


def test_versions_and_labels_can_be_named(gateway: GatewayProcess, trained_models: Path) -> None:
    body = json.dumps({"instances": [manifest_of(trained_models, "digits").golden_examples[0].instance]}).encode()
    assert gateway.post("/v1/models/digits/versions/1:predict", body)[0] == 200
    assert gateway.post("/v1/models/digits/versions/9:predict", body)[0] == 404
    assert gateway.post("/v1/models/digits/labels/nope:predict", body)[0] == 404


def test_status_is_tensorflow_servings(gateway: GatewayProcess) -> None:
    state = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert gateway.get("/v1/models/digits") == {"model_version_status": [state]}


def test_metadata_is_tensorflow_servings_with_the_manifest_beside(gateway: GatewayProcess) -> None:
    document = gateway.get("/v1/models/digits/metadata")
    assert document["model_spec"] == {"name": "digits", "signature_name": "", "version": "1"}
    inputs = document["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]
    assert [dim["size"] for dim in inputs["image"]["tensor_shape"]["dim"]] == ["-1", "8", "8"]
    assert "lineage" not in document["metadata"]["manifest"]


def test_printed_curl_lines_work_when_pasted(gateway: GatewayProcess, program: Callable[[str], str]) -> None:
    program("curl")
    lines = [line.strip() for line in gateway.lines if line.strip().startswith("curl")]
    answers = [subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout for line in lines]
    assert [len(json.loads(answer)["predictions"]) for answer in answers] == [1, 1]


def test_health_docs_and_openapi_answer(gateway: GatewayProcess) -> None:
    assert gateway.get("/readyz") == {"status": "ready"}
    assert gateway.get("/healthz") == {"status": "alive"}
    assert "swagger" in gateway.get("/docs")
    assert "/v1/models/{model}:predict" in gateway.get("/openapi.json")["paths"]


def test_predictions_are_asked_for_with_post(gateway: GatewayProcess) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        gateway.get("/v1/models/digits:predict")
    assert (refused.value.code, refused.value.headers["allow"]) == (405, "POST")
    assert json.loads(refused.value.read())["code"] == "HttpError"


def test_every_answer_carries_its_receipt(gateway: GatewayProcess, trained_models: Path) -> None:
    body = json.dumps({"instances": [manifest_of(trained_models, "digits").golden_examples[0].instance]}).encode()
    timing = gateway.post("/v1/models/digits:predict", body)[2]["server-timing"]
    number = r"\d+\.\d+"
    stages = ", ".join(f"{stage};dur={number}" for stage in ("decode", "queue", "backend", "encode"))
    assert re.fullmatch(stages + r', batch;desc="\d+ rows"', timing)


def test_requests_are_counted(gateway: GatewayProcess, trained_models: Path) -> None:
    def count() -> float:
        families = text_string_to_metric_families(gateway.get("/metrics"))
        samples = (sample for family in families for sample in family.samples)
        wanted = {"model_name": "diabetes", "model_version": "1", "protocol": "rest_v1", "code": "200"}
        return sum(
            s.value for s in samples if s.name == "penstock_requests_total" and wanted.items() <= s.labels.items()
        )

    body = json.dumps({"instances": [manifest_of(trained_models, "diabetes").golden_examples[0].instance]}).encode()
    before = count()
    for _ in range(3):
        gateway.post("/v1/models/diabetes:predict", body)
    assert count() - before == 3


def test_the_metrics_page_names_every_metric_and_no_other(gateway: GatewayProcess) -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    documented = set(re.findall(r"^\| `(penstock_\w+)`", page, re.MULTILINE))
    exposed = re.findall(r"^# TYPE (penstock_\w+)", gateway.get("/metrics"), re.MULTILINE)
    assert documented == set(exposed)
