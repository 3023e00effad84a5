"""Rows from a source to what a network takes, through the gateway's own decoding."""

import json

import numpy as np
import pytest

from serving.errors import InvalidInput, InvalidJob
from serving.preprocessing.records import decode_instances
from training.data.dataset import Dataset, check_classes, decode, listed_only, split_keys
from training.job import JobSpec


def people(**changes: np.ndarray) -> Dataset:
    columns = {"age": np.array([59.0, 48.0]), "bmi": np.array([32.1, 21.6]), "unused": np.array([0.0, 0.0])}
    given = columns | {name: column for name, column in changes.items() if name != "target"}
    return Dataset("the registry", given, changes.get("target", np.array([151.0, 75.0])))


def pictures(*labels: str) -> Dataset:
    pixels = np.linspace(0, 16, 4 * len(labels)).reshape(-1, 2, 2)
    return Dataset("the album", {"image": pixels}, np.array(labels))


def test_rows_have_one_array_a_feature_in_its_dtype_and_shape(
    classification_job: JobSpec, regression_job: JobSpec
) -> None:
    rows = decode(people(), regression_job)
    assert {name: (array.dtype.name, array.shape) for name, array in rows.inputs.items()} == {
        "age": ("float32", (2,)),
        "bmi": ("float32", (2,)),
    }
    assert decode(pictures("a", "b", "c"), classification_job).inputs["image"].shape == (3, 2, 2)


def test_rows_of_unlisted_labels_are_left_out_where_the_job_says_so(classification_job: JobSpec) -> None:
    album = pictures("a", "z", "b", "c", "z")
    assert listed_only(album, classification_job) is album
    data = classification_job.data.model_copy(update={"only_listed_labels": True})
    kept = listed_only(album, classification_job.model_copy(update={"data": data}))
    assert kept.target.tolist() == ["a", "b", "c"]
    assert kept.columns["image"].tolist() == album.columns["image"][[0, 2, 3]].tolist()


def test_training_sees_bit_for_bit_what_the_gateway_makes_of_the_same_rows_in_json(
    classification_job: JobSpec, regression_job: JobSpec
) -> None:
    for job, dataset in ((classification_job, pictures("a", "b", "c")), (regression_job, people())):
        columns = {feature.name: dataset.columns[feature.name].tolist() for feature in job.features}
        records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        served = decode_instances(json.loads(json.dumps(records)), job.contract_features)
        for name, trained in decode(dataset, job).inputs.items():
            assert trained.tobytes() == served[name].tobytes()


def test_classes_are_numbered_in_the_jobs_order(classification_job: JobSpec) -> None:
    rows = decode(pictures("c", "a", "b", "a"), classification_job)
    assert rows.target.tolist() == [2, 0, 1, 0]
    assert split_keys(pictures(), rows, classification_job.outputs).strata.tolist() == [2, 0, 1, 0]


def test_rows_of_a_regression_are_one_stratum(regression_job: JobSpec) -> None:
    rows = decode(people(), regression_job)
    assert split_keys(people(), rows, regression_job.outputs).strata.tolist() == [0, 0]


def test_rows_are_taken_together(regression_job: JobSpec) -> None:
    second = decode(people(), regression_job).take(np.array([1]))
    assert (len(second), second.inputs["age"].tolist(), second.target.tolist()) == (1, [48.0], [75.0])


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c", "d")])
def test_labels_other_than_the_jobs_are_refused(classification_job: JobSpec, labels: tuple[str, ...]) -> None:
    with pytest.raises(InvalidJob, match=r"the data's labels are a, b.*; the job's are a, b, c"):
        decode(pictures(*labels), classification_job)


def test_feature_without_a_column_is_told_which_there_are(classification_job: JobSpec) -> None:
    with pytest.raises(InvalidJob, match="no column image; there are: age, bmi, unused"):
        decode(people(), classification_job)


def test_value_that_cannot_be_used_is_named_by_source_and_place(regression_job: JobSpec) -> None:
    with pytest.raises(InvalidInput, match="the registry: /age/1: 480 is outside the range 0 to 120 years"):
        decode(people(age=np.array([59.0, 480.0])), regression_job)
    with pytest.raises(
        InvalidInput, match="the registry: /bmi/0: no value, nor in 0 other rows; give the feature missing = 'mean'"
    ):
        decode(people(bmi=np.array([np.nan, 21.6])), regression_job)


def test_target_that_is_not_a_finite_number_is_refused(regression_job: JobSpec) -> None:
    with pytest.raises(InvalidInput, match="progression is nan in row 1"):
        decode(people(target=np.array([151.0, np.nan])), regression_job)
    with pytest.raises(InvalidInput, match="progression holds <U3, not numbers"):
        decode(people(target=np.array(["151", "75"])), regression_job)


@pytest.mark.parametrize(
    "changed",
    [
        people(age=np.array([59.0, 48.5])),
        people(age=np.array([59, 48])),
        people(target=np.array([151.0, 76.0])),
        people(added=np.array([1.0, 1.0])),
    ],
)
def test_changed_data_change_the_digest(changed: Dataset) -> None:
    assert changed.sha256() != people().sha256()


def test_digest_depends_on_values_alone() -> None:
    turned = people(age=np.array([[59.0, 0.0], [48.0, 0.0]])[:, 0])
    assert turned.sha256() == people().sha256()


def with_features(job: JobSpec, *features: dict[str, object]) -> JobSpec:
    return JobSpec.model_validate({**job.model_dump(exclude={"features"}), "features": features})


def test_absent_numbers_are_nan_where_the_graph_fills_them_in(regression_job: JobSpec) -> None:
    job = with_features(regression_job, {"kind": "number", "name": "age", "missing": "mean"})
    assert decode(people(age=np.array([np.nan, 48.0])), job).inputs["age"].tolist() == [
        pytest.approx(np.nan, nan_ok=True),
        48.0,
    ]


def test_absent_values_become_the_default(regression_job: JobSpec) -> None:
    job = with_features(
        regression_job,
        {"kind": "number", "name": "age", "default": 40.0},
        {"kind": "category", "name": "town", "default": "Bonn"},
    )
    rows = decode(people(age=np.array([np.nan, 48.0]), town=np.array(["Ulm", None], dtype=object)), job)
    assert {name: column.tolist() for name, column in rows.inputs.items()} == {
        "age": [40.0, 48.0],
        "town": [b"Ulm", b"Bonn"],
    }


def test_absent_category_without_a_default_is_refused_with_the_remedy(regression_job: JobSpec) -> None:
    job = with_features(regression_job, {"kind": "category", "name": "town"})
    with pytest.raises(InvalidInput, match=r"the registry: /town/1: no value, nor in 0 other rows; .* default = ''"):
        decode(people(town=np.array(["Ulm", None], dtype=object)), job)


def test_class_without_a_training_row_is_refused(classification_job: JobSpec) -> None:
    rows = decode(pictures("a", "b", "c"), classification_job)
    with pytest.raises(InvalidInput, match="class c has no row in the training split, and 1 in all"):
        check_classes(rows.take(np.array([0, 1])), rows, classification_job.outputs)


def test_rows_are_chosen_together() -> None:
    chosen = pictures("a", "b", "c").where(np.array([True, False, True]))
    assert (chosen.target.tolist(), len(chosen.columns["image"])) == (["a", "c"], 2)


def test_digest_of_strings_is_of_what_they_say() -> None:
    one, same, other = (people(town=np.array([f"{'U'}lm", town], dtype=object)) for town in (None, None, "Bonn"))
    assert one.sha256() == same.sha256() != other.sha256()
