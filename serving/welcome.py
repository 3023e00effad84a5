"""What `penstock serve` prints once models are live: where things are, and a line for each model to paste.

Pure: the example comes from the manifest's golden examples.
"""

import json
import shlex

from serving.catalog import CatalogView, Servable


def welcome(view: CatalogView, url: str, grpc_address: str) -> str:
    """The text; `url` is the gateway's own, without a slash at its end, `grpc_address` its gRPC port's."""
    lines = [f"Penstock serves {_listed(view)} at {url}", ""]
    for name, entry in view.models.items():
        version = entry.answering_version()
        servable = entry.servables.get(version) if version is not None else None
        if servable and (command := example_command(servable, url)):
            lines += [f"Ask {name} (version {version}):", f"  {command}", ""]
    if not view.models:
        lines += ["Train and publish one: penstock train digits --models <the same directory>", ""]
    lines += [
        f"Console  {url}/",
        f"gRPC     {grpc_address}",
        f"Docs     {url}/docs",
        f"Metrics  {url}/metrics",
        "Stop     Ctrl-C",
    ]
    return "\n".join(lines)


def example_command(servable: Servable, url: str) -> str | None:
    """A curl line with the version's first golden example; None when it has none."""
    examples = servable.manifest.golden_examples if servable.manifest else ()
    if not examples:
        return None
    body = json.dumps({"instances": [_shortened(examples[0].instance)]}, separators=(",", ":"))
    return f"curl -s {url}/v1/models/{servable.model}:predict -d {shlex.quote(body)}"


def _listed(view: CatalogView) -> str:
    live = [
        f"{name} ({', '.join(map(str, entry.servables))})" for name, entry in view.models.items() if entry.servables
    ]
    return ", ".join(live) or "no models yet"


def _shortened(value: object) -> object:
    """Whole numbers without their `.0`: the line is for reading and pasting, the value is the same."""
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    if isinstance(value, dict):
        return {key: _shortened(part) for key, part in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
