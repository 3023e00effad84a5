"""What the scrape asks of the layers between requests and the batcher: caches, and rows that were filled up."""

from prometheus_client.metrics_core import Metric

from serving.answering.layers import AnswerLayers
from serving.answering.shared_answers import Outcome
from serving.observability.cells import Key
from serving.observability.families import gauge

OUTCOMES: tuple[Outcome, ...] = ("hit", "shared", "miss")


def cache_gauges(layers: AnswerLayers) -> list[Metric]:
    nbytes: dict[Key, float] = {(model,): float(shared.cache.nbytes) for model, shared in layers.caches.items()}
    return [gauge("penstock_cache_bytes", "What the answers kept take.", ("model_name",), nbytes)]


def cache_totals(layers: AnswerLayers) -> dict[Key, int]:
    """Requests that a cache answered or passed on, by model and outcome."""
    return {
        (model, outcome): shared.outcomes[outcome] for model, shared in layers.caches.items() for outcome in OUTCOMES
    }


def length_padding_totals(layers: AnswerLayers) -> dict[Key, int]:
    """Values filled in to bring rows to one length, by model."""
    return {(model,): count for model, count in layers.padding_values.items()}
