"""Which rows are shown, and in what words."""

from dataclasses import replace

import numpy as np

from training.report.facts import ReportFacts
from training.report.samples import MOST_BAD, SAMPLES, sample_table, samples


def test_surest_mistakes_come_first(class_facts: ReportFacts) -> None:
    chosen = samples(class_facts)
    assert [sample.row for sample in chosen[:2]] == [3, 1]
    assert [sample.right for sample in chosen] == [False, False, True, True, True, True]
    assert sorted(sample.row for sample in chosen) == list(range(6))


def test_largest_error_comes_first_with_its_sign(value_facts: ReportFacts) -> None:
    first = samples(value_facts)[0]
    assert (first.row, first.truth, first.answer, first.how) == (2, "2", "9", "+7")


def test_a_hopeless_model_leaves_room_for_ordinary_rows(value_facts: ReportFacts) -> None:
    many = replace(value_facts, truth=np.zeros(500, np.float32), answers=np.arange(500, dtype=np.float32)[:, None])
    rows = [sample.row for sample in samples(many)]
    assert rows[:MOST_BAD] == list(range(499, 499 - MOST_BAD, -1))
    assert len(set(rows)) == SAMPLES
    assert min(rows) < 400


def test_table_has_the_natural_values(class_facts: ReportFacts) -> None:
    table = sample_table(class_facts, samples(class_facts))
    assert table.header == ("test row", "truth", "answer", "probability", "message", "town", "size")
    assert table.rows[1][3:4] + table.rows[1][5:] == ("0.60", "Bonn", "1")
