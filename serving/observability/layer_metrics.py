"""What the scrape asks of the layers between requests and the batcher: caches, and rows that were filled up."""

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, Metric

from serving.answering.layers import AnswerLayers
from serving.observability.metrics import Gauges, Key, gauge


def register_layers(registry: CollectorRegistry, layers: AnswerLayers) -> None:
    registry.register(Gauges(lambda: layer_metrics(layers)))


def layer_metrics(layers: AnswerLayers) -> list[Metric]:
    asked = CounterMetricFamily(
        "penstock_cache_requests", "Requests that a cache answered or passed on.", labels=("model_name", "outcome")
    )
    for model, shared in layers.caches.items():
        for outcome in ("hit", "shared", "miss"):
            asked.add_metric((model, outcome), shared.outcomes[outcome])
    nbytes: dict[Key, float] = {(model,): float(shared.cache.nbytes) for model, shared in layers.caches.items()}
    padding = CounterMetricFamily(
        "penstock_length_padding_values", "Values filled in to bring rows to one length.", labels=("model_name",)
    )
    for model, count in layers.padding_values.items():
        padding.add_metric((model,), count)
    return [padding, asked, gauge("penstock_cache_bytes", "What the answers kept take.", ("model_name",), nbytes)]
