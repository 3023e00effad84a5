"""The page: facts and pictures to one HTML text that needs nothing beside it. Pure: nothing is drawn here."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from serving.contract.manifest import Classification, Manifest
from training.evaluation.classification import class_report, confusion
from training.publish_rules import DIRECTIONS
from training.report.classes import MOST_COUNTED, most_confused
from training.report.drawing import Picture
from training.report.facts import ReportFacts, Table
from training.report.frame import Frame, framed
from training.report.markup import Html, element, joined, table, text
from training.report.words import counted, number, share

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

TILES = 4
ARROWS: Mapping[str, str] = MappingProxyType({"higher": "higher is better", "lower": "lower is better"})


def render_page(facts: ReportFacts, pictures: Mapping[str, Sequence[Picture]], samples: Table, style: str) -> str:
    """The whole page. `pictures` are by section: `fit`, `test`, `samples` and `features`; `style` is CSS."""
    manifest = facts.manifest
    parts = [
        ("Metrics", _metrics(manifest)),
        ("Fit", _fit(facts, pictures["fit"])),
        ("Test split", joined(_figures(pictures["test"]), *_class_tables(facts))),
        ("Samples", joined(_figures(pictures["samples"]), _titled(samples))),
        *((other.title, table(other.header, other.rows)) for other in facts.tables),
        ("Features", joined(_distributions(pictures["features"], manifest), _features(manifest))),
        ("Network", element("pre", text(facts.network_text.strip("\n")))),
        ("Data", _lineage(manifest)),
        ("Job", element("pre", text(facts.job_text.strip("\n")))),
    ]
    return framed(Frame(f"{manifest.model}: training report", _opening(manifest), style, POLICY), parts)


def _opening(manifest: Manifest) -> Html:
    told = f"{manifest.task}, trained {manifest.created_at:%Y-%m-%d %H:%M} UTC"
    return joined(
        element("h1", text(manifest.model)),
        element("p", text(manifest.description)),
        element("p", text(told), class_="quiet"),
    )


def _metrics(manifest: Manifest) -> Html:
    test, baseline = manifest.metrics.test, manifest.metrics.baseline
    better = DIRECTIONS[manifest.task]
    is_classifier = isinstance(manifest.outputs, Classification)
    simplest = "the training split's class frequencies" if is_classifier else "the training split's mean"
    tiles = (
        element(
            "div",
            element("span", text(name)),
            element("b", text(number(value))),
            element("span", text(f"baseline {number(baseline.get(name))}")),
            class_="tile",
        )
        for name, value in list(test.items())[:TILES]
    )
    rows = [
        (name, number(value), number(baseline.get(name)), ARROWS.get(better.get(name, ""), ""))
        for name, value in test.items()
    ]
    told = f"On {counted(manifest.lineage.rows.get('test', 0), 'test row')}. The baseline answers {simplest} to all."
    return joined(
        element("div", *tiles, class_="tiles"), element("p", text(told)), table(("", "model", "baseline", ""), rows)
    )


def _fit(facts: ReportFacts, pictures: Sequence[Picture]) -> Html:
    epochs = max(map(len, facts.history.values()), default=0)
    told = f"{counted(epochs, 'epoch')}; the published weights are those of epoch {facts.best_epoch}."
    return joined(element("p", text(told)), _figures(pictures))


def _figures(pictures: Sequence[Picture]) -> Html:
    return element("div", joined(*map(_figure, pictures)), class_="pictures")


def _figure(picture: Picture) -> Html:
    source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
    image = element("img", src=source, alt=picture.caption)
    return element("figure", image, element("figcaption", text(picture.caption)), class_=picture.size)


def _titled(told: Table) -> Html:
    return joined(element("h3", text(told.title)), table(told.header, told.rows))


def _distributions(pictures: Sequence[Picture], manifest: Manifest) -> Html:
    told = f"Values in the training split: {len(pictures)} of {counted(len(manifest.features), 'feature')}."
    return joined(element("p", text(told)), _figures(pictures))


def _class_tables(facts: ReportFacts) -> Iterator[Html]:
    outputs = facts.manifest.outputs
    if not isinstance(outputs, Classification):
        return
    if len(np.unique(facts.truth)) < 2:
        yield element("p", text("The test split has rows of one class only: there is no ROC curve to draw."))
    confused = most_confused(confusion(facts.answers, facts.truth), outputs.labels)
    if len(outputs.labels) > MOST_COUNTED and confused.rows:
        yield _titled(confused)
    rows = tuple(
        (label, share(score.precision), share(score.recall), share(score.f1), number(score.rows))
        for label, score in zip(outputs.labels, class_report(facts.answers, facts.truth), strict=True)
    )
    yield _titled(Table("Each class", ("class", "precision", "recall", "F1", "support"), rows))


def _features(manifest: Manifest) -> Html:
    rows = [
        (feature.name, feature.kind, getattr(feature, "unit", ""), feature.description) for feature in manifest.features
    ]
    return table(("feature", "kind", "unit", "description"), rows)


def _lineage(manifest: Manifest) -> Html:
    lineage = manifest.lineage
    rows = [
        ("source", lineage.source),
        ("sha256 of the rows as read", lineage.sha256),
        *((f"rows, {split}", number(count)) for split, count in lineage.rows.items()),
        ("seed of the split", str(lineage.seed)),
        ("sha256 of the job", manifest.job_sha256),
        *manifest.frameworks.items(),
    ]
    return table(("", ""), rows)
