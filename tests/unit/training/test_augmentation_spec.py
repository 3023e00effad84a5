"""What a job file may say about augmentation, and where it cannot be done."""

from typing import Any

import pytest

from serving.errors import InvalidJob
from training.job import parse_job

Content = dict[str, Any]


def refused(content: Content) -> str:
    with pytest.raises(InvalidJob) as error:
        parse_job(content, "mine.toml")
    return str(error.value)


def test_job_without_the_table_augments_nothing(content: Content) -> None:
    assert parse_job(content, "mine.toml").augmentation is None


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"rotate": 3}, "augmentation.rotate: unknown key; there are: rotation_degrees, shift, crop"),
        ({"rotation_degrees": 181}, "augmentation.rotation_degrees: Input should be less than or equal to 180"),
        ({"crop": 0}, "augmentation.crop: Input should be greater than 0"),
        ({"salt_and_pepper": 1}, "augmentation.salt_and_pepper: Input should be less than 1"),
        ({"fill_mode": "mirror"}, "augmentation.fill_mode: Input should be 'constant', 'nearest', 'reflect' or 'wrap'"),
    ],
)
def test_wrong_value_is_named_with_what_was_expected(content: Content, table: Content, told: str) -> None:
    assert f"mine.toml: {told}" in refused(content | {"augmentation": table})


def test_job_without_an_image_is_refused(regression_content: Content) -> None:
    told = refused(regression_content | {"augmentation": {"shift": 0.1}})
    assert "augmentation: there is no image among the features" in told


@pytest.mark.parametrize("noise", ["white_noise", "salt_and_pepper"])
def test_noise_needs_the_range_of_every_image(content: Content, noise: str) -> None:
    del content["features"][0]["range"]
    assert "are shares of a range, and image has none" in refused(content | {"augmentation": {noise: 0.1}})
    assert parse_job(content | {"augmentation": {"shift": 0.1}}, "mine.toml").augmentation
