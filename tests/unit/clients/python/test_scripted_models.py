"""Models that are functions, as an app's own tests use them, with both clients."""

import asyncio

import numpy as np
import pytest
from penstock_client import errors
from penstock_client.scripted_models import (
    STATUSES,
    Classifier,
    Regressor,
    ScriptedModels,
    image_feature,
    number_features,
)

import serving.errors
from serving.rest import error_responses


@pytest.fixture
def models() -> ScriptedModels:
    return ScriptedModels(
        Classifier("digits", "0123456789", lambda image: str(int(image[0][0])), [image_feature(2, 2)]),
        Regressor("price", lambda house: house["area"] * 3000, "price", "EUR", number_features("area", "rooms")),
    )


def test_a_classifier_answers_the_label_that_the_function_names(models: ScriptedModels) -> None:
    with models.client() as client:
        four = client.predict("digits", np.full((2, 2), 4))
        many = client.predict("digits", [[[1, 0], [0, 0]], [[2, 0], [0, 0]]])
        assert client.models() == ["digits", "price"]
        assert [status.version for status in client.status("digits")] == [1]
    assert [each.label for each in (four, *many)] == ["4", "1", "2"]  # type: ignore[misc]  # one, then many


def test_a_regressor_answers_the_value_of_records_and_of_arrays(models: ScriptedModels) -> None:
    with models.client() as client:
        record = client.predict("price", {"area": 90, "rooms": 3})
        [row] = client.predict("price", np.array([[90.0, 3.0]]))  # type: ignore[misc]  # many rows
    assert (record.value, record.unit, record.target) == (270_000, "EUR", "price")
    assert row.value == 270_000


def test_the_async_client_asks_the_same_models(models: ScriptedModels) -> None:
    async def asked() -> object:
        async with models.async_client() as client:
            return (await client.predict("price", {"area": 1, "rooms": 1})).value

    assert asyncio.run(asked()) == 3000


def test_the_bytes_of_an_image_reach_the_function(models: ScriptedModels) -> None:
    models.publish(Classifier("cats", ["cat", "dog"], lambda image: {"cat": len(image) / 10}, [image_feature(2, 2)]))
    with models.client() as client:
        assert client.predict("cats", b"\x89PNG").probabilities == {"cat": 0.4, "dog": 0.0}
        assert client.predict("cats", {"image": b"\x89PNG"}).label == "cat"


def test_versions_and_labels_answer_as_published(models: ScriptedModels) -> None:
    models.publish(Classifier("digits", ["even", "odd"], lambda _: "odd", [image_feature(2, 2)], version=2))
    models.point("digits", "canary", 1)
    pixels = [[3, 0], [0, 0]]
    with models.client() as client:
        answers = [client.predict("digits", pixels, **which) for which in ({}, {"version": 1}, {"label": "canary"})]
        with pytest.raises(errors.UnknownVersion):
            client.predict("digits", pixels, version=3)
        with pytest.raises(errors.UnknownVersion):
            client.predict("digits", pixels, label="nobodys")
        with pytest.raises(errors.UnknownModel):
            client.predict("cats", pixels)
    assert [(each.version, each.label) for each in answers] == [(2, "odd"), (1, "3"), (1, "3")]  # type: ignore[union-attr]


def test_failures_are_retried_by_the_real_client_without_waiting(models: ScriptedModels) -> None:
    models.fail(errors.Overloaded("full", retry_after_seconds=2), times=2)
    models.fail(errors.ConnectionFailed("gone"))
    with models.client() as client:
        assert client.predict("price", {"area": 1, "rooms": 1}).value == 3000
    assert models.clock.now() >= 4
    assert len([request for request in models.asked if request.path.endswith(":predict")]) == 4


def test_slow_models_meet_the_deadline(models: ScriptedModels) -> None:
    models.takes_seconds = 5
    with models.client(timeout_seconds=2) as client, pytest.raises(errors.DeadlineExceeded):
        client.predict("price", {"area": 1, "rooms": 1})
    models.takes_seconds = 0.25
    with models.client(timeout_seconds=2) as client:
        timing = client.predict("price", {"area": 1, "rooms": 1}).timing
    assert timing is not None
    assert timing.backend_seconds == 0.25


@pytest.mark.parametrize("kind", list(STATUSES))
def test_every_error_of_the_gateway_can_be_raised(models: ScriptedModels, kind: type[errors.PenstockError]) -> None:
    models.fail(kind("so it is", field="/instances/0/area"))
    with models.client(retries=None) as client, pytest.raises(kind) as raised:
        client.predict("price", {"area": 1, "rooms": 1})
    assert type(raised.value) is kind
    assert (raised.value.field, raised.value.request_id) == ("/instances/0/area", "request-2")


@pytest.mark.parametrize("kind", list(STATUSES))
def test_the_statuses_are_the_gateways(kind: type[errors.PenstockError]) -> None:
    parents = getattr(serving.errors, kind.__name__).__mro__
    assert STATUSES[kind] == next(
        error_responses.STATUSES[parent] for parent in parents if parent in error_responses.STATUSES
    )


def test_an_error_that_the_function_raises_is_the_gateways_answer() -> None:
    def refuse(row: object) -> float:
        raise errors.WrongDtype(f"{row!r} is no number", field="/instances/0")

    with ScriptedModels(Regressor("price", refuse)).client() as client:
        with pytest.raises(errors.WrongDtype) as refused:
            client.predict("price", {"area": "large"})
        assert refused.value.field == "/instances/0"


def test_a_mistake_of_the_test_comes_through() -> None:
    models = ScriptedModels(Classifier("digits", "01", lambda _: "two"))
    with models.client() as client, pytest.raises(ValueError, match=r"the labels \['two'\], which digits has not"):
        client.predict("digits", {"x": 1})
