"""What one call may be told."""

import pytest
from penstock_client.call_options import CallOptions


@pytest.mark.parametrize("request_id", ["größe", "two\nlines", "\0"])
def test_an_id_that_no_header_carries_is_wrong_use(request_id: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        CallOptions(request_id=request_id)


@pytest.mark.parametrize("request_id", ["order-7", "a b/c", None])
def test_any_other_is_taken(request_id: str | None) -> None:
    assert CallOptions(request_id=request_id).request_id == request_id
