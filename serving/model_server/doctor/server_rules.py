"""Rules about TensorFlow Serving's files and flags, by themselves and against the model directory.

Pure; one function a rule, its name the rule's. What was not named on the command line is not judged.
"""

from collections import Counter
from collections.abc import Iterator

from serving.model_server.configs import versions_to_load
from serving.model_server.doctor.facts import ConfiguredModel, Facts, Finding, ModelFacts
from serving.model_server.flags import FLAGS

MODELS, BATCHING, MONITORING, SERVER = "models.config", "batching.config", "monitoring.config", "flags"
REWRITE = "write it anew: `penstock model-server config`, with --watch to keep it so"


def unreadable_file(facts: Facts) -> Iterator[Finding]:
    for problem in facts.server.problems:
        yield Finding("server", problem, "TensorFlow Serving does not start with it")


def labels_without_their_flag(facts: Facts) -> Iterator[Finding]:
    server, flag = facts.server, "allow_version_labels_for_unavailable_models"
    labelled = [model.name for model in server.models or () if model.labels]
    if labelled and server.flags is not None and not server.is_on(flag):
        what = f"{', '.join(labelled)} has version_labels, which are refused before anything is loaded"
        yield Finding(MODELS, what, f"start the server with --{flag}=true")


def polling_and_reload_by_rpc(facts: Facts) -> Iterator[Finding]:
    flags = facts.server.flags or {}
    if facts.server.reloads_by_rpc and _number(flags.get("model_config_file_poll_wait_seconds", "0")) > 0:
        what = "models.config is polled, and reloaded by RPC too: each undoes what the other set"
        yield Finding(SERVER, what, "keep one: leave --model_config_file_poll_wait_seconds out, or the RPC")


def configured_model_is_not_there(facts: Facts) -> Iterator[Finding]:
    """By name: where the server sees the directory is its own affair."""
    known = {model.name for model in facts.models if model.published.versions}
    for model in facts.server.models or ():
        if model.name not in known:
            what = f"{model.name} has no version in the model directory: every reload of the file waits for it"
            yield Finding(MODELS, what, f"take it out, or publish it; {REWRITE}")


def configured_twice(facts: Facts) -> Iterator[Finding]:
    counts = Counter(model.name for model in facts.server.models or ())
    for name, count in counts.items():
        if count > 1:
            yield Finding(MODELS, f"{name} stands there {count} times, and the server refuses the file", REWRITE)


def labelled_versions_may_be_unloaded(facts: Facts) -> Iterator[Finding]:
    for model, _ in _both(facts):
        if model.policy in ("", "latest") and (model.labels or _labels_of(facts, model.name)):
            what = f"{model.name} keeps the latest versions, and its labelled ones go when newer ones come"
            yield Finding(MODELS, what, f"give it a `specific` version policy; {REWRITE}")


def configured_version_is_not_there(facts: Facts) -> Iterator[Finding]:
    for model, published in _both(facts):
        missing = [version for version in model.versions if version not in published.published.versions]
        if missing:
            what = f"{model.name} asks for {_list(missing)}, which the model directory has not: waited for in vain"
            yield Finding(MODELS, what, REWRITE)


def configured_label_at_an_unloaded_version(facts: Facts) -> Iterator[Finding]:
    for model in facts.server.models or ():
        for label, version in model.labels.items():
            if model.policy == "specific" and version not in model.versions:
                what = f"{model.name}'s label {label} names version {version}, which the file does not load"
                yield Finding(MODELS, what, REWRITE)


def configured_otherwise_than_published(facts: Facts) -> Iterator[Finding]:
    for model, published in _both(facts):
        if model.policy != "specific" or published.labels_problem:
            continue
        unloaded = sorted(set(versions_to_load(published.published)) - set(model.versions))
        moved = [label for label, version in model.labels.items() if published.published.labels.get(label) != version]
        if unloaded:
            what = f"{model.name} does not load {_list(unloaded)}, which is labelled, newest, or where a roll back goes"
            yield Finding(MODELS, what, REWRITE)
        if moved:
            yield Finding(MODELS, f"{model.name}'s label {', '.join(moved)} is not where labels.json has it", REWRITE)


def published_model_is_not_configured(facts: Facts) -> Iterator[Finding]:
    if facts.server.models is None:
        return
    configured = {model.name for model in facts.server.models}
    for model in facts.models:
        if model.published.versions and model.name not in configured:
            yield Finding(MODELS, f"{model.name} is published and not in the file", REWRITE)


