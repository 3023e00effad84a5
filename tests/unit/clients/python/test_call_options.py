"""What one call may be told."""

import pytest
from penstock_client.call_options import REQUEST_ID, CallOptions

import serving.request_ids


@pytest.mark.parametrize("request_id", ["größe", "two\nlines", "\0", "", "a b", "x" * 129, "order-7\n"])
def test_an_id_that_the_gateway_does_not_take_is_wrong_use(request_id: str) -> None:
    with pytest.raises(ValueError, match="it may have 128 letters"):
        CallOptions(request_id=request_id)


@pytest.mark.parametrize("request_id", ["order-7", "a:b/c", "x" * 128, None])
def test_any_other_is_taken(request_id: str | None) -> None:
    assert CallOptions(request_id=request_id).request_id == request_id


def test_the_rule_is_the_gateways_own() -> None:
    assert REQUEST_ID.pattern == serving.request_ids.REQUEST_ID.pattern
