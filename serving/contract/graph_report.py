"""What a SavedModel's graphs are made of, and what of it is not allowed. Pure: a parsed message in, facts out."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serving.contract.file_operations import MetaGraph
from serving.contract.operations import ALLOWED, ANY, READING, WRITING

OPERATION_NAME = re.compile(r"_*[A-Z].*")
"""As operations are named. TensorFlow 2 names no function so; one that is could hide an operation behind its name."""

_SEGMENT = re.compile(r"(?!\.{1,2}$)[^/\\\0]+")
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """`operation` is not allowed at `nodes` places, of which the first has the name `example`."""

    operation: str
    nodes: int
    reason: str
    example: str


@dataclass(frozen=True, slots=True)
class GraphReport:
    """`operations` counts nodes of all graphs and functions by operation; `assets` are names that lead elsewhere."""

    operations: Mapping[str, int]
    refusals: tuple[Refusal, ...] = ()
    assets: tuple[str, ...] = ()

    @property
    def fault(self) -> str | None:
        """Why a version with these graphs is not loaded, and what can be done; None when it may be."""
        told = [f"{each.operation} ({each.reason})" for each in self.refusals]
        names = sorted({each.operation for each in self.refusals})
        if self.assets:
            return f"an asset of the graph lies outside the version: {self.assets[0][:80]!r}"
        if not told:
            return None
        more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        remedy = ", ".join(f'"{name}"' for name in names[:SHOWN])
        return (
            f"the graph has operations that are not allowed: {', '.join(told[:SHOWN])}{more}; "
            f"if you trust the model with them: allowed_operations = [{remedy}]"
        )


def examine(saved_model: Any, allowed: Collection[str] = ()) -> GraphReport:
    """Every node of every graph and function held to the list and `allowed`, which may name ANY."""
    counts: Counter[str] = Counter()
    found: dict[tuple[str, str], list[str]] = {}
    assets: list[str] = []
    calls: set[str] = set()
    for definition in saved_model.meta_graphs:
        graph = MetaGraph(definition)
        functions = {name for name in graph.functions if not OPERATION_NAME.fullmatch(name)}
        calls |= functions
        for place in graph.places():
            operation = place.node.op
            counts[operation] += 1
            if operation in ALLOWED or operation in functions or operation in allowed:
                continue
            reason = "not on the list"
            if operation in WRITING or operation in READING:
                fault = graph.file_fault(place)
                if fault is None:
                    continue
                reason = fault
            found.setdefault((operation, reason), []).append(place.node.name)
        assets += _assets_elsewhere(graph)
    listed = {name: count for name, count in sorted(counts.items()) if name not in calls}
    if ANY in allowed:
        return GraphReport(listed)
    refusals = [Refusal(name, len(nodes), reason, nodes[0]) for (name, reason), nodes in sorted(found.items())]
    return GraphReport(listed, tuple(refusals), tuple(assets))


def _assets_elsewhere(graph: MetaGraph) -> Iterator[str]:
    for asset in graph.assets():
        if not all(_SEGMENT.fullmatch(segment) for segment in asset.filename.split("/")):
            yield asset.filename
