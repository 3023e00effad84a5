"""What a job file may say about augmentation: how training images are varied from epoch to epoch. Pure."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from serving.contract.features import Fact, Feature, ImageFeature

Share = Annotated[float, Field(ge=0, lt=1)]


class AugmentationSpec(Fact):
    """Every image of every training batch is varied anew, each value drawn evenly between its two ends.

    `rotation_degrees`: up to so far either way. `shift`: up to this share of height and of width. `crop`: a window of
    this share of height and width, anywhere, resized back. `zoom`: up to this share nearer or farther. `shear`: a row
    slides by up to this share of its distance from the middle. What comes from outside an image is filled by
    `fill_mode`, `constant` with `fill_value` in the feature's units. `white_noise` is the standard deviation of what is
    added to each value, and `salt_and_pepper` the share of pixels set to the lowest or the highest value: both by the
    feature's `range`, which no value leaves.
    """

    rotation_degrees: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Share = 0.0
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    zoom: Share = 0.0
    shear: Share = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    white_noise: Share = 0.0
    salt_and_pepper: Share = 0.0
    fill_mode: Literal["constant", "nearest", "reflect", "wrap"] = "constant"
    fill_value: float = 0.0

    def fault(self, features: Iterable[Feature]) -> str:
        """Why these features cannot be augmented so; empty when they can."""
        images = [feature for feature in features if isinstance(feature, ImageFeature)]
        if not images:
            return "there is no image among the features"
        without = [image.name for image in images if image.range is None]
        if without and (self.white_noise or self.salt_and_pepper):
            return f"white_noise and salt_and_pepper are shares of a range, and {', '.join(without)} has none"
        return ""
