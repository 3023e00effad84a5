"""What `penstock.toml` may say of one model, under `[model.<name>]`; frozen, and checked with all other settings.

Pure. A model without a table of its own has these defaults.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class ModelSettings(BaseModel):
    """Every setting of one model, its unit in its name and the reason for its default beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_batch_rows: Count | None = None
    """The largest batch of this model, where that is smaller than the gateway's `max_batch_rows`."""

    objective_seconds: Positive | None = None
    """The latency that queue and model should keep to: batches grow while two of them fit. None: no objective."""

    freshness_bound_seconds: Positive | None = None
    """The age at which the version that answers is reported as too old, since its training. None: no age is."""

    max_wait_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """How long a batch that is not full waits for company. Only for devices paid by the call: waiting costs latency."""

    request_timeout_seconds: Positive | None = None
    """The deadline of this model's requests, shorter or longer than the gateway's `request_timeout_seconds`."""

    default_priority: Literal["high", "normal", "batch"] = "normal"
    """The lane of requests that name none."""

    allow_non_finite: bool = False
    """Take NaN and infinity as numbers. Off: few models mean anything by them, and most answer NaN."""

    cache_bytes: Annotated[int, Field(ge=0)] = 0
    """Answers kept for requests that come again byte for byte; equal ones under way are computed once. 0: no cache."""

    lengths: tuple[Count, ...] = ()
    """What rows of different lengths are filled up to, rising, instead of the manifest's lengths or powers of two."""

    prediction_log_share: Share = 0.0
    """Of the requests answered, how many are kept in `prediction_log`, rows and answers. 0: none, at no cost."""

    prediction_log_redact: tuple[str, ...] = ()
    """Inputs that are left out of the prediction log; a signature that lacks one of them is not logged at all."""

    drift_share: Share = 0.0
    """Of the requests answered, how many count for drift from the training split. 0: none, at no cost."""

    @field_validator("lengths")
    @classmethod
    def _rise(cls, lengths: tuple[int, ...]) -> tuple[int, ...]:
        if list(lengths) != sorted(set(lengths)):
            raise ValueError("the lengths do not rise")
        return lengths


NO_SETTINGS = ModelSettings()
