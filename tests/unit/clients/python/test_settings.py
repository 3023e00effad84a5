"""What a client may be told when it is made."""

import pytest
from penstock_client.call_headers import credential_headers
from penstock_client.messages import Request
from penstock_client.settings import ClientSettings

UNFIT = ["opensesame\n", "öpensesame", "open\0sesame", ""]


@pytest.mark.parametrize("secret", UNFIT)
@pytest.mark.parametrize("name", ["api_key", "token"])
def test_a_credential_that_no_header_carries_is_wrong_use_and_not_shown(name: str, secret: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is empty or holds what no header can carry") as wrong:
        ClientSettings(**{name: secret})  # type: ignore[arg-type]  # one of the two names
    assert "sesame" not in str(wrong.value)


@pytest.mark.parametrize("secret", UNFIT)
def test_so_is_one_that_a_function_gives(secret: str) -> None:
    with pytest.raises(ValueError, match="token is empty") as wrong:
        credential_headers(ClientSettings(token=lambda: secret))
    assert "sesame" not in str(wrong.value)


def test_neither_settings_nor_a_request_show_credentials() -> None:
    settings = ClientSettings(api_key="opensesame")
    request = Request("GET", "/v1/models").with_headers(credential_headers(settings))
    assert "opensesame" not in f"{settings} {request}"
