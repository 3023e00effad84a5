from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import text_format

from serving.backends.tensorflow_messages import message_module
from serving.model_server.configs import (
    LabelShare,
    PublishedModel,
    batching_config,
    models_config,
    monitoring_config,
    shared_batch_rows,
    versions_to_load,
)
from serving.model_server.text_protos import parse_text
from serving.model_store.audit import AuditEntry

NOW = datetime(2030, 1, 2, tzinfo=UTC)


def moved(version: int, previous: int | None) -> AuditEntry:
    return AuditEntry(
        at=NOW, action="promoted", model="digits", version=version, label="stable", previous_version=previous, by="test"
    )


def model(
    versions: tuple[int, ...], labels: Mapping[str, int] | None = None, *history: AuditEntry, name: str = "digits"
) -> PublishedModel:
    return PublishedModel(name, versions, labels or {}, history)


def parsed(text: str) -> Any:
    """By the real schema, read here a second time on purpose."""
    message = message_module("tensorflow_serving.config.model_server_config_pb2").ModelServerConfig()
    return text_format.Parse(text, message)


@pytest.mark.parametrize(
    ("found", "loaded"),
    [
        (model((1,)), (1,)),
        (model((1, 2, 3)), (2, 3)),
        (model((1, 2, 3, 4), {"stable": 2}), (1, 2, 4)),
        (model((1, 2, 3, 4), {"stable": 3}, moved(1, None), moved(3, 1)), (1, 3, 4)),
        (model((1, 2, 3, 4, 5), {"stable": 2, "candidate": 4}, moved(2, 1)), (1, 2, 4, 5)),
        (model((3,), {"stable": 2}), (3,)),
        (model(()), ()),
    ],
    ids=["one", "no labels", "below stable", "stable before", "candidate", "label at nothing", "no versions"],
)
def test_loaded_are_the_labelled_the_newest_and_where_a_roll_back_goes(
    found: PublishedModel, loaded: tuple[int, ...]
) -> None:
    assert versions_to_load(found) == loaded


@pytest.mark.parametrize(
    ("found", "canarys", "others"),
    [
        (model((1, 2, 3, 4), {"stable": 3, "canary": 4}), (4,), (2, 3)),
        (model((1, 2, 3, 4), {"stable": 4, "canary": 4}), (4,), (3, 4)),
        (model((1, 2, 3, 4), {"stable": 3, "canary": 4, "next": 4}), (4,), (2, 3, 4)),
        (model((1, 2), {"canary": 2}), (2,), (1, 2)),
        (model((1, 2), {"stable": 2}), (), (1, 2)),
        (model((1, 2, 3), {"stable": 3, "canary": 2}, moved(2, None), moved(3, 2)), (2,), (1, 3)),
        (model((3,), {"stable": 3, "canary": 5}), (), (3,)),
    ],
    ids=["canary", "promoted", "on its way", "no stable", "no canary", "an old one", "not there"],
)
def test_a_canarys_servers_have_its_version_and_the_others_all_else(
    found: PublishedModel, canarys: tuple[int, ...], others: tuple[int, ...]
) -> None:
    assert versions_to_load(LabelShare("canary", only=True).of(found)) == canarys
    assert versions_to_load(LabelShare("canary", only=False).of(found)) == others


def test_models_config_is_what_tensorflow_serving_parses() -> None:
    text = models_config([model((1, 2, 3), {"stable": 1, "canary": 3}), model((7,), name="diabetes")], "/models/")
    diabetes, digits = parsed(text).model_config_list.config
    assert (diabetes.name, diabetes.base_path, diabetes.model_platform) == (
        "diabetes",
        "/models/diabetes",
        "tensorflow",
    )
    assert list(digits.model_version_policy.specific.versions) == [1, 3]
    assert dict(digits.version_labels) == {"stable": 1, "canary": 3}
    assert not diabetes.version_labels


def test_a_model_without_a_version_is_left_out() -> None:
    text = models_config([model((), {"stable": 1}), model((1,), name="diabetes")], "/models")
    assert [config.name for config in parsed(text).model_config_list.config] == ["diabetes"]


def test_no_models_are_an_empty_list_and_not_an_empty_file() -> None:
    assert parsed(models_config([], "/models")).WhichOneof("config") == "model_config_list"


def test_a_label_is_left_out_when_its_version_is_not_there() -> None:
    (config,) = parsed(models_config([model((1,), {"stable": 1, "old": 9})], "/models")).model_config_list.config
    assert dict(config.version_labels) == {"stable": 1}


def sized(name: str, *rows: int) -> PublishedModel:
    return PublishedModel(name, (1,), {}, (), rows)


@pytest.mark.parametrize(
    ("models", "shared"),
    [
        ([sized("a"), sized("b")], ()),
        ([sized("a", 8, 16), sized("b")], (8, 16)),
        ([sized("a", 8, 16, 64), sized("b", 1, 8, 16)], (8, 16)),
        ([sized("a", 8), sized("b", 16)], None),
    ],
)
def test_batch_sizes_are_those_that_all_models_allow(
    models: list[PublishedModel], shared: tuple[int, ...] | None
) -> None:
    assert shared_batch_rows(models) == shared


def test_the_last_allowed_batch_size_is_the_largest() -> None:
    message = parse_text("batching.config", batching_config([sized("a", 1, 8, 32)], threads=2))
    assert list(message.allowed_batch_sizes) == [1, 8, 32]
    assert message.max_batch_size.value == 32
    assert (message.num_batch_threads.value, message.max_enqueued_batches.value) == (2, 16)
    assert message.HasField("batch_timeout_micros")


def test_without_fixed_sizes_any_is_allowed() -> None:
    message = parse_text("batching.config", batching_config([sized("a")], threads=1))
    assert (list(message.allowed_batch_sizes), message.max_batch_size.value) == ([], 64)


def test_monitoring_is_on() -> None:
    config = parse_text("monitoring.config", monitoring_config()).prometheus_config
    assert (config.enable, config.path) == (True, "/monitoring/prometheus/metrics")
