"""What the scrape asks of the layers between requests and the batcher: caches, and rows that were filled up."""

from prometheus_client.metrics_core import Metric

from serving.answering.layers import AnswerLayers
from serving.observability.cells import Key
from serving.observability.families import gauge


def cache_totals(layers: AnswerLayers) -> dict[Key, int]:
    """Requests of each model with a cache, by what the cache did with them."""
    return {
        (model, outcome): shared.outcomes[outcome]
        for model, shared in layers.caches.items()
        for outcome in ("hit", "shared", "miss")
    }


def filled_totals(layers: AnswerLayers) -> dict[Key, int]:
    """Values filled in for each model."""
    return {(model,): count for model, count in layers.padding_values.items()}


def cache_gauges(layers: AnswerLayers) -> list[Metric]:
    """Of this process alone: each worker keeps answers of its own."""
    nbytes: dict[Key, float] = {(model,): float(shared.cache.nbytes) for model, shared in layers.caches.items()}
    return [gauge("penstock_cache_bytes", "What the answers kept take.", ("model_name",), nbytes)]