def last_allowed_size_is_not_the_largest(facts: Facts) -> Iterator[Finding]:
    batching = facts.server.batching
    if batching and batching.allowed_batch_sizes and not batching.splits:
        last, largest = batching.allowed_batch_sizes[-1], batching.max_batch_size
        if last != largest:
            what = f"the last of allowed_batch_sizes is {last} and max_batch_size {largest or 'not set'}: nothing loads"
            yield Finding(BATCHING, what, f"set max_batch_size {{ value: {last} }}")


def allowed_sizes_do_not_rise(facts: Facts) -> Iterator[Finding]:
    batching = facts.server.batching
    if batching and list(batching.allowed_batch_sizes) != sorted(set(batching.allowed_batch_sizes)):
        yield Finding(BATCHING, "allowed_batch_sizes do not rise, and nothing loads", "put them in order")


def allowed_sizes_are_not_the_models(facts: Facts) -> Iterator[Finding]:
    batching = facts.server.batching
    if batching is None:
        return
    for model in facts.models:
        allowed = set(model.published.allowed_batch_rows)
        if allowed and not (batching.allowed_batch_sizes and allowed.issuperset(batching.allowed_batch_sizes)):
            what = f"{model.name} is compiled for {_list(sorted(allowed))} rows alone, and may be asked for others"
            yield Finding(BATCHING, what, "allow those sizes and no other: each new one compiles for seconds")


def padding_with_data(facts: Facts) -> Iterator[Finding]:
    if facts.server.batching and facts.server.batching.pads:
        what = "pad_variable_length_inputs fills rows up with the first value of their tensor, which is data"
        yield Finding(BATCHING, what, "leave it out; the gateway pads with the manifest's pad value")


def both_batch(facts: Facts) -> Iterator[Finding]:
    if facts.server.is_on("enable_batching"):
        what = "--enable_batching=true: batches of the gateway wait for others, and one bad row fails them all"
        yield Finding(SERVER, what, "--enable_batching=false, unless clients reach the server without the gateway")


def batching_file_without_effect(facts: Facts) -> Iterator[Finding]:
    if "batching_parameters_file" in (facts.server.flags or {}) and not facts.server.is_on("enable_batching"):
        what = "--batching_parameters_file is not read without --enable_batching=true"
        yield Finding(SERVER, what, "leave one out or set the other")


def no_metrics(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    if server.monitoring is not None and not server.monitoring.enabled:
        yield Finding(MONITORING, "prometheus_config is not enabled: there are no metrics", REWRITE)
    flags = server.flags or {}
    if "monitoring_config_file" in flags and _number(flags.get("rest_api_port", "0")) <= 0:
        what = "metrics are served on the REST port, and --rest_api_port is not set"
        yield Finding(SERVER, what, "set --rest_api_port=8501, and keep it from everybody but Prometheus")


def loads_delay_requests(facts: Facts) -> Iterator[Finding]:
    flags = facts.server.flags
    for name in ("num_load_threads", "num_unload_threads"):
        if flags is not None and _number(flags.get(name, "0")) < 1:
            what = f"--{name} is not set: versions come and go on the thread that requests pass"
            yield Finding(SERVER, what, f"--{name}=1")


def new_versions_are_not_seen(facts: Facts) -> Iterator[Finding]:
    flags = facts.server.flags
    if flags is not None and _number(flags.get("file_system_poll_wait_seconds", "1")) <= 0:
        what = "--file_system_poll_wait_seconds is off: versions that come later are never loaded"
        yield Finding(SERVER, what, "--file_system_poll_wait_seconds=1")


def warmup_is_off(facts: Facts) -> Iterator[Finding]:
    flags = facts.server.flags or {}
    warmed = [version.where for version in facts.versions() if version.warmup]
    if warmed and "enable_model_warmup" in flags and not facts.server.is_on("enable_model_warmup"):
        what = f"--enable_model_warmup is off, and {_list(warmed)} has warm-up records: the first callers wait"
        yield Finding(SERVER, what, "--enable_model_warmup=true")


def flag_newer_than_server(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    for flag in FLAGS:
        if server.version and flag.since and flag.name in (server.flags or {}) and server.version < flag.since:
            since = ".".join(map(str, flag.since))
            what = f"--{flag.name} came with TensorFlow Serving {since}; an older server does not start with it"
            yield Finding(SERVER, what, "leave it out, or take a newer server")


def _both(facts: Facts) -> Iterator[tuple[ConfiguredModel, ModelFacts]]:
    published = {model.name: model for model in facts.models}
    for model in facts.server.models or ():
        if model.name in published:
            yield model, published[model.name]


def _labels_of(facts: Facts, name: str) -> bool:
    return any(model.published.labels for model in facts.models if model.name == name)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _list(values: "list[int] | list[str]") -> str:
    return ", ".join(map(str, values))
