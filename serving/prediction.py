"""A prediction as it is asked for and as it is answered, whatever protocol it came by. Data only."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from serving.batching.events import Lane
from serving.batching.waiting import Receipt
from serving.catalog import ModelReference, Servable
from serving.contract.features import Feature
from serving.contract.tensors import Array
from serving.traffic.spreads import Asker

Decode: TypeAlias = Callable[[Sequence[Feature]], dict[str, Array]]


class PredictRequest(NamedTuple):
    """`decode` turns the body into arrays by the features it is given. A `dear` one runs in a thread, so that it holds
    up nobody else's request. `features_of` names the signature whose features it is given, where that is not the one
    that runs: `classify` takes records made from the features of `serving_default`. `lane` is None where the caller
    leaves it to the model's settings; `tenant` is whom the request is counted for among others. `asker` is who asks,
    for a split that sticks by something they say. `charge` takes the rows, once they are known, of the caller's
    allowance, or raises QuotaExceeded; None where nobody counts.
    """

    reference: ModelReference
    signature: str
    decode: Decode
    dear: bool
    deadline_seconds: float
    features_of: str | None = None
    lane: Lane | None = None
    tenant: str = ""
    asker: Asker | None = None
    charge: Callable[[int], None] | None = None


class Prediction(NamedTuple):
    """Outputs with one row per input row, who answered, and where the time went. `all_finite`: no output is NaN or
    infinite, in any row of the batch it rode in.
    """

    servable: Servable
    outputs: dict[str, Array]
    receipt: Receipt
    decode_seconds: float
    all_finite: bool = False


def request_id_of(request: PredictRequest) -> str:
    """Empty where nobody said who asks."""
    return request.asker.request_id if request.asker is not None else ""


Told: TypeAlias = Callable[[Prediction | Exception], None]
