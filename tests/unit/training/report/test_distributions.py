"""Categories counted, and one picture a feature."""

import numpy as np

from serving.contract.features import CategoryFeature, TextFeature
from training.report.distributions import count_categories, distribution_pictures
from training.report.drawing import drawing
from training.report.facts import ReportFacts


def test_categories_are_counted_with_the_most_frequent_first() -> None:
    columns = {"town": np.array([b"Ulm", b"Bonn", b"Bonn"], object), "said": np.array([b"a", b"b", b"c"], object)}
    counted = count_categories((CategoryFeature(name="town"), TextFeature(name="said")), columns)
    assert counted == {"town": {"Bonn": 2, "Ulm": 1}}
    assert next(iter(counted["town"])) == "Bonn"


def test_features_with_nothing_to_show_are_passed_over(class_facts: ReportFacts) -> None:
    manifest = class_facts.manifest
    with drawing():
        made = distribution_pictures(manifest.features, manifest.sketches, class_facts.category_counts)
    assert [picture.caption for picture in made] == ["town", "size"]
