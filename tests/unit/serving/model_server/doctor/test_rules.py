"""Each rule with facts that provoke it, and with near ones on which it stays silent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from serving.model_server.doctor.facts import (
    Facts,
    Monitoring,
    ServerFacts,
    WarmupCall,
)
from serving.model_server.doctor.rules import RULES, findings
from tests.unit.serving.model_server.doctor.small_facts import (
    X,
    batching,
    compiled,
    configured,
    flags,
    graph,
    model,
    models_config,
    on,
    version,
    warmed,
)


@dataclass(frozen=True)
class Case:
    bites: Facts
    silent: tuple[Facts, ...]
    says: str


CASES: Mapping[str, Case] = {
    "unreadable_directory": Case(Facts(directory_problem="cannot be read"), (model(),), "cannot be read"),
    "damaged_labels": Case(model(labels_problem="labels.json: not JSON"), (model(),), "not JSON"),
    "label_at_nothing": Case(
        model(labels={"stable": 1, "old": 7}), (model(labels={"stable": 1}),), "the label old names version 7"
    ),
    "damaged_history": Case(model(history_problem="audit.jsonl: line 3"), (model(),), "line 3"),
    "odd_folder": Case(model(folders=("007", "v2")), (model(),), "'007', which TensorFlow Serving takes for version 7"),
    "hollow_folder": Case(model(hollow=(3,)), (model(),), "no saved_model.pb"),
    "several_versions_and_none_stable": Case(
        model(on_disk=(1, 2), server=models_config()),
        (
            model(on_disk=(1, 2)),
            model(on_disk=(1,), server=models_config()),
            model(on_disk=(1, 2), labels={"stable": 1}, server=models_config()),
        ),
        "no version is labelled stable",
    ),
    "damaged_manifest": Case(version(manifest_problem="manifest.json: model: missing"), (version(),), "missing"),
    "unreadable_graph": Case(version(graph_problem="no tag"), (version(),), "no tag"),
    "changed_files": Case(
        version(damage=("variables: gone", "x: changed")), (version(),), "variables: gone and 1 more"
    ),
    "no_default_signature": Case(
        version(graph=graph(name="serve")), (version(), version(graph=None)), "there are serve"
    ),
    "batch_dimension_not_free": Case(
        version(graph=graph(replace(X, shape=(1,)))),
        (version(), version(graph=graph(replace(X, shape=(None, 8, None))))),
        "x has [1], its batch dimension is not free",
    ),
    "unknown_dtype": Case(version(graph=graph(replace(X, dtype=None))), (version(),), "does not read"),
    "manifest_and_graph_disagree": Case(
        version(graph=graph(replace(X, name="y"))),
        (version(), version(manifest=None, graph=graph(replace(X, name="y")))),
        "the manifest's features ['x'] are not the inputs ['y']",
    ),
    "damaged_warmup_records": Case(version(warmup_problem="record 2 is cut short"), (version(),), "record 2"),
    "too_many_warmup_records": Case(
        version(warmup=warmed(*[1] * 1001)), (version(warmup=warmed(*[1] * 1000)), version()), "1001 warm-up records"
    ),
    "warmup_records_do_not_fit": Case(
        version(warmup=warmed(1) + warmed(8, dtype="int64")),
        (version(warmup=warmed(1, 8)), version(warmup=())),
        "warm-up record 2 does not fit the graph: x is int64 [8]; float32 [any] is wanted",
    ),
    "sizes_that_are_not_warmed": Case(
        version(manifest=compiled(1, 8), warmup=warmed(1)),
        (version(manifest=compiled(1, 8), warmup=warmed(8, 1)), version()),
        "no warm-up record of 8 rows",
    ),
    "export_newer_than_server": Case(
        replace(version(graph=graph(tensorflow="2.21.0")), server=ServerFacts(version=(2, 20))),
        (
            replace(version(graph=graph(tensorflow="2.20.1")), server=ServerFacts(version=(2, 20))),
            replace(version(graph=graph(tensorflow="unknown")), server=ServerFacts(version=(2, 20))),
            version(graph=graph(tensorflow="2.21.0")),
        ),
        "exported by TensorFlow 2.21, the server is 2.20",
    ),
    "compiled_and_xla_is_off": Case(
        replace(version(manifest=compiled(1)), server=flags(xla_gpu_compilation_enabled=None)),
        (replace(version(manifest=compiled(1)), server=flags()), version(manifest=compiled(1))),
        "compiled by XLA",
    ),
    "unreadable_file": Case(on(ServerFacts(problems=("models.config: 3:1 : no field",))), (on(ServerFacts()),), "3:1"),
    "labels_without_their_flag": Case(
        on(replace(flags(allow_version_labels_for_unavailable_models=None), models=(configured(labels={"a": 1}),))),
        (
            on(replace(flags(), models=(configured(labels={"a": 1}),))),
            on(replace(flags(allow_version_labels_for_unavailable_models=None), models=(configured(),))),
            on(models_config(configured(labels={"a": 1}))),
        ),
        "doubles has version_labels",
    ),
    "polling_and_reload_by_rpc": Case(
        on(replace(flags(), reloads_by_rpc=True)),
        (
            on(flags()),
            on(replace(flags(model_config_file_poll_wait_seconds="0"), reloads_by_rpc=True)),
            on(replace(flags(model_config_file_poll_wait_seconds=None), reloads_by_rpc=True)),
        ),
        "each undoes what the other set",
    ),
    "configured_model_is_not_there": Case(
        on(models_config(configured(), configured(name="gone"))), (on(models_config()),), "gone has no version"
    ),
    "configured_twice": Case(on(models_config(configured(), configured())), (on(models_config()),), "2 times"),
    "labelled_versions_may_be_unloaded": Case(
        model(labels={"stable": 1}, server=models_config(configured(policy="latest", versions=()))),
        (
            model(labels={"stable": 1}, server=models_config()),
            model(server=models_config(configured(policy="latest", versions=()))),
            model(labels={"stable": 1}, server=models_config(configured(policy="all", versions=()))),
        ),
        "keeps the latest versions",
    ),
    "configured_version_is_not_there": Case(
        on(models_config(configured(versions=(1, 9)))), (on(models_config()),), "asks for 9"
    ),
    "configured_label_at_an_unloaded_version": Case(
        on(models_config(configured(labels={"stable": 2}))),
        (
            on(models_config(configured(labels={"stable": 1}))),
            on(models_config(configured(policy="all", versions=(), labels={"stable": 2}))),
        ),
        "label stable names version 2",
    ),
    "configured_otherwise_than_published": Case(
        model(on_disk=(1, 2), labels={"stable": 1}, server=models_config(configured(labels={"stable": 1}))),
        (
            model(on_disk=(1, 2), labels={"stable": 1}, server=models_config(configured(versions=(1, 2)))),
            model(on_disk=(1, 2), server=models_config(configured(policy="all", versions=()))),
            model(on_disk=(1, 2), labels_problem="damaged", server=models_config()),
        ),
        "does not load 2",
    ),
    "published_model_is_not_configured": Case(
        on(models_config(configured(name="other"))), (on(models_config()), on(ServerFacts())), "not in the file"
    ),
    "last_allowed_size_is_not_the_largest": Case(
        on(batching(16, (1, 8))),
        (on(batching(8, (1, 8))), on(batching(16, ())), on(batching(16, (1, 8), splits=True))),
        "the last of allowed_batch_sizes is 8 and max_batch_size 16",
    ),
    "allowed_sizes_do_not_rise": Case(on(batching(8, (8, 1, 8))), (on(batching()), on(batching(8, ()))), "do not rise"),
    "allowed_sizes_are_not_the_models": Case(
        model(sizes=(4, 8), server=batching(8, (1, 8))),
        (model(sizes=(1, 4, 8), server=batching()), model(server=batching()), model(sizes=(4, 8))),
        "compiled for 4, 8 rows alone",
    ),
    "padding_with_data": Case(on(batching(pads=True)), (on(batching()),), "which is data"),
    "both_batch": Case(on(flags(enable_batching="true")), (on(flags()),), "--enable_batching=true"),
    "batching_file_without_effect": Case(
        on(flags(batching_parameters_file="/config/batching.config")),
        (on(flags()), on(flags(batching_parameters_file="/config/batching.config", enable_batching="true"))),
        "is not read without",
    ),
    "no_metrics": Case(
        on(flags(rest_api_port=None)),
        (on(flags()), on(replace(flags(), monitoring=Monitoring(enabled=True, path="/m")))),
        "--rest_api_port is not set",
    ),
    "loads_delay_requests": Case(
        on(flags(num_load_threads=None)), (on(flags()), on(ServerFacts())), "num_load_threads"
    ),
    "new_versions_are_not_seen": Case(
        on(flags(file_system_poll_wait_seconds="0")),
        (on(flags()), on(flags(file_system_poll_wait_seconds=None))),
        "never loaded",
    ),
    "warmup_is_off": Case(
        replace(version(warmup=warmed(1)), server=flags(enable_model_warmup="false")),
        (
            replace(version(warmup=warmed(1)), server=flags()),
            replace(version(), server=flags(enable_model_warmup="false")),
            replace(version(warmup=warmed(1)), server=flags(enable_model_warmup=None)),
        ),
        "doubles 1 has warm-up records",
    ),
    "flag_newer_than_server": Case(
        on(replace(flags(), version=(2, 18))),
        (
            on(replace(flags(), version=(2, 19))),
            on(flags()),
            on(replace(flags(enable_serialization_as_tensor_content=None), version=(2, 18))),
        ),
        "came with TensorFlow Serving 2.19",
    ),
}


def test_every_rule_has_its_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_bites(rule: str) -> None:
    found = list(RULES[rule](CASES[rule].bites))
    assert any(CASES[rule].says in each.what for each in found), found
    assert all(each.where and each.remedy and "\n" not in each.what + each.remedy for each in found)


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_stays_silent(rule: str) -> None:
    for facts in CASES[rule].silent:
        assert list(RULES[rule](facts)) == []


def test_a_moved_label_is_told() -> None:
    server = models_config(configured(versions=(1, 2), labels={"stable": 2}))
    (found,) = RULES["configured_otherwise_than_published"](model(on_disk=(1, 2), labels={"stable": 1}, server=server))
    assert "label stable is not where labels.json has it" in found.what


def test_monitoring_that_is_off_is_told() -> None:
    (found,) = RULES["no_metrics"](on(ServerFacts(monitoring=Monitoring(enabled=False, path=""))))
    assert "not enabled" in found.what


@pytest.mark.parametrize("call", [WarmupCall("other", {}), WarmupCall("serving_default", {"y": ("float32", (1,))})])
def test_a_warmup_record_of_another_signature_or_other_inputs_does_not_fit(call: WarmupCall) -> None:
    assert len(list(RULES["warmup_records_do_not_fit"](version(warmup=(call,))))) == 1


def test_our_own_deployment_is_clean() -> None:
    server = replace(flags(), models=(configured(labels={"stable": 1}),), version=(2, 20))
    assert list(findings(model(labels={"stable": 1}, server=server))) == []
