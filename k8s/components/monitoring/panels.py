"""What panels are made of, and the queries that several of them are variations of.

Pure. `$job`, `$instance` and `$model` are the dashboard's variables; `$__rate_interval` is Grafana's.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "heatmap", "table"]

GATEWAY = 'job="$job",instance=~"$instance"'
MODEL = f'{GATEWAY},model_name=~"$model"'
VERSION = "model_name, model_version"
NAMED = "{{model_name}} {{model_version}}"
WINDOW = "[$__rate_interval]"
RESOLVED = f'{MODEL},model_version!=""'
"""Of requests that got as far as a version."""
FAILED = 'code=~"5..|UNKNOWN|INTERNAL|DATA_LOSS|UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED"'


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` names a series, by its labels in double braces."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """`unit` is one of Grafana's; `width` in its 24 columns."""

    title: str
    text: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    height: int = 8
    kind: Kind = "timeseries"
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


def rate(metric: str, by: str, matchers: str = MODEL) -> str:
    return f"sum by ({by}) (rate({metric}{{{matchers}}}{WINDOW}))"


def quantile(share: float, metric: str, by: str = "", matchers: str = MODEL) -> str:
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', labels, matchers)})"


def stages(share: float) -> tuple[Query, ...]:
    """The quantile of each part of a request's time."""
    return tuple(
        Query(quantile(share, f"penstock_{metric}_seconds"), stage)
        for stage, metric in (
            ("decode", "decode_duration"),
            ("queue", "queue_wait"),
            ("backend", "backend_duration"),
            ("encode", "encode_duration"),
        )
    )


def ratio(part: str, whole: str) -> str:
    return f"{part} / {whole}"
