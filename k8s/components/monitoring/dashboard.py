"""The dashboard as Grafana reads it, made of the rows in serving_rows.py and version_rows.py.

Pure. The form is that of Grafana's documentation ("Dashboard JSON model", schema version 39: Grafana 10.4 and newer).
"""

from collections.abc import Iterator
from typing import Any

from k8s.components.monitoring.panels import Panel, Query, Row
from k8s.components.monitoring.serving_rows import BATCHING, LATENCY, NOW, TRAFFIC
from k8s.components.monitoring.version_rows import PROCESSES, VERSIONS

ROWS = (NOW, TRAFFIC, LATENCY, BATCHING, VERSIONS, PROCESSES)

COLUMNS, ROW_HEIGHT = 24, 1
SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOK = "docs/operations.md"


def dashboard() -> dict[str, Any]:
    return {
        "uid": "penstock",
        "title": "Penstock",
        "description": f"What the gateways do. Alerts and what to do about them: {RUNBOOK}.",
        "tags": ["penstock"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one crosshair over all panels
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": list(_laid_out()),
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        _values("job", "Job", "label_values(penstock_build_info, job)"),
        _values("instance", "Gateway", 'label_values(penstock_build_info{job="$job"}, instance)', several=True),
        _values("model", "Model", 'label_values(penstock_model_live_versions{job="$job"}, model_name)', several=True),
    ]


def _values(name: str, label: str, query: str, *, several: bool = False) -> dict[str, Any]:
    every = {"includeAll": True, "allValue": ".*", "multi": True, "current": {"text": "All", "value": "$__all"}}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,  # whenever the time range changes
        **(every if several else {}),
    }


def _laid_out() -> Iterator[dict[str, Any]]:
    """Rows below each other, a row's panels from left to right as they fit."""
    number, top = 1, 0
    for row in ROWS:
        yield _row(number, row, top)
        number, top, left, height = number + 1, top + ROW_HEIGHT, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield _panel(number, panel, place)
            number, left, height = number + 1, left + panel.width, max(height, panel.height)
        top += height


def _row(number: int, row: Row, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": ROW_HEIGHT}
    return {"id": number, "type": "row", "title": row.title, "gridPos": place, "collapsed": False, "panels": []}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": _custom(panel)}, "overrides": []},
        "options": _options(panel),
        "targets": [_target(panel, place_in_list, query) for place_in_list, query in enumerate(panel.queries)],
        "transformations": _transformations(panel),
    }


def _custom(panel: Panel) -> dict[str, Any]:
    if panel.kind != "timeseries":
        return {}
    if not panel.stacked:
        return {"lineWidth": 1, "showPoints": "never", "axisSoftMin": 0}
    return {"lineWidth": 1, "showPoints": "never", "fillOpacity": 30, "stacking": {"mode": "normal"}}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "heatmap":
        return {"calculate": False, "yAxis": {"unit": panel.unit}, "color": {"mode": "scheme", "scheme": "Oranges"}}
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "colorMode": "value"}
    return {"showHeader": True}


def _target(panel: Panel, place: int, query: Query) -> dict[str, Any]:
    shapes = {"heatmap": "heatmap", "table": "table"}
    table = panel.kind == "table"
    return {
        "refId": chr(ord("A") + place),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": shapes.get(panel.kind, "time_series"),
        "instant": table,
        "range": not table,
    }


def _transformations(panel: Panel) -> list[dict[str, Any]]:
    """A table shows the labels in the order in which they are read, and no time."""
    if panel.kind != "table":
        return []
    order = {"model_name": 0, "model_version": 1, "labels": 2, "awaited_by": 3, "Value": 4}
    renamed = {"model_name": "model", "model_version": "version", "awaited_by": "awaited by", "Value": "share"}
    options = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": renamed}
    return [{"id": "organize", "options": options}]
