"""The dashboard's rows on requests: how many, how they ended, how long they took, how they were batched. Pure data."""

from k8s.components.monitoring.panels import (
    FAILED,
    GATEWAY,
    MODEL,
    NAMED,
    VERSION,
    WINDOW,
    Panel,
    Query,
    Row,
    quantile,
    rate,
    stages,
)

REQUESTS = f"sum(rate(penstock_requests_total{{{MODEL}}}{WINDOW}))"
FAILURES = f"sum(rate(penstock_requests_total{{{MODEL},{FAILED}}}{WINDOW}))"

NOW = Row(
    "Now",
    (
        Panel("Requests", "Answered per second.", (Query(REQUESTS, ""),), "reqps", 4, 4, "stat"),
        Panel(
            "Failed",
            "5xx and gRPC's statuses of the same errors, of all requests.",
            (Query(f"({FAILURES} or vector(0)) / {REQUESTS}", ""),),
            *("percentunit", 4, 4, "stat"),
        ),
        Panel(
            "p99",
            "Head to answer.",
            (Query(quantile(0.99, "penstock_request_duration_seconds"), ""),),
            "s",
            4,
            4,
            "stat",
        ),
        Panel(
            "Gateways with a backend",
            "Those that have a live version, of those that answer Prometheus.",
            (Query(f"sum(penstock_backend_up{{{GATEWAY}}})", ""),),
            *("short", 4, 4, "stat"),
        ),
        Panel(
            "Models without a live version",
            "At some gateway.",
            (Query(f"count(penstock_model_live_versions{{{MODEL}}} == 0) or vector(0)", ""),),
            *("short", 4, 4, "stat"),
        ),
        Panel("Workers", "Alive.", (Query(f"sum(penstock_workers{{{GATEWAY}}})", ""),), "short", 4, 4, "stat"),
    ),
)

TRAFFIC = Row(
    "Traffic",
    (
        Panel(
            "Requests by model and protocol",
            "Whatever came of them.",
            (Query(rate("penstock_requests_total", "model_name, protocol"), "{{model_name}} {{protocol}}"),),
            "reqps",
            stacked=True,
        ),
        Panel(
            "Answers other than success",
            "By HTTP status or gRPC's.",
            (Query(rate("penstock_requests_total", "code", f'{MODEL},code!~"200|OK"'), "{{code}}"),),
            "reqps",
            stacked=True,
        ),
        Panel(
            "Refused, by reason",
            "The error's name; docs/errors.md has them.",
            (Query(rate("penstock_rejected_total", "reason"), "{{reason}}"),),
            "reqps",
            stacked=True,
        ),
    ),
)

LATENCY = Row(
    "Latency",
    (
        Panel(
            "p50 and p99 by protocol",
            "From the request's head to its answer.",
            (
                Query(quantile(0.5, "penstock_request_duration_seconds", "protocol"), "p50 {{protocol}}"),
                Query(quantile(0.99, "penstock_request_duration_seconds", "protocol"), "p99 {{protocol}}"),
            ),
            "s",
            12,
        ),
        Panel(
            "p99 by model, and its objective",
            "objective_seconds of penstock.toml, where it is set.",
            (
                Query(quantile(0.99, "penstock_request_duration_seconds", "model_name"), "{{model_name}}"),
                Query(
                    f"max by (model_name) (penstock_model_objective_seconds{{{MODEL}}})", "{{model_name}}, objective"
                ),
            ),
            "s",
            12,
        ),
        Panel("Where the time goes: p50", "Of each stage by itself; they do not add up.", stages(0.5), "s", 12),
        Panel("Where the time goes: p99", "Of each stage by itself; they do not add up.", stages(0.99), "s", 12),
    ),
)

BATCHING = Row(
    "Batching",
    (
        Panel(
            "Rows of a batch",
            "Backend calls per second, by how many rows they had.",
            (Query(rate("penstock_batch_rows_bucket", "le"), "{{le}}"),),
            *("short", 8, 8, "heatmap"),
        ),
        Panel(
            "Rows and padding",
            "Padding only fills batches up to a size the model is called with.",
            (
                Query(rate("penstock_predictions_rows_total", "model_name"), "{{model_name}}"),
                Query(rate("penstock_batch_padding_rows_total", "model_name"), "{{model_name}}, padding"),
            ),
            "rowsps",
        ),
        Panel(
            "Largest batch allowed",
            "What the batcher has chosen from what it measured.",
            (Query(f"max by ({VERSION}, signature) (penstock_batch_limit_rows{{{MODEL}}})", NAMED),),
        ),
        Panel(
            "Rows that wait",
            "At all workers of a gateway.",
            (Query(f"penstock_queue_rows{{{GATEWAY}}}", "{{instance}}"),),
        ),
        Panel(
            "Age of the oldest",
            "Of the request that has waited longest.",
            (Query(f"penstock_queue_oldest_age_seconds{{{GATEWAY}}}", "{{instance}}"),),
            "s",
        ),
        Panel(
            "Batches in flight, and the limit",
            "Backend calls under way and allowed.",
            (
                Query(f"penstock_inflight_batches{{{GATEWAY}}}", "{{instance}}"),
                Query(f"penstock_inflight_limit{{{GATEWAY}}}", "{{instance}}, limit"),
            ),
        ),
        Panel(
            "Ended by a rule",
            "Of the batcher: docs/metrics.md has them.",
            (Query(rate("penstock_shed_requests_total", "rule"), "{{rule}}"),),
            "reqps",
            12,
            stacked=True,
        ),
        Panel(
            "Cache",
            "Of models with cache_bytes.",
            (Query(rate("penstock_cache_requests_total", "model_name, outcome"), "{{model_name}} {{outcome}}"),),
            "reqps",
            12,
            stacked=True,
        ),
    ),
)
