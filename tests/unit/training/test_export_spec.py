"""What a job may say of its export, and what cannot be compiled."""

from typing import Any

import pytest

from serving.contract.features import ImageDecoding, ImageFeature, NumberFeature, TextFeature
from serving.errors import InvalidJob
from training.export_spec import ExportSpec, refusal
from training.job import parse_job

GPU = ExportSpec(profile="gpu")


def test_any_number_of_rows_is_allowed_unless_told_otherwise(content: dict[str, Any]) -> None:
    job = parse_job(content, "mine.toml")
    assert (job.export.profile, job.export.allowed_batch_rows) == ("cpu", ())


def test_gpu_has_sizes_of_its_own_or_the_jobs() -> None:
    assert GPU.allowed_batch_rows == (1, 4, 16, 64)
    assert ExportSpec(profile="gpu", batch_rows=(2, 3)).allowed_batch_rows == (2, 3)


@pytest.mark.parametrize(
    ("export", "told"),
    [
        ({"batch_rows": [1, 8]}, "export: batch_rows belongs to the profile gpu"),
        ({"profile": "gpu", "batch_rows": [8, 1]}, "export: batch_rows must rise, got 8, 1"),
        ({"profile": "gpu", "batch_rows": [8, 8]}, "export: batch_rows must rise, got 8, 8"),
        ({"profile": "gpu", "batch_rows": [0]}, "export.batch_rows.0: Input should be greater than 0, got 0"),
        ({"profile": "tpu"}, "export.profile: Input should be 'cpu' or 'gpu', got 'tpu'"),
        ({"batch_row": [1]}, "export.batch_row: unknown key; there are: profile, batch_rows"),
    ],
)
def test_wrong_export_is_named(content: dict[str, Any], export: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidJob, match=r"mine\.toml: ") as refused:
        parse_job(content | {"export": export}, "mine.toml")
    assert told in str(refused.value)


def test_image_that_no_pixels_tell_apart_is_refused_for_gpu(content: dict[str, Any]) -> None:
    content["features"][0]["decoding"] = {"scale": 0}
    with pytest.raises(InvalidJob, match=r"export\.profile: gpu takes 8-bit pixels"):
        parse_job(content | {"export": {"profile": "gpu"}}, "mine.toml")


def test_text_is_refused_for_gpu_alone() -> None:
    features = (NumberFeature(name="length"), TextFeature(name="message"))
    assert "message is text; use cpu" in refusal(GPU, features)
    assert refusal(ExportSpec(), features) == ""


def test_numbers_and_images_can_be_compiled() -> None:
    features = (NumberFeature(name="x"), ImageFeature(name="photo", shape=(2, 2), decoding=ImageDecoding(scale=0.1)))
    assert refusal(GPU, features) == ""
