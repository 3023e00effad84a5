"""What a scrape would read, parsed the way Prometheus does."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


class Scrape:
    """The samples of a collector, by name and labels."""

    def __init__(self, collector: Collector) -> None:
        registry = CollectorRegistry()
        registry.register(collector)
        self.families = list(text_string_to_metric_families(generate_latest(registry).decode()))
        self.samples = [sample for family in self.families for sample in family.samples]

    def labels(self) -> Mapping[str, set[str]]:
        """Each sample's name with the names of its labels, without a histogram's `le`."""
        return {sample.name: set(sample.labels) - {"le"} for sample in self.samples}

    def value(self, name: str, **labels: str) -> float:
        """The one sample of this name whose labels include `labels`."""
        (value,) = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        return value
