"""Sequences of different lengths in one batch of a real model: each answered as if it had been asked alone."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import GatewayProcess, StartGateway, probe


@dataclass(frozen=True)
class Published:
    gateway: GatewayProcess
    rows: list[list[int]]
    answers: dict[str, list[dict[str, Any]]]

    def ask(self, model: str, rows: Sequence[Sequence[int]]) -> list[Any]:
        status, answer, _ = self.gateway.post(f"/v1/models/{model}:predict", json.dumps({"instances": rows}).encode())
        assert status == 200, answer
        found: list[Any] = answer["predictions"]
        return found

    def padding(self, model: str) -> float:
        name = f'penstock_length_padding_values_total{{model_name="{model}"}}'
        lines = self.gateway.get("/metrics").splitlines()
        return float(next((line.split()[1] for line in lines if line.startswith(name)), 0.0))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, start_gateway_session: StartGateway) -> Published:
    models = tmp_path_factory.mktemp("lengths") / "models"
    found = probe(Path(__file__).with_name("lengths_probe.py"), str(models))
    return Published(start_gateway_session("--models", str(models)), found["rows"], found["answers"])


def near(found: Any, wanted: Any) -> bool:
    return np.shape(found) == np.shape(wanted) and np.allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", ["by_zero", "by_input"])
def test_each_alone_is_answered_as_keras_does_and_at_its_own_length(published: Published, model: str) -> None:
    for row, wanted in zip(published.rows, published.answers[model], strict=True):
        (found,) = published.ask(model, [row])
        if model == "by_zero":
            assert near(found["tags"], wanted["tags"])
            found = found["value"]
        assert near(found, wanted["value"])


@pytest.mark.parametrize("model", ["by_zero", "by_input"])
def test_rows_of_all_lengths_in_one_request_are_answered_as_alone(published: Published, model: str) -> None:
    before = published.padding(model)
    found = published.ask(model, published.rows)
    for one, wanted in zip(found, published.answers[model], strict=True):
        value = one["value"] if model == "by_zero" else one
        assert near(value, wanted["value"])
        if model == "by_zero":
            assert near(one["tags"][: len(wanted["tags"])], wanted["tags"])
            assert len(one["tags"]) == max(map(len, published.rows))
    assert published.padding(model) - before == 16 * len(published.rows) - sum(map(len, published.rows))


def test_requests_of_all_lengths_at_once_are_answered_as_alone(published: Published) -> None:
    asked = [number % len(published.rows) for number in range(120)]
    ask: Callable[[int], Any] = lambda place: published.ask("by_zero", [published.rows[place]])[0]  # noqa: E731 - for the pool
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(ask, asked))
    wrong = [
        place
        for place, found in zip(asked, answers, strict=True)
        if not all(near(found[name], published.answers["by_zero"][place][name]) for name in ("value", "tags"))
    ]
    assert wrong == []
