"""Every rule of the doctor, and what all of them find. Pure."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from serving.model_server.doctor import model_rules, server_rules, version_rules
from serving.model_server.doctor.facts import Facts, Finding

RULES: Mapping[str, Callable[[Facts], Iterator[Finding]]] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            model_rules.unreadable_directory,
            model_rules.damaged_labels,
            model_rules.label_at_nothing,
            model_rules.damaged_history,
            model_rules.odd_folder,
            model_rules.hollow_folder,
            model_rules.several_versions_and_none_stable,
            version_rules.damaged_manifest,
            version_rules.unreadable_graph,
            version_rules.changed_files,
            version_rules.no_default_signature,
            version_rules.batch_dimension_not_free,
            version_rules.unknown_dtype,
            version_rules.manifest_and_graph_disagree,
            version_rules.damaged_warmup_records,
            version_rules.too_many_warmup_records,
            version_rules.warmup_records_do_not_fit,
            version_rules.sizes_that_are_not_warmed,
            version_rules.export_newer_than_server,
            version_rules.compiled_and_xla_is_off,
            server_rules.unreadable_file,
            server_rules.labels_without_their_flag,
            server_rules.polling_and_reload_by_rpc,
            server_rules.configured_model_is_not_there,
            server_rules.configured_twice,
            server_rules.labelled_versions_may_be_unloaded,
            server_rules.configured_version_is_not_there,
            server_rules.configured_label_at_an_unloaded_version,
            server_rules.configured_otherwise_than_published,
            server_rules.published_model_is_not_configured,
            server_rules.last_allowed_size_is_not_the_largest,
            server_rules.allowed_sizes_do_not_rise,
            server_rules.allowed_sizes_are_not_the_models,
            server_rules.padding_with_data,
            server_rules.both_batch,
            server_rules.batching_file_without_effect,
            server_rules.no_metrics,
            server_rules.loads_delay_requests,
            server_rules.new_versions_are_not_seen,
            server_rules.warmup_is_off,
            server_rules.flag_newer_than_server,
        )
    }
)


def findings(facts: Facts) -> Iterator[tuple[str, Finding]]:
    """Each finding with the name of its rule, in the order of the rules."""
    for name, rule in RULES.items():
        for finding in rule(facts):
            yield name, finding
