"""The dashboard's rows on versions, and on the processes that serve them. Pure data."""

from k8s.components.monitoring.panels import (
    GATEWAY,
    MODEL,
    NAMED,
    RESOLVED,
    VERSION,
    WINDOW,
    Panel,
    Query,
    Row,
    quantile,
    rate,
    ratio,
)

VERSIONS = Row(
    "Versions",
    (
        Panel(
            "Live versions",
            "The labels that answer with each, those that wait for it, and its share of requests that name none.",
            (
                Query(
                    f"max by ({VERSION}, labels, awaited_by) (penstock_model_info{{{MODEL}}})"
                    f" * on ({VERSION}) group_left () max by ({VERSION}) (penstock_model_traffic_share{{{MODEL}}})",
                    "",
                ),
            ),
            *("percentunit", 12, 8, "table"),
        ),
        Panel(
            "Model servers",
            "1 while a gateway reaches it.",
            (Query(f"max by (address) (penstock_backend_replica_up{{{GATEWAY}}})", "{{address}}"),),
            width=12,
        ),
        Panel(
            "Requests by version",
            "Of all requests, whatever they named.",
            (Query(rate("penstock_requests_total", VERSION, RESOLVED), NAMED),),
            "reqps",
        ),
        Panel(
            "Canary beside stable: failures",
            "Share of the requests of split or mirrored traffic.",
            (
                Query(
                    ratio(
                        rate("penstock_traffic_requests_total", VERSION, f'{MODEL},outcome="error"'),
                        rate("penstock_traffic_requests_total", VERSION),
                    ),
                    NAMED,
                ),
            ),
            "percentunit",
        ),
        Panel(
            "Canary beside stable: p99",
            "Of every version.",
            (Query(quantile(0.99, "penstock_request_duration_seconds", VERSION, RESOLVED), NAMED),),
            "s",
        ),
        Panel(
            "Canary: verdict",
            "1 for what the gateway finds of it now.",
            (
                Query(
                    f"max by ({VERSION}, verdict) (penstock_canary_verdict{{{MODEL}}})",
                    "{{model_name}} {{model_version}} {{verdict}}",
                ),
            ),
        ),
        Panel(
            "Shadow: results",
            "Mirrored requests, by how the shadow answered.",
            (Query(rate("penstock_shadow_total", "model_name, result"), "{{model_name}} {{result}}"),),
            "reqps",
            stacked=True,
        ),
        Panel(
            "Age of the version that answers, and its bound",
            "Since its training; freshness_bound_seconds of penstock.toml, where it is set.",
            (
                Query(
                    f"time() - max by (model_name) (penstock_model_created_timestamp_seconds{{{MODEL}}}"
                    f" and penstock_model_traffic_share{{{MODEL}}} > 0)",
                    "{{model_name}}",
                ),
                Query(
                    f"max by (model_name) (penstock_model_freshness_bound_seconds{{{MODEL}}})", "{{model_name}}, bound"
                ),
            ),
            "s",
        ),
        Panel(
            "From training to the first answer",
            "Of versions made while the gateway ran.",
            (Query(f"max by ({VERSION}) (penstock_model_created_to_live_seconds{{{MODEL}}})", NAMED),),
            "s",
            12,
        ),
        Panel(
            "Loading and warming up",
            "What each version took.",
            (
                Query(f"max by ({VERSION}) (penstock_model_load_duration_seconds{{{MODEL}}})", f"{NAMED}, load"),
                Query(f"max by ({VERSION}) (penstock_model_warmup_duration_seconds{{{MODEL}}})", f"{NAMED}, warm-up"),
            ),
            "s",
            12,
        ),
    ),
)

WORKER = "{{instance}} {{worker}}"
PROCESSES = Row(
    "Processes",
    (
        Panel(
            "Processor",
            "Cores in use by each worker.",
            (Query(f"rate(process_cpu_seconds_total{{{GATEWAY}}}{WINDOW})", WORKER),),
        ),
        Panel(
            "Memory", "Resident, by worker.", (Query(f"process_resident_memory_bytes{{{GATEWAY}}}", WORKER),), "bytes"
        ),
        Panel(
            "Garbage collections",
            "Per second, by generation.",
            (Query(f"sum by (generation) (rate(python_gc_collections_total{{{GATEWAY}}}{WINDOW}))", "{{generation}}"),),
        ),
        Panel(
            "Requests by worker",
            "How evenly the kernel spreads connections.",
            (Query(f"rate(penstock_worker_requests_total{{{GATEWAY}}}{WINDOW})", WORKER),),
            "reqps",
            12,
        ),
        Panel(
            "Starts of workers",
            "1 as long as it never ended.",
            (Query(f"penstock_worker_starts_total{{{GATEWAY}}}", WORKER),),
            width=12,
        ),
    ),
)
