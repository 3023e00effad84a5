"""Nobody can make up series: thousands of names that do not exist, over every protocol, leave none of their own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.model_store.labels import set_label
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.monitoring.callers import Caller
from tests.processes import GatewayProcess, StartGateway

KINDS, INVENTED = 14, 200
FAILED = {"404", "400", "NOT_FOUND", "INVALID_ARGUMENT"}


@pytest.fixture
def gateway(start_gateway: StartGateway, tmp_path: Path) -> GatewayProcess:
    models = tmp_path / "models"
    publish_in_miniature(models, doubles_manifest())
    set_label(models, "doubles", "stable", 1, by="test", reason="", now=datetime.now(UTC))
    return start_gateway("--workers", "2", "--backend", "in_memory", "--models", str(models))


@pytest.fixture
def caller(gateway: GatewayProcess) -> Iterator[Caller]:
    made = Caller(gateway, "x")
    yield made
    made.close()


def series(gateway: GatewayProcess) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    families = text_string_to_metric_families(gateway.get("/metrics"))
    return {(s.name, frozenset(s.labels.items())) for family in families for s in family.samples}


def invented(caller: Caller, number: int) -> set[str]:
    """One request of each kind for something that is not there."""
    name, version = f"made-up-{number}", 100_000 + number
    return {
        caller.rest_v1(name),
        caller.rest_v1("doubles", f"/versions/{version}"),
        caller.rest_v1("doubles", f"/labels/{name}"),
        caller.rest_v1("doubles", signature=name),
        caller.rest_v2(name),
        caller.rest_v2("doubles", f"/versions/{version}"),
        caller.rest_v2("doubles", f"/versions/{name}"),
        caller.grpc_tfs(name),
        caller.grpc_tfs("doubles", version=version),
        caller.grpc_tfs("doubles", label=name),
        caller.grpc_tfs("doubles", signature=name),
        caller.grpc_v2(name),
        caller.grpc_v2("doubles", str(version)),
        caller.grpc_v2("doubles", name),
    }


def test_invented_names_versions_labels_and_signatures_make_no_series(gateway: GatewayProcess, caller: Caller) -> None:
    for ask in (caller.rest_v1, caller.rest_v2, caller.grpc_tfs, caller.grpc_v2):
        assert ask("doubles") in {"200", "OK"}
    assert invented(caller, 0) == FAILED
    before = series(gateway)
    for number in range(1, INVENTED):
        invented(caller, number)
    after = series(gateway)
    assert {name for name, labels in after if "made-up" in str(labels)} == set()
    # A scrape shows what the worker that answers it has learned, and the first was answered by either.
    learned = frozenset({("model_name", "doubles"), ("model_version", "1"), ("signature", "serving_default")})
    assert {(name, labels) for name, labels in after - before if labels != learned} == set()
    assert sum(caller.answers.values()) == KINDS * INVENTED + 4
