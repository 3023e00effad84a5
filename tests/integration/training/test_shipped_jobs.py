"""Every shipped job, run on an excerpt of its data, published, and asked through the gateway as an app would."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from serving.contract.manifest import parse_manifest
from serving.contract.model_directory import model_paths
from tests.preloaded import run_preloaded
from tests.processes import GatewayProcess, StartGateway, probe
from training.job_files import shipped_jobs

DATA = Path(__file__).parents[2] / "data"

EXCERPTS: Mapping[str, str | None] = {
    "auto_mpg": "auto_mpg.csv",
    "california_housing": "california_housing.csv",
    "diabetes": None,
    "diamonds": "diamonds.csv",
    "digits": None,
    "digits_cnn": None,
    "digits_low": None,  # before digits_high, which reuses it
    "digits_high": None,
    "fashion_mnist": "mnist.npz",
    "imdb": "reviews",
    "mnist": "mnist.npz",
    "mnist_cnn": "mnist.npz",
    "sms_spam": "sms_spam.tsv",
}
"""What stands in for the data of each job; None: scikit-learn has it."""

EPOCHS = {"digits_high": 6}
"""More than one where the job itself needs it: five epochs of a frozen network come before the sixth."""

GOOD, BAD = ("splendid", "moving", "a joy"), ("dull", "clumsy", "a bore")


def ask(gateway: GatewayProcess, model: str, instances: list[object]) -> list[list[float]]:
    body = json.dumps({"instances": instances}).encode()
    status, answer, _ = gateway.post(f"/v1/models/{model}:predict", body)
    assert status == 200, answer
    predictions: list[list[float]] = answer["predictions"]
    return predictions


def write_reviews(root: Path) -> Path:
    """Sixty made-up reviews in IMDB's layout."""
    for part in ("train", "test"):
        for kind, words in (("pos", GOOD), ("neg", BAD)):
            folder = root / part / kind
            folder.mkdir(parents=True)
            for number in range(20 if part == "train" else 10):
                word, other = words[number % 3], words[(number + 1) % 3]
                (folder / f"{number}_1.txt").write_text(f"Take {number}: I found it {word}, and its end {other}!")
    return root


def test_every_shipped_job_has_an_excerpt() -> None:
    assert set(EXCERPTS) == set(shipped_jobs())


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reviews(tmp_path_factory.mktemp("texts") / "reviews")


def data_path(excerpt: str | None, reviews: Path) -> list[str]:
    """The assignment that runs a job on its excerpt."""
    if excerpt is None:
        return []
    return [f"data.path={reviews if excerpt == 'reviews' else DATA / excerpt}"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, reviews: Path) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    runs = []
    for job, excerpt in EXCERPTS.items():
        assignments = [f"fit.epochs={EPOCHS.get(job, 1)}", *data_path(excerpt, reviews)]
        settings = [word for assignment in assignments for word in ("--set", assignment)]
        runs.append([job, "--models", str(folder / "models"), *settings])
    (folder / "runs.json").write_text(json.dumps(runs))
    script = Path(__file__).with_name("train_jobs.py")
    ran = run_preloaded([script, folder / "runs.json"])
    assert ran.returncode == 0, ran.stderr
    return folder / "models"


@pytest.fixture(scope="module")
def differing(tmp_path_factory: pytest.TempPathFactory, reviews: Path) -> dict[str, list[str]]:
    file = tmp_path_factory.mktemp("parity") / "jobs.json"
    file.write_text(json.dumps([[job, *data_path(excerpt, reviews)] for job, excerpt in EXCERPTS.items()]))
    script = Path(__file__).with_name("parity_probe.py")
    found: dict[str, list[str]] = probe(script, str(file))
    return found


@pytest.mark.parametrize("job", sorted(EXCERPTS))
def test_training_sees_bit_for_bit_what_the_gateway_makes_of_the_same_rows(
    differing: dict[str, list[str]], job: str
) -> None:
    assert differing[job] == []


@pytest.fixture(scope="module")
def served(models: Path, start_gateway_session: StartGateway) -> GatewayProcess:
    return start_gateway_session("--models", str(models))


@pytest.mark.parametrize("job", sorted(EXCERPTS))
def test_gateway_answers_natural_inputs_with_keras_own_numbers(served: GatewayProcess, models: Path, job: str) -> None:
    manifest = parse_manifest(model_paths(models, job).version(1).manifest.read_bytes())
    goldens = manifest.golden_examples
    assert len(goldens) == 4
    answered = ask(served, job, [golden.instance for golden in goldens])
    for golden, answer in zip(goldens, answered, strict=True):
        (expected,) = golden.outputs.values()
        assert isinstance(expected, list)
        assert answer == pytest.approx(expected, abs=golden.tolerance.absolute, rel=golden.tolerance.relative)


def test_layers_learned_from_low_digits_are_reused_for_high_ones(models: Path) -> None:
    assert (model_paths(models, "digits_low").version(1).extra / "model.keras").is_file()
    manifest = parse_manifest(model_paths(models, "digits_high").version(1).manifest.read_bytes())
    assert sum(manifest.lineage.rows.values()) == 896


def test_absent_numbers_are_answered(served: GatewayProcess) -> None:
    car = {
        "cylinders": 4,
        "displacement": 98,
        "weight": 2046,
        "acceleration": 19,
        "model_year": 71,
        "origin": "atlantis",  # not in the vocabulary: the graph's bucket for the unknown
    }
    without, with_null = ask(served, "auto_mpg", [car, {**car, "horsepower": None}])
    assert np.isfinite(without).all()
    assert without == pytest.approx(with_null)
