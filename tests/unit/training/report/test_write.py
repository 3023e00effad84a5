"""The page stands alone, says what it was told, and cannot be broken by a value; its pictures are pictures."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.report.facts import ReportFacts
from training.report.write import write_report


class Elements(HTMLParser):
    """The names and attributes of a page's elements, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def class_report(class_facts: ReportFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(class_facts, tmp_path_factory.mktemp("classes") / "report")


@pytest.fixture(scope="module")
def value_report(value_facts: ReportFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(value_facts, tmp_path_factory.mktemp("values") / "report")


@pytest.fixture(params=["class_report", "value_report"])
def report(request: pytest.FixtureRequest) -> Path:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Path)
    return made


def test_page_needs_nothing_beside_it(report: Path) -> None:
    page = Elements(report.read_text())
    assert not {"script", "link", "iframe", "object"} & set(page.names)
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in page.links)
    assert page.names.count("img") == len(list(report.parent.glob("*.png")))


def test_pictures_show_something(report: Path) -> None:
    for path in report.parent.glob("*.png"):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"))
        assert min(pixels.shape) > 200
        assert pixels.std() > 5, path.name
        edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
        assert min(edge.min() for edge in edges) > 250, f"{path.name} is cut off at its edge"


def test_classifier_is_told_in_full(class_report: Path) -> None:
    page = Elements(class_report.read_text())
    for told in (
        "0.6667",
        "baseline 0.5",
        "weights are those of epoch 2",
        "ab" * 32,
        "Each class",
        "seed of the split",
    ):
        assert told in page.text
    assert {path.name for path in class_report.parent.glob("*.png")} == {
        "history_1_loss.png",
        "history_2_pre_script_alert_x_1_script.png",
        "history_3_learning_rate.png",
        "confusion.png",
        "roc.png",
        "precision_recall.png",
        "calibration.png",
        "feature_1.png",
        "feature_2.png",
    }


def test_regressor_is_told_in_full(value_report: Path) -> None:
    page = Elements(value_report.read_text())
    assert "12,346" in page.text
    assert "model = 'mine'" in page.text
    names = {path.stem for path in value_report.parent.glob("*.png")}
    assert names == {"history_1_loss", "predicted_and_true", "residuals", "residuals_by_prediction", "feature_1"}


def test_hostile_values_are_read_and_not_run(class_report: Path) -> None:
    page = class_report.read_text()
    assert "<script" not in page
    assert len(re.findall("&lt;script&gt;", page)) > 10
    assert 'alert("$x_1$")</script>' in Elements(page).text


def test_same_run_gives_the_same_report(value_facts: ReportFacts, value_report: Path, tmp_path: Path) -> None:
    assert write_report(value_facts, tmp_path).read_bytes() == value_report.read_bytes()
